"""Pages with the text that a reader came for, extractors to compare, and what each kind of evidence is worth."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from smollab.curate.html import Score, Thresholds, extract_main_text, score_words
from smollab.curate.html.blocks import Block, Page
from smollab.curate.html.main_text import judge_blocks, render
from smollab.curate.html.reader import read_page
from smollab.curate.html.thresholds import DEFAULTS
from smollab.curate.quality import bootstrap_interval
from smollab.recipe.toml import resolve_place

__all__ = [
    "EVIDENCE",
    "EXTRACTORS",
    "GoldPage",
    "by_density",
    "draw_tree",
    "extract_without",
    "is_gold",
    "judge_text",
    "load_gold_pages",
    "mean_with_interval",
    "score_pages",
]

Extractor = Callable[[str], str]
PART_CHARACTERS = 30
"""A shorter block may stand in a gold line by accident, as the words of a menu do."""


@dataclass(frozen=True)
class GoldPage:
    """A page written by us as content management systems mark pages up, and what a reader comes for."""

    name: str
    kind: str
    """`news`, `blog`, `shop`, `forum` or `other`."""
    language: str
    split: str
    """The extractor was made while looking at `development`, and not at `held-out`."""
    html: str
    text: str


@lru_cache(maxsize=1)
def load_gold_pages() -> tuple[GoldPage, ...]:
    """Read `data_samples/evaluation/extraction_pages.jsonl`."""
    lines = resolve_place("data_samples/evaluation/extraction_pages.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(GoldPage(**json.loads(line)) for line in lines)


def is_gold(block: Block, gold: str) -> bool:
    """Tell whether a block is text that the reader came for: a line of the gold text, or a longer part of one."""
    text = " ".join(block.text.split())
    if len(text) < PART_CHARACTERS:
        return text in {" ".join(line.split()) for line in gold.split("\n")}
    return text in " ".join(gold.split())


def judge_text(page: Page, thresholds: Thresholds) -> tuple[list[str], str]:
    """Return the verdict on each block of a page, and the text that is left."""
    verdicts = judge_blocks(page, thresholds)
    kept = [block for block, verdict in zip(page.blocks, verdicts, strict=True) if verdict == "kept"]
    return verdicts, "\n".join(render(kept))


def mean_with_interval(values: Sequence[float], repeats: int = 1000) -> tuple[float, float, float]:
    """Return a mean over pages and the middle 95 % when pages are drawn anew."""
    mean = lambda rows: sum(values[i] for i in rows) / len(rows)
    groups = [str(i) for i in range(len(values))]
    return (mean(range(len(values))), *bootstrap_interval(mean, groups, repeats))


def draw_tree(html: str, depth: int = 5) -> str:
    """Return a page's elements as an indented outline, with the characters of text and of links in each."""
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "noscript"])
    lines: list[str] = []

    def visit(node: LexborNode, level: int) -> None:
        text = len("".join(node.text().split()))
        links = sum(len("".join(link.text().split())) for link in node.css("a"))
        name = (node.tag or "") + "".join(f".{c}" for c in (node.attributes.get("class") or "").split()[:1])
        lines.append(f"{'  ' * level + name:<44}{text:>6}{links:>7}")
        if level < depth:
            for child in node.iter():
                if child.text().strip():
                    visit(child, level + 1)

    assert tree.body is not None
    visit(tree.body, 0)
    return "\n".join([f"{'element':<44}{'text':>6}{'links':>7}", *lines])


def all_text(html: str) -> str:
    """Return all text of a page that is shown."""
    return "\n".join(block.text for block in read_page(html, whole=True).blocks)


def paragraphs_only(html: str) -> str:
    """Return what stands in `<p>` elements, as the simplest scrapers do."""
    return "\n".join(node.text() for node in LexborHTMLParser(html).css("p"))


def main_element(html: str) -> str:
    """Return the text of `<main>` or `<article>`, or of the whole page where there is none."""
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "noscript", "nav", "header", "footer", "aside"])
    node = tree.css_first("article") or tree.css_first("main") or tree.body
    return node.text(separator=" ") if node is not None else ""


def by_density(html: str, good_characters: int = 80, link_density: float = 1 / 3) -> str:
    """Return the blocks that are long and hold few links, whatever stands around them."""
    blocks = read_page(html).blocks
    return "\n".join(b.text for b in blocks if b.size >= good_characters and b.link_density <= link_density)


EXTRACTORS: dict[str, Extractor] = {
    "all text": all_text,
    "<p> only": paragraphs_only,
    "<article> or <main>": main_element,
    "density alone": by_density,
    "smollab": extract_main_text,
}
"""Name -> function from a page to its text; ours is last."""


def _without_names(page: Page) -> Page:
    return replace(page, blocks=[replace(block, regions=()) for block in page.blocks])


def _without_container(page: Page) -> Page:
    containers = [replace(container, is_main=False, tag="div") for container in page.containers]
    return replace(page, containers=containers)


_NO_LINKS = replace(DEFAULTS, link_density=1.0, good_link_density=1.0)
EVIDENCE: dict[str, tuple[Callable[[Page], Page], Thresholds]] = {
    "names of classes": (_without_names, DEFAULTS),
    "labels in words": (lambda page: page, replace(DEFAULTS, label_characters=0)),
    "the main container": (_without_container, replace(DEFAULTS, main_share=2.0)),
    "link density": (lambda page: page, _NO_LINKS),
}
"""Kind of evidence -> how to take it away: another page, other thresholds."""


def extract_without(html: str, evidence: str) -> str:
    """Extract a page's text without one kind of evidence, a key of `EVIDENCE`; "" for all of it."""
    change, thresholds = EVIDENCE[evidence] if evidence else ((lambda page: page), DEFAULTS)
    return judge_text(change(read_page(html)), thresholds)[1]


def score_pages(extract: Extractor, pages: Sequence[GoldPage]) -> list[Score]:
    """Return the score of an extractor on each page."""
    return [score_words(extract(page.html), page.text) for page in pages]
