"""The PDF ablation: the same small model on equally many tokens of web pages, and of web pages mixed with PDFs.

    web       web pages only
    pdf 25 %  every fourth token is from a PDF
    pdf 50 %, pdf 75 %

FinePDFs' makers say that their PDFs and web text are better together than either alone; the repository holds no
measurement of it, only a mixture (references in docs/finepdfs.md). This asks the question on a laptop.

Held equal: model, steps, tokens, seeds, tokenizer, held-out texts, curation (each kind by its own recipe's steps, one
deduplication over both). Not equal, and reported: how often each arm reads its web and its PDF text (epochs).

Held-out texts are of both kinds, and of others, since each alone would mislead: whoever is trained on PDFs is better on
PDFs. They are whole documents, chosen by a hash of their id; training documents that share more than a tenth of their
13-grams with any of them are left out. Of a held-out document a stretch from the middle is read, so that many
documents count and not the longest.

The tokenizer is trained on equally many bytes of both kinds, so it favors neither.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from smollab import __version__
from smollab.curate.pipeline import curate
from smollab.documents import Document, read_documents, write_documents
from smollab.documents import replace as replace_document
from smollab.experiments import crawl
from smollab.experiments.compare import Variant, compare
from smollab.recipe import Data, Recipe, RecipeError
from smollab.tokens.shards import write_shard
from smollab.tokens.tokenize import encode, is_held_out, tokenize_documents, tokenizer_hash
from smollab.tokens.tokenizer import save_tokenizer, train_tokenizer

__all__ = ["RATIOS", "ablate_pdf", "name_of", "read_ratios"]

RATIOS = (0.0, 0.25, 0.5, 0.75)
"""Shares of the tokens that are from PDFs."""
WEB, PDF = "web", "pdf"
"""The sources that are trained on; every other source of the recipe is only evaluated on."""
STRETCH = 6000
"""Characters read of a held-out document, from its middle."""
SHORTEST = 400
"""Characters; a shorter held-out document tells little of a model."""

Tell = Callable[[str], None]


def name_of(ratio: float) -> str:
    """Return the name of a variant: `web`, `pdf 25 %`."""
    return f"pdf {ratio:.0%}".replace("%", " %") if ratio else WEB


def read_ratios(words: Sequence[str]) -> tuple[float, ...]:
    """Read shares as a person writes them.

    Raises:
        RecipeError: one is no number.
    """
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        raise RecipeError(f"--only {','.join(words)}: shares of PDF tokens, such as 0,0.25,0.5") from None


def ablate_pdf(
    recipe: Recipe,
    folder: Path,
    seeds: Sequence[int],
    ratios: Sequence[float] = RATIOS,
    tell: Tell = lambda line: None,
    progress: Callable[[int, int], None] = lambda steps_done, steps: None,
) -> dict[str, Any]:
    """Compare mixtures of web and PDF text; what is done already is kept.

    Args:
        recipe: its sources `web` and `pdf` are trained on, its other sources are evaluated on.
        folder: receives `corpus/`, `runs/` and `results.json`.
        seeds: of initialization and data order.
        ratios: shares of PDF tokens, 0 to 1.
        tell: called with a line on each thing done.
        progress: called with (optimizer steps done, steps in all).

    Returns:
        What `results.json` holds: `documents`, `variants`, `seeds`, `scores`, `recipe`, `version`.

    Raises:
        RecipeError: a source is missing, or a ratio is none.
        CurationError: a source that cannot be read.
    """
    if missing := {WEB, PDF} - recipe.data.sources.keys():
        raise RecipeError(f"{recipe.name}: a PDF ablation needs a source {sorted(missing)[0]!r}")
    if not ratios or any(not 0 <= ratio <= 1 for ratio in ratios):
        raise RecipeError(f"ratios {list(ratios)}: shares of PDF tokens, from 0 to 1")
    prepared = _prepare(recipe, folder / "corpus", tell)
    read = recipe.total_tokens
    variants, rows = {}, {}
    for ratio in ratios:
        mixture = {name: share for name, share in ((WEB, 1 - ratio), (PDF, ratio)) if share}
        stages = tuple(replace(stage, mixture=mixture) for stage in recipe.stages)
        variants[name_of(ratio)] = Variant(replace(recipe, stages=stages), folder / "corpus" / "tokens")
        epochs = {
            n: round(share * read / max(prepared["documents"][n]["tokens"], 1), 2) for n, share in mixture.items()
        }
        rows[name_of(ratio)] = {"pdf_share": ratio, "epochs": epochs}
    comparison = compare(variants, seeds, folder, recipe.curate.workers, progress)
    results = prepared | {
        "variants": rows,
        "tokens_read": read,
        "seeds": list(comparison.seeds),
        "scores": comparison.scores,
        "recipe": recipe.name,
        "changes": {"steps": recipe.total_steps},
        "version": __version__,
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def _prepare(recipe: Recipe, corpus: Path, tell: Tell) -> dict[str, Any]:
    """Curate, split and tokenize, unless that was done with the same settings and code."""
    marker, fingerprint = corpus / "prepared.json", _fingerprint(recipe)
    if marker.exists():
        found: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        if found.pop("fingerprint") == fingerprint:
            tell("corpus: reused, nothing it depends on has changed")
            return found
    shutil.rmtree(corpus / "train", ignore_errors=True)
    shutil.rmtree(corpus / "tokens", ignore_errors=True)
    sources = {name: recipe.data.sources[name] for name in (WEB, PDF)}
    curate(Data(sources=sources), recipe.curate, corpus / "curated")
    kept = {n: list(read_documents(*sorted((corpus / "curated" / "kept").glob(f"{n}-*.parquet")))) for n in sources}
    held_out = {n: _middles(d for d in kept[n] if is_held_out(d.id, recipe.data.held_out)) for n in kept}
    others = {n: s for n, s in recipe.data.sources.items() if n not in sources}
    held_out |= {
        n: [replace_document(d, text=crawl.join_lines(d.text)) for d in crawl.read_pages(n, s)]
        for n, s in others.items()
    }
    overlap = crawl.Overlap.of(d.text for documents in held_out.values() for d in documents)
    documents: dict[str, dict[str, int]] = {}
    for name in kept:
        left = [d for d in kept[name] if not is_held_out(d.id, recipe.data.held_out)]
        train = [d for d in left if overlap.share(d.text) <= crawl.MOST_OVERLAP]
        write_documents(corpus / "train" / f"{name}-00000.parquet", train)
        documents[name] = {
            "kept": len(kept[name]),
            "train": len(train),
            "held_out": len(held_out[name]),
            "overlapping": len(left) - len(train),
            "characters": sum(len(d.text) for d in train),
        }
        tell(f"{name}: {documents[name]}")
        if not train or not held_out[name]:
            raise ValueError(f"{corpus}: too few documents of {name!r} for a held-out part; name a larger source")
    tokenizer = train_tokenizer(
        _balanced(corpus / "train", recipe.tokenizer.training_bytes), recipe.tokenizer.vocab_size
    )
    tokens = corpus / "tokens"
    statistics = tokenize_documents(corpus / "train", tokenizer, tokens, held_out=0.0)
    shutil.rmtree(tokens / "held_out")  # of the training documents, so empty
    for name, texts in held_out.items():
        write_shard(
            tokens / "held_out" / name, encode(tokenizer, texts), tokenizer.get_vocab_size(), tokenizer_hash(tokenizer)
        )
    save_tokenizer(tokenizer, tokens / "tokenizer", recipe.model.max_position_embeddings)
    for name in kept:
        documents[name]["tokens"] = statistics[name]["train_tokens"]
    result = {"documents": documents}
    marker.write_text(json.dumps(result | {"fingerprint": fingerprint}, indent=1) + "\n", encoding="utf-8")
    return result


def _middles(documents: Iterable[Document]) -> list[Document]:
    """Return a stretch from the middle of each document that is long enough, cut at line ends."""
    stretches = []
    for document in documents:
        text = document.text
        if len(text) > STRETCH:
            start = text.find("\n", (len(text) - STRETCH) // 2) + 1
            text = text[start : start + STRETCH].rpartition("\n")[0] or text[start : start + STRETCH]
        if len(text) >= SHORTEST:
            stretches.append(replace_document(document, text=text))
    return stretches


def _balanced(folder: Path, maximum_bytes: int) -> list[str]:
    """Return texts of both kinds, equally many characters of each."""
    texts = {name: [d.text for d in read_documents(*sorted(folder.glob(f"{name}-*.parquet")))] for name in (WEB, PDF)}
    budget = min(maximum_bytes // 2, *(sum(map(len, part)) for part in texts.values()))
    chosen: list[str] = []
    for part in texts.values():
        left = budget
        for text in part:
            chosen.append(text[:left])
            left -= len(chosen[-1])
            if left <= 0:
                break
    return chosen


def _fingerprint(recipe: Recipe) -> str:
    """Hash what the corpus depends on: settings and code; input files are named by the recipe."""
    package = Path(__file__).parents[1]
    places = [package / "documents.py", *(p for n in ("curate", "tokens") for p in sorted((package / n).rglob("*.py")))]
    code = [hashlib.sha256(p.read_bytes()).hexdigest() for p in [*places, Path(__file__), Path(crawl.__file__)]]
    settings = {
        "data": asdict(recipe.data),
        "curate": asdict(replace(recipe.curate, workers=None)),
        "tokenizer": asdict(recipe.tokenizer),
    }
    return hashlib.sha256(json.dumps([settings, code], sort_keys=True).encode()).hexdigest()[:16]
