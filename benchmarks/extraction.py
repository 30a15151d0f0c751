"""Extraction of main texts beside trafilatura and resiliparse: how much is found, and how fast.

    pip install -e ".[bench]"
    python benchmarks/extraction.py            # about two minutes on two cores
    python benchmarks/extraction.py --gold my_pages.jsonl --rounds 3

Quality is the mean F1 over words, against texts that a reader marked: on our gold pages (`development` and
`held-out`, by kind), on the pages of the noisy crawl, on pages made link-heavy (`link_heavy_pages.py`), or on a file
of your own with `html`, `text` and `kind` in each line. Speed is documents per CPU-second, contenders interleaved,
each given the same decoded pages; trafilatura is called as FineWeb's extractor calls it,
without its child process and one-second limit.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Row, compare, print_table, save_json
from link_heavy_pages import make_pages
from rich.console import Console
from rich.table import Table

from smollab.curate.html import decode_html, extract_main_text, score_words
from smollab.curate.warc import read_warc

SAMPLES = Path(__file__).parents[1] / "data_samples"
GOLD = SAMPLES / "evaluation" / "extraction_pages.jsonl"
Extractor = Callable[[str], str]


@dataclass(frozen=True)
class Page:
    """A page, decoded, and what a reader came for."""

    group: str
    """What its score is averaged with."""
    html: str
    text: str


def contenders() -> dict[str, Extractor]:
    """Return name -> function from a page to its main text; ours is last."""
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text

    return {
        "trafilatura, FineWeb's settings": lambda html: (
            trafilatura.extract(html, favor_precision=True, include_comments=False, deduplicate=True) or ""
        ),
        "trafilatura, defaults": lambda html: trafilatura.extract(html) or "",
        "resiliparse, main content": lambda html: extract_plain_text(html, main_content=True),
        "resiliparse, all text": lambda html: extract_plain_text(html, main_content=False),
        "smollab": extract_main_text,
    }


def read_gold(path: Path) -> list[Page]:
    """Read pages with their gold texts, one JSON object a line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Page(" ".join(filter(None, (row.get("split", ""), row.get("kind", "pages")))), row["html"], row["text"])
        for row in rows
    ]


def read_crawl() -> list[Page]:
    """Read the pages of the noisy crawl whose main texts are known."""
    lines = (SAMPLES / "evaluation" / "extraction_gold.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {row["uri"]: row["text"] for row in map(json.loads, lines)}
    pages = {uri: html for uri, html in read_web("noise") if uri in texts}
    return [Page("noisy crawl", html, texts[uri]) for uri, html in pages.items()]


def read_web(name: str) -> Iterable[tuple[str, str]]:
    """Yield address and decoded page of the records of a sample crawl."""
    with (SAMPLES / "web" / f"{name}.warc.gz").open("rb") as stream:
        for record in read_warc(stream, Counter()):
            if "html" in record.content_type:
                yield record.url, decode_html(record.body, record.charset)


def score(pages: list[Page], extractors: dict[str, Extractor]) -> list[dict[str, Any]]:
    """Return the mean scores of each extractor on each group of pages, and on all."""
    table = []
    for name, extract in extractors.items():
        scores: dict[str, list[Any]] = {}
        for page in pages:
            result = score_words(extract(page.html), page.text)
            scores.setdefault(page.group, []).append(result)
        scores["all"] = [result for group in scores.values() for result in group]
        for group, results in scores.items():
            means = [sum(values) / len(results) for values in zip(*results, strict=True)]
            row = {"extractor": name, "group": group, "pages": len(results)}
            table.append(row | dict(zip(("f1", "precision", "recall"), means, strict=True)))
    return table


def print_scores(rows: list[dict[str, Any]]) -> None:
    """Print F1 by group and, over all pages, precision and recall."""
    names = list(dict.fromkeys(row["extractor"] for row in rows))
    table = Table(title="mean F1 over words")
    for heading in ("pages of", "number", *names):
        table.add_column(heading, justify="left" if heading == "pages of" else "right")
    for group in dict.fromkeys(row["group"] for row in rows):
        cells = [row for row in rows if row["group"] == group]
        table.add_row(group, str(cells[0]["pages"]), *(f"{row['f1']:.3f}" for row in cells))
        if group == "all":
            table.add_row("  precision", "", *(f"{row['precision']:.3f}" for row in cells))
            table.add_row("  recall", "", *(f"{row['recall']:.3f}" for row in cells))
    Console().print(table)


def main() -> int:
    """Score and time all extractors, print tables, write benchmarks/results/extraction.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, help="pages of your own; the default are ours")
    parser.add_argument("--pages", type=int, default=80, help="documentation pages to time, beside the gold pages")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    options = parser.parse_args()
    try:
        extractors = contenders()
    except ImportError as error:
        print(f"{error}: a peer of this benchmark is missing: pip install smollab[bench]", file=sys.stderr)
        return 2
    if options.gold:
        pages = read_gold(options.gold)
    else:
        pages = [*read_gold(GOLD), *read_crawl()]
    portals = [Page("link-heavy", html, text) for html, text in make_pages(GOLD)]
    rows = score(pages, extractors) + [row for row in score(portals, extractors) if row["group"] != "all"]
    print_scores(rows)
    documentation = [html for _, html in read_web("en")]
    inputs = {
        "gold pages": [page.html for page in pages],
        "link-heavy pages": [page.html for page in portals],
        "documentation": documentation[:: max(1, len(documentation) // options.pages)][: options.pages],
    }
    timed: list[Row] = []
    names = []
    for title, htmls in inputs.items():
        runs = {name: _on(extract, htmls) for name, extract in extractors.items()}
        result = compare(runs, rounds=options.rounds, unit="docs", amount=len(htmls))
        print_table(f"extraction: {title}", result)
        timed += result
        names += [f"{title}: {row.name}" for row in result]
    size = {title: sum(map(len, htmls)) / len(htmls) for title, htmls in inputs.items()}
    print(save_json("extraction", timed, comparisons=names, scores=rows, characters_per_page=size))
    return 0


def _on(extract: Extractor, htmls: list[str]) -> Callable[[], list[str]]:
    return lambda: [extract(html) for html in htmls]


if __name__ == "__main__":
    sys.exit(main())
