"""Suspected parts that are stepped over: nothing that comes out may depend on it."""

import json
import random

import pytest

from smollab.curate.html import decode_html, main_text
from smollab.curate.html.main_text import judge_blocks, render, weigh
from smollab.curate.html.reader import parse, read_body, read_part
from smollab.curate.html.suspected import bound_text
from smollab.curate.html.thresholds import DEFAULTS
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Source

from ..making import SAMPLES, prose

PAGES = [
    json.loads(line)["html"]
    for line in (SAMPLES / "evaluation" / "extraction_pages.jsonl").read_text(encoding="utf-8").splitlines()
]
NAMES = ("share", "comments", "sidebar", "story", "related-posts", "ad", "x1", "with-sidebar", "cookie", "author")
TAGS = (
    "div",
    "section",
    "footer",
    "aside",
    "ul",
    "li",
    "table",
    "td",
    "tr",
    "p",
    "h1",
    "h3",
    "form",
    "a",
    "span",
    "pre",
)


def read_whole(html: str) -> str:
    """Extract without stepping over anything."""
    body, title = parse(html)
    page = read_body(body, title)
    blocks = [block for block, verdict in zip(page.blocks, judge_blocks(page), strict=True) if verdict == "kept"]
    return "\n".join(render(blocks))


def read_quickly(html: str) -> str:
    """Extract as it is done, without a second look at pages of little text."""
    body, title = parse(html)
    return main_text._extract(body, title, DEFAULTS)


def make_page(seed: int) -> str:
    """A tree of random elements, half of them with names that raise suspicion, and texts of all lengths."""
    random_ = random.Random(seed)

    def grow(depth: int) -> str:
        if depth == 0 or random_.random() < 0.2:
            text = prose(random_.randrange(10_000), random_.choice((1, 1, 2, 4)))
            text = text if random_.random() < 0.5 else text[: random_.randrange(3, 40)]
            return f'<a href="/{seed}">{text}</a>' if random_.random() < 0.3 else text
        tag, name = random_.choice(TAGS), random_.choice(NAMES)
        inside = random_.choice(("", " ", "\n  ")).join(grow(depth - 1) for _ in range(random_.randrange(1, 5)))
        return f'<{tag} class="{name}">{inside}</{tag}>'

    return f"<title>{prose(seed, 1)} - Site</title><body>" + "".join(grow(4) for _ in range(random_.randrange(2, 7)))


def test_steps_over_most_of_a_news_page_and_reads_the_same() -> None:
    stepped_over = sum(bool(read_body(*parse(html), step_over=True).unread) for html in PAGES)
    assert stepped_over > len(PAGES) / 2
    assert [read_quickly(html) for html in PAGES] == [read_whole(html) for html in PAGES]


def test_crawl_reads_the_same() -> None:
    (shard,) = list_shards("web", Source(address=f"warc:{SAMPLES / 'web' / 'noise.warc.gz'}"))
    pages = [decode_html(document.raw) for document in read_shard(shard, Report())][::4]
    assert len(pages) > 20
    assert [read_quickly(html) for html in pages] == [read_whole(html) for html in pages]


@pytest.mark.parametrize("start", range(0, 150, 50))
def test_random_trees_read_the_same(start: int) -> None:
    for seed in range(start, start + 50):
        html = make_page(seed)
        assert read_quickly(html) == read_whole(html), seed


def test_bounds_hold() -> None:
    for html in (*PAGES, *map(make_page, range(60))):
        for part in read_body(*parse(html), step_over=True).unread.values():
            good = sum(map(weigh, read_part(part.pieces)))
            assert good <= part.size
            assert good <= bound_text(part.pieces)
