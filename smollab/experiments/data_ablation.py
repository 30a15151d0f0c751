"""The data ablation: the same small model on the same number of tokens of the same pages, curated less or more.

    raw            all visible text of each page, menus and banners included
    extracted      the main text
    filtered       the main text of pages that pass the quality rules
    deduplicated   and each text once

This is how FineWeb was made (Penedo et al. 2024, sections 3.1 to 3.6): a step stays in the pipeline if a model
trained on its output is better at equal tokens. Theirs had 1.82 billion parameters and 28 billion tokens.

What the comparison holds equal: model, steps, tokens, seeds, tokenizer, language identification, held-out texts.
What it cannot hold equal, and reports instead: a smaller corpus is read more often (epochs), and the tokenizer has to
be trained on something: it is trained on the deduplicated text, which favors clean text a little.

Held-out texts are of three kinds, since each alone would mislead:
    pages            pages of the same sites, chosen by a hash of their address; their main text comes from the same
                     extractor as three of the variants', so this favors those three
    pages-filtered   those of them that pass the filters, so this favors what was filtered with the same rules
    others           every text source of the recipe: written or extracted by others, so it favors none
Pages that share more than a tenth of their 13-grams with any held-out text are left out of all variants.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smollab import __version__
from smollab.curate.pipeline import curate
from smollab.curate.shards import list_shards
from smollab.documents import Document, read_documents, write_documents
from smollab.experiments import crawl
from smollab.experiments.compare import Comparison, Variant, compare
from smollab.recipe import Data, Recipe, RecipeError, Schedule, Source
from smollab.tokens.tokenize import (
    encode,
    is_held_out,
    sample_texts,
    tokenize_documents,
    tokenizer_hash,
)
from smollab.tokens.tokenizer import save_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILTERS = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
VARIANTS: dict[str, tuple[str, ...]] = {
    "raw": ("language",),
    "extracted": ("extract_html", "language"),
    "filtered": ("url", "extract_html", "language", *FILTERS),
    "deduplicated": ("url", "extract_html", "language", *FILTERS, "exact_dedup", "minhash_dedup"),
}
"""Variant -> its curation steps. Raw text is read from a file of visible texts, the others from the pages."""
POOL = "web"
"""Name of the one source that is trained on."""
PAGES, GOOD_PAGES = "pages", "pages-filtered"
"""Names of the held-out pages, and of those of them that pass the filters."""
PAGE_KINDS = ("warc", "html")
SHORTEST_HELD_OUT = 400
"""Characters; a shorter page tells little of a model."""

Tell = Callable[[str], None]


def ablate_data(
    recipe: Recipe,
    folder: Path,
    seeds: Sequence[int],
    variants: Sequence[str] = tuple(VARIANTS),
    as_crawled: bool = True,
    tell: Tell = lambda line: None,
    progress: Callable[[int, int], None] = lambda steps_done, steps: None,
) -> dict[str, Any]:
    """Compare ways of curating the pages of a recipe; what is done already is kept.

    Args:
        recipe: its warc and html sources are the pages; its text sources are only evaluated on.
        folder: receives `corpus/`, `runs/` and `results.json`.
        seeds: of initialization and data order.
        variants: some of `VARIANTS`.
        as_crawled: add noise pages and copies on mirrors, as `smollab.experiments.crawl` says.
        tell: called with a line on each thing done.
        progress: called with (optimizer steps done, steps in all).

    Returns:
        What `results.json` holds: `pages`, `variants`, `seeds`, `scores`, `recipe`, `version`.

    Raises:
        RecipeError: no page source, an unknown variant, or a mixture of anything but `web`.
        CurationError: a source that cannot be read.
        ValueError: a variant that keeps too little text.
    """
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        raise RecipeError(f"no variant {unknown[0]!r}; known: {', '.join(VARIANTS)}")
    if any(set(stage.mixture) != {POOL} for stage in recipe.stages) or not recipe.stages:
        raise RecipeError(f"{recipe.name}: the stages of a data ablation train on {{ {POOL} = 1 }} alone")
    corpus = folder / "corpus"
    prepared = _prepare(recipe, corpus, as_crawled, tell)
    read = recipe.total_tokens
    for row in prepared["variants"].values():
        row["epochs"] = round(read / max(row["tokens"], 1), 2)
    chosen = {name: Variant(recipe, corpus / name / "tokens") for name in VARIANTS if name in variants}
    comparison = compare(chosen, seeds, folder, recipe.curate.workers, progress)
    results = prepared | {
        "variants": {name: prepared["variants"][name] for name in chosen},
        "tokens_read": read,
        "seeds": list(comparison.seeds),
        "scores": comparison.scores,
        "recipe": recipe.name,
        "changes": {"steps": recipe.total_steps, "as_crawled": as_crawled},
        "version": __version__,
    }
    text = json.dumps(results, indent=1) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    return results


def shorten(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with another number of steps in all; warmup, decay and stages keep their shares.

    Raises:
        RecipeError: fewer than 4 steps.
    """
    if steps < 4:
        raise RecipeError(f"steps ({steps}): at least 4, for a warmup, a plateau and a decay")
    share = steps / recipe.total_steps
    scaled = lambda count: max(1, round(count * share))

    def shorter(plan: Schedule) -> Schedule:
        return replace(plan, warmup_steps=scaled(plan.warmup_steps), decay_steps=scaled(plan.decay_steps))

    stages = tuple(
        replace(stage, steps=scaled(stage.steps), schedule=stage.schedule and shorter(stage.schedule))
        for stage in recipe.stages
    )
    return replace(recipe, schedule=shorter(recipe.schedule), stages=stages)


def load_comparison(results: Mapping[str, Any]) -> Comparison:
    """The comparison inside results, whether just made or read from `results.json`."""
    return Comparison(tuple(results["seeds"]), dict(results["scores"]))


def _prepare(recipe: Recipe, corpus: Path, as_crawled: bool, tell: Tell) -> dict[str, Any]:
    """Curate all variants and tokenize them, unless that was done with the same settings, inputs and code."""
    marker, fingerprint = corpus / "prepared.json", _fingerprint(recipe, as_crawled)
    if marker.exists():
        found: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        if found.pop("fingerprint") == fingerprint:
            tell("corpus: reused, nothing it depends on has changed")
            return found
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    held_out, counts = _make_pool(recipe, corpus, as_crawled)
    tell(
        f"pool: {counts['pool']:,} pages, {counts['copies']:,} of them copies and {counts['noise']:,} noise; "
        f"{counts['held_out']:,} held out, {counts['overlapping']:,} left out for overlap"
    )
    rows: dict[str, dict[str, int]] = {}
    for name, steps in VARIANTS.items():
        address = f"parquet:{corpus / 'visible.parquet'}" if name == "raw" else f"warc:{corpus / 'pages.warc.gz'}"
        data = Data(sources={POOL: Source(address=address, steps=steps)})
        funnel = curate(data, recipe.curate, corpus / name)
        rows[name] = {"documents": funnel.documents_kept, "characters": funnel.characters_kept}
        tell(f"{name}: {funnel.documents_kept:,} documents, {funnel.characters_kept / 1e6:.2f} million characters")
        if not funnel.documents_kept:
            raise ValueError(f"{corpus / name / 'funnel.json'}: every page of {name!r} was dropped; see its reasons")
    tokenizer = _train_tokenizer(recipe, corpus / list(VARIANTS)[-1] / "kept")
    for name in VARIANTS:
        rows[name] |= _tokenize(recipe, tokenizer, corpus / name, held_out)
    result = {"pages": counts, "variants": rows}
    marker.write_text(json.dumps(result | {"fingerprint": fingerprint}, indent=1) + "\n", encoding="utf-8")
    return result


def _make_pool(recipe: Recipe, corpus: Path, as_crawled: bool) -> tuple[dict[str, list[Document]], dict[str, int]]:
    """Write the pool twice, as pages and as visible texts; returns the held-out texts and what was counted."""
    sources = recipe.data.sources
    pages = [p for n, s in sources.items() if s.kind in PAGE_KINDS for p in crawl.read_pages(n, s)]
    if not pages:
        raise RecipeError(f"{recipe.name}: a data ablation needs a source of pages ({' or '.join(PAGE_KINDS)})")
    held_out = {n: _read_texts(n, s) for n, s in sources.items() if s.kind not in PAGE_KINDS}
    own: list[Document] = []
    for page in pages:
        text = crawl.main_text(page) if is_held_out(page.id, recipe.data.held_out) else ""
        if len(text) >= SHORTEST_HELD_OUT:
            own.append(Document(page.id, text, page.source, page.language, page.metadata))
    held_out |= {PAGES: own, GOOD_PAGES: _passing(own, recipe, corpus)}
    overlap = crawl.Overlap.of(d.text for documents in held_out.values() for d in documents)
    left = [page for page in pages if not is_held_out(page.id, recipe.data.held_out)]
    noise = list(crawl.read_pages("noise", crawl.NOISE)) if as_crawled else []
    known = {page.id for page in pages}
    noise = [page for page in noise if page.id not in known]
    new = {name: [p for p in group if overlap.share(crawl.main_text(p)) <= crawl.MOST_OVERLAP]
           for name, group in (("left", left), ("noise", noise))}  # fmt: skip
    originals = new["left"] + new["noise"]
    pool = crawl.add_copies(originals) if as_crawled else originals
    crawl.write_warc(corpus / "pages.warc.gz", pool)
    texts = (Document(p.id, crawl.visible_text(p), POOL, "", {"url": p.id}) for p in pool)
    write_documents(corpus / "visible.parquet", (d for d in texts if d.text.strip()))
    counts = {
        "read": len(pages),
        "held_out": len(own),
        "overlapping": len(left) + len(noise) - len(originals),
        "noise": len(new["noise"]),
        "copies": len(pool) - len(originals),
        "pool": len(pool),
    }
    return held_out, counts


def _passing(documents: list[Document], recipe: Recipe, corpus: Path) -> list[Document]:
    """The documents that pass the quality filters, as they were before (a filter may remove lines)."""
    write_documents(corpus / f"{PAGES}.parquet", documents)
    source = Source(address=f"parquet:{corpus / PAGES}.parquet", steps=("language", *FILTERS))
    curate(Data(sources={PAGES: source}), recipe.curate, corpus / PAGES)
    passed = {document.id for document in read_documents(*sorted((corpus / PAGES / "kept").glob("*.parquet")))}
    return [document for document in documents if document.id in passed]


def _read_texts(name: str, source: Source) -> list[Document]:
    """Held-out texts; plain ones without their hard line breaks, which no page has."""
    documents = list(crawl.read_pages(name, source))
    return [replace(d, text=crawl.join_lines(d.text)) for d in documents] if source.kind == "text" else documents


def _train_tokenizer(recipe: Recipe, kept: Path) -> "Tokenizer":
    texts = sample_texts(sorted(kept.glob("*.parquet")), recipe.tokenizer.training_bytes, held_out=0.0)
    return train_tokenizer(texts, recipe.tokenizer.vocab_size)


def _tokenize(
    recipe: Recipe, tokenizer: "Tokenizer", folder: Path, held_out: Mapping[str, Sequence[Document]]
) -> dict[str, int]:
    """Write a variant's training shards, and the held-out shards, which are the same for all variants."""
    from smollab.tokens.shards import write_shard

    tokens = folder / "tokens"
    statistics = tokenize_documents(folder / "kept", tokenizer, tokens, held_out=0.0)
    shutil.rmtree(tokens / "held_out")  # of the training documents, so empty
    for name, documents in held_out.items():
        encoded = encode(tokenizer, documents)
        write_shard(tokens / "held_out" / name, encoded, tokenizer.get_vocab_size(), tokenizer_hash(tokenizer))
    save_tokenizer(tokenizer, tokens / "tokenizer", recipe.model.max_position_embeddings)
    return {
        "tokens": sum(row["train_tokens"] for row in statistics.values()),
        "bytes": sum(row["train_bytes"] for row in statistics.values()),
    }


def _fingerprint(recipe: Recipe, as_crawled: bool) -> str:
    """Hash what the corpus depends on: settings, input files (size and time), and code."""
    package = Path(__file__).parents[1]
    places = [package / "documents.py", *(p for n in ("curate", "tokens") for p in sorted((package / n).rglob("*.py")))]
    code = [hashlib.sha256(p.read_bytes()).hexdigest() for p in [*places, Path(__file__), Path(crawl.__file__)]]
    sources = dict(recipe.data.sources) | ({"noise": crawl.NOISE} if as_crawled else {})
    files = {
        file: [Path(file).stat().st_size, Path(file).stat().st_mtime_ns]
        for name, source in sources.items()
        for shard in list_shards(name, source)
        for file in shard.files
        if Path(file).exists()
    }
    settings = {
        "data": asdict(recipe.data),
        "curate": asdict(replace(recipe.curate, workers=None)),
        "tokenizer": asdict(recipe.tokenizer),
        "as_crawled": as_crawled,
    }
    return hashlib.sha256(json.dumps([settings, files, code], sort_keys=True).encode()).hexdigest()[:16]
