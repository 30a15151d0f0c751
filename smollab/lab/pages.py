"""Sample pages before filtering, what the rules measure on them, and the rules' verdict for given thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from smollab.curate import make_step
from smollab.curate.filters import fineweb_quality, gopher_quality
from smollab.curate.readers import read_shard
from smollab.curate.shards import Report, list_shards
from smollab.curate.words import words_of
from smollab.documents import Document, Drop
from smollab.recipe import Curate, FineWebQuality, GopherQuality, Source

SAMPLES = Path("data_samples") / "web"
MAXIMUM_CHARACTERS = 20_000
"""Longer pages are left out, so that a change of a threshold is answered at once."""


@dataclass(frozen=True)
class Page:
    """A page with its text, and the two measurements a figure can show."""

    document: Document
    words: int
    """Words that are not only signs."""
    with_letters: float
    """Share of the words and signs with at least one letter."""


def load_pages(files: Sequence[str] = ("noise", "en"), pages_per_file: int = 70) -> list[Page]:
    """Extract the text of sample pages, spread evenly over each file, and keep those whose language is one of ours.

    Args:
        files: names of shards in `data_samples/web`.
        pages_per_file: at most so many of each.
    """
    pages: list[Page] = []
    for file in files:
        (shard,) = list_shards("web", Source(address=f"warc:{SAMPLES / file}.warc.gz"))
        found = list(read_shard(shard, Report()))
        spread = found[:: max(1, len(found) // pages_per_file)]
        texts = (text for text in map(_extract, spread) if text is not None and len(text.text) <= MAXIMUM_CHARACTERS)
        pages += [measure(text) for text in islice(texts, pages_per_file)]
    return pages


def measure(document: Document) -> Page:
    """Measure a page the way the rules do."""
    words = words_of(document.text)
    with_letters = sum(any(map(str.isalpha, word)) for word in words.words) / max(len(words), 1)
    return Page(document, len(words.proper), with_letters)


def judge(pages: Sequence[Page], gopher: GopherQuality, fineweb: FineWebQuality) -> list[Drop | None]:
    """The verdict of Gopher's and FineWeb's quality rules on each page; None: it stays."""
    filters = (gopher_quality(gopher), fineweb_quality(fineweb))
    verdicts: list[Drop | None] = []
    for page in pages:
        results = (filter_(page.document) for filter_ in filters)
        verdicts.append(next((result for result in results if isinstance(result, Drop)), None))
    return verdicts


def _extract(document: Document) -> Document | None:
    """The page as it stands before the quality rules."""
    for name in ("url", "extract_html", "language"):
        result = make_step(name, Curate())(document)
        if isinstance(result, Drop):
            return None
        document = result
    return document
