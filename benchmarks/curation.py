"""Curation beside datatrove: the same work on the same pages, documents per CPU-second.

    pip install -e ".[bench]"
    python benchmarks/curation.py            # about 5 minutes on two cores
    python benchmarks/curation.py --pages 40 --rounds 3

Each comparison gives both contenders the same texts in memory; `extraction.py` measures what makes
them. The rules are FineWeb's four filters in a chain that stops at the first failing one.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Row, compare, print_table, save_json

from smollab.curate.filters import c4_quality, fineweb_quality, gopher_quality, gopher_repetition
from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.pii import mask_pii
from smollab.curate.warc import read_warc
from smollab.curate.words import words_of
from smollab.documents import Document, Drop
from smollab.recipe import C4Quality, FineWebQuality, GopherQuality, GopherRepetition

SAMPLES = Path(__file__).parents[1] / "data_samples" / "web"


def read_pages(count: int) -> list[str]:
    """Return English sample pages, evenly drawn."""
    with (SAMPLES / "en.warc.gz").open("rb") as stream:
        pages = [decode_html(r.body, r.charset) for r in read_warc(stream, Counter()) if "html" in r.content_type]
    step = max(1, len(pages) // count)
    return pages[::step][:count]


def our_rules(texts: list[str]) -> list[bool]:
    """Judge texts by our filters; True for kept."""
    words_of.cache_clear()
    steps: list[tuple[Callable[..., Document | Drop], Any]] = [
        (gopher_repetition, GopherRepetition()),
        (gopher_quality, GopherQuality()),
        (c4_quality, C4Quality()),
        (fineweb_quality, FineWebQuality()),
    ]
    verdicts = []
    for text in texts:
        result: Document | Drop = Document("id", text, "web", "en")
        for step, settings in steps:
            if isinstance(result, Document):
                result = step(result, settings)
        verdicts.append(isinstance(result, Document))
    return verdicts


class Datatrove:
    """datatrove's side of each comparison; building it imports datatrove."""

    def __init__(self) -> None:
        from datatrove.data import Document as TheirDocument
        from datatrove.pipeline.filters import (
            C4QualityFilter,
            FineWebQualityFilter,
            GopherQualityFilter,
            GopherRepetitionFilter,
        )
        from datatrove.pipeline.formatters import PIIFormatter
        from datatrove.utils.text import split_into_parts

        self.document, self.forget = TheirDocument, split_into_parts.cache_clear
        self.filters = [
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
        ]
        self.pii = PIIFormatter()

    def rules(self, texts: list[str]) -> list[bool]:
        """Judge texts by datatrove's filters; True for kept."""
        self.forget()
        verdicts = []
        for text in texts:
            document = self.document(text=text, id="id")
            verdicts.append(all(filter_.filter(document) is True for filter_ in self.filters))
        return verdicts

    def mask(self, texts: list[str]) -> list[str]:
        """Mask personal data."""
        return [self.pii.format(text) for text in texts]


def main() -> int:
    """Run all comparisons, print tables, write benchmarks/results/curation.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=80, help="pages and texts per round")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    options = parser.parse_args()
    try:
        peer = Datatrove()
    except ImportError as error:
        print(f"{error}: the peer of this benchmark is missing: pip install smollab[bench]", file=sys.stderr)
        return 2
    pages = read_pages(options.pages)
    texts = [text for page in pages if (text := extract_main_text(page))]
    documents = [Document("id", text, "web", "en") for text in texts]
    comparisons: dict[str, tuple[float, dict[str, Callable[[], Any]]]] = {
        "rules": (len(texts), {"datatrove": lambda: peer.rules(texts), "smollab": lambda: our_rules(texts)}),
        "personal data": (
            len(texts),
            {"datatrove": lambda: peer.mask(texts), "smollab": lambda: [mask_pii(d) for d in documents]},
        ),
    }
    rows: dict[str, list[Row]] = {}
    for name, (amount, contenders) in comparisons.items():
        rows[name] = compare(contenders, rounds=options.rounds, unit="docs", amount=amount)
        print_table(name, rows[name])
    ours, theirs = our_rules(texts), peer.rules(texts)
    same = sum(a == b for a, b in zip(ours, theirs, strict=True))
    print(f"rules: {same} of {len(texts)} verdicts are the same ({sum(ours)} kept by us, {sum(theirs)} by datatrove)")
    size = {
        "characters_per_text": sum(map(len, texts)) / len(texts),
        "characters_per_page": sum(map(len, pages)) / len(pages),
    }
    everything = [row for name in rows for row in rows[name]]
    names = [f"{name}: {row.name}" for name in rows for row in rows[name]]
    print(save_json("curation", everything, comparisons=names, same_verdicts=same, texts=len(texts), **size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
