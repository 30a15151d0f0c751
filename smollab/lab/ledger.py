"""A small crawl curated on the spot, and its ledger as pages: the same pages in several languages, and junk.

The crawl is cut out of `data_samples/web`: the topics that exist in at least six of the seven languages, so that
languages can be compared on translations of one another, and all of `noise.warc.gz`.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from smollab.curate.ledger import LedgerRow, read_ledger
from smollab.curate.pipeline import curate
from smollab.curate.rules import Value
from smollab.curate.warc import read_warc
from smollab.documents import Document, read_documents
from smollab.lab.pages import SAMPLES, Page
from smollab.lab.runs import locked, runs_folder
from smollab.recipe import Curate, Data, Source, load_recipe
from smollab.recipe.toml import resolve_place

__all__ = [
    "FILTERS",
    "LANGUAGES",
    "curate_sample",
    "fineweb2_thresholds",
    "fineweb_thresholds",
    "read_pages",
    "topic_of",
]

LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "vi")
MINIMUM_LANGUAGES = 6
FILTERS = ("language", "gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
"""The steps that consist of rules, in FineWeb's order."""
JUNK = (
    "shop listing", "soft 404", "search-engine spam", "very short page", "keyword stuffing", "link farm",
    "page that needs JavaScript", "placeholder text", "page with scripts in its text", "repeated lines",
    "directory listing", "parked domain", "archive calendar", "random words", "cookie wall",
)  # fmt: skip
"""What those pages of our own are called in the manifest that nobody would want to train on."""
_LANGUAGE_MARK = re.compile(r"(?<=[./])(?:en-US|fr-FR|es-ES|de-DE|it-IT|pt-BR|vi-VN|en|de|es|fr|it|pt|vi)(?=[./]|$)")


def fineweb_thresholds() -> Curate:
    """Return the thresholds of `fineweb-2024`, with our seven languages in place of English alone."""
    settings = load_recipe("fineweb-2024").curate
    return replace(settings, language=replace(settings.language, languages=LANGUAGES))


def fineweb2_thresholds() -> Curate:
    """Return `fineweb_thresholds` with Gopher's and FineWeb's rules as FineWeb2 sets them for each language.

    The order of the rules, C4's rules and the language score stay, so that nothing but these thresholds differs.
    """
    published = load_recipe("fineweb2-2025").curate
    by_language = {
        language: {key: value for key, value in thresholds.items() if not key.startswith("language.")}
        for language, thresholds in published.by_language.items()
    }
    return replace(
        fineweb_thresholds(),
        gopher_repetition=published.gopher_repetition,
        gopher_quality=published.gopher_quality,
        fineweb_quality=published.fineweb_quality,
        by_language=by_language,
    )


def curate_sample(run: Path | None = None) -> Path:
    """Curate the small crawl with FineWeb's filters, or take an earlier result up again where it still holds.

    Args:
        run: folder of the run; left out: `filters` beside the other runs.

    Returns:
        The folder with `kept/`, `dropped/`, `ledger/` and `extracted/`.
    """
    run = run or runs_folder() / "filters"
    steps = ("url", "extract_html", *FILTERS)
    sources: dict[str, Source] = {}
    with locked(run.with_name(f".{run.name}.lock")):
        for name, content in _cut_samples():
            path = run / "crawl" / f"{name}.warc.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != content:  # its time tells whether a ledger still holds
                path.write_bytes(content)
            sources[name] = Source(address=f"warc:{path}", steps=steps)
        curate(Data(sources=sources), fineweb_thresholds(), run / "curate")
    return run / "curate"


def read_pages(output: Path, steps: Sequence[str] = FILTERS) -> list[Page]:
    """Return the documents of a curation as the rules met them, without those that never reached the rules.

    Args:
        output: of `curate_sample`, or of any finished curation of pages.
        steps: whose values to read.
    """
    kinds = _kinds()
    pages = []
    for file in sorted((output / "ledger").glob("*.parquet")):
        parts = sorted((output / "extracted").glob(f"{file.stem}-*.parquet"))
        texts = {str(document.metadata["record"]): document for document in read_documents(*parts)}
        for row in read_ledger(file):
            if all(row.values_of(step) for step in steps):
                pages.append(_to_page(row, texts[row.record], steps, kinds.get(row.id, "other")))
    return pages


def topic_of(url: str) -> str:
    """Return an address without what tells its language: the same for a page and its translations."""
    return _LANGUAGE_MARK.sub("*", url)


def _to_page(row: LedgerRow, document: Document, steps: Sequence[str], kind: str) -> Page:
    values: dict[str, dict[str, Value]] = {step: row.values_of(step) for step in steps}
    language = str(values["language"]["language"]) if "language" in values else row.language
    return Page(replace(document, language=language), values, kind, topic_of(row.id), row.record)


def _kinds() -> dict[str, str]:
    """Address -> real, junk or other, by the manifest of the samples."""
    manifest = json.loads(resolve_place("data_samples/manifest.json").read_text(encoding="utf-8"))
    kinds = {}
    for file in manifest["files"]:
        if file["path"].startswith("web/"):
            for record in file["records"]:
                kind = record.get("kind", "")
                junk = kind.removeprefix("made by us: ") in JUNK
                kinds[record.get("uri", "")] = "junk" if junk else "real" if kind.startswith("real") else "other"
    return kinds


def _cut_samples() -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file of the crawl, and its bytes: whole gzip members of the samples."""
    members = {name: _members(resolve_place(str(SAMPLES / f"{name}.warc.gz"))) for name in LANGUAGES}
    languages: defaultdict[str, set[str]] = defaultdict(set)
    for name, pages in members.items():
        for url in pages:
            languages[topic_of(url)].add(name)
    for name, pages in members.items():
        shared = (content for url, content in pages.items() if len(languages[topic_of(url)]) >= MINIMUM_LANGUAGES)
        yield name, b"".join(shared)
    yield "noise", resolve_place(str(SAMPLES / "noise.warc.gz")).read_bytes()


def _members(path: Path) -> dict[str, bytes]:
    """Address -> the gzip member with its record."""
    content = path.read_bytes()
    with path.open("rb") as stream:
        places = [(record.url, record.offset) for record in read_warc(stream, Counter())]
    ends = [offset for _, offset in places[1:]] + [len(content)]
    return {url: content[start:end] for (url, start), end in zip(places, ends, strict=True)}
