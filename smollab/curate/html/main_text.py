"""Which blocks of a page are its own words: not menus, teasers, cookie notices or comments.

Four kinds of evidence, from strong to weak:

1. A part is *suspected* by its tag, class or id (`footer`, `class="share"`). Names lie, so a suspicion falls
   when the part holds most of the page's good text (`regions.py`).
2. A heading can say in words that the page's own text is over: "Comments", "Read also" (`sections.py`).
3. The *main container* is the deepest element that still holds most of the good text; what is outside goes.
4. Inside, blocks of mostly links go, and short ones stay only in good company (as in jusText; Pomikálek
   2011; `company.py`).

*Good text* is a block that reads like prose: at least 80 characters, less than a third of them links.

**Source**: the features are those of Kohlschütter et al. 2010 (text and link density); thresholds are ours.

**Fails when**: a page is only short lines (menus of restaurants, tables of scores), or keeps each sentence
of the article in a container of its own far from the others.
"""

from smollab.curate.html.blocks import Block, Page
from smollab.curate.html.company import judge
from smollab.curate.html.container import find_main_container
from smollab.curate.html.reader import parse, read_body, read_part
from smollab.curate.html.regions import find_boilerplate
from smollab.curate.html.sections import find_ended
from smollab.curate.html.structured import find_article_body
from smollab.curate.html.suspected import bound_text, find_undecided, may_hold_title
from smollab.curate.html.thresholds import DEFAULTS, Thresholds
from smollab.curate.html.vocabulary import HEADINGS
from smollab.curate.unicode import repair_unicode

KEPT = "kept"
TITLE_SHARE = 0.4
"""Of `<title>`, which also names the site, that a title without heading markup must repeat."""
LITTLE_TEXT = 200
"""With fewer characters extracted, look at what the page hides and at what it tells search engines."""


def extract_main_text(html: str, thresholds: Thresholds = DEFAULTS) -> str:
    """Return the main text of a page: blocks separated by newlines, list items marked with `- `."""
    body, title = parse(html)
    text = _extract(body, title, thresholds)
    if len(text) < LITTLE_TEXT:
        text = max(text, find_article_body(html), key=len)
    if len(text) < LITTLE_TEXT:
        text = max(text, _extract(body, title, thresholds, hidden=True), key=len)
    return repair_unicode(text)


def _extract(body: str, title: str, thresholds: Thresholds, *, hidden: bool = False) -> str:
    page = read_body(body, title, hidden=hidden, step_over=True)
    if page.unread and not _settles(page, thresholds, hidden):
        page = read_body(body, title, hidden=hidden)
    verdicts = judge_blocks(page, thresholds)
    return "\n".join(render([block for block, v in zip(page.blocks, verdicts, strict=True) if v == KEPT]))


def _settles(page: Page, thresholds: Thresholds, hidden: bool) -> bool:
    """Tell whether all the parts that were stepped over go; look closer at them, the largest first, if need be."""
    blocks = page.blocks
    good = [weigh(block, thresholds) for block in blocks]
    for i in find_undecided(page, good):
        part = page.unread[i]
        part.size = min(part.size, bound_text(part.pieces, thresholds))
    batch = 1
    while undecided := find_undecided(page, good):
        undecided = [i for i in undecided if page.unread[i].size]
        if not undecided:
            return False
        for i in sorted(undecided, key=lambda i: -page.unread[i].size)[:batch]:
            part = page.unread[i]
            good[i] = sum(weigh(block, thresholds) for block in read_part(part.pieces, hidden=hidden))
            blocks[i].size, part.size = good[i], 0
        batch *= 2  # few rounds, however many parts there are
    guilty = find_boilerplate(page, good)
    return all(blocks[i].regions[-1] in guilty for i in page.unread)


def judge_blocks(page: Page, thresholds: Thresholds = DEFAULTS) -> list[str]:
    """Return for each block `kept`, or why it goes: `comments`, `links`, `outside the main container`, ..."""
    blocks = page.blocks
    if not blocks:
        return []
    good = [weigh(block, thresholds) for block in blocks]
    verdicts = [""] * len(blocks)
    guilty = find_boilerplate(page, good)
    for i, block in enumerate(blocks):
        for index in block.regions:
            if index in guilty:
                verdicts[i] = page.regions[index].category
                good[i] = 0
    find_ended(page, good, verdicts, thresholds)
    free = [i for i, verdict in enumerate(verdicts) if not verdict]
    main = find_main_container(page, {i: good[i] for i in free}, thresholds)
    end = page.containers[main].end if page.containers else 0
    inside = [i for i in free if main <= blocks[i].container < end]
    outcome = judge([blocks[i] for i in inside], thresholds)
    for i in free:
        verdicts[i] = "outside the main container"
    for i, verdict in zip(inside, outcome, strict=True):
        verdicts[i] = verdict
    _keep_title(page, verdicts)
    return verdicts


def weigh(block: Block, thresholds: Thresholds = DEFAULTS) -> int:
    """Return the characters of a block if it is good text, and 0 if not."""
    if block.size < thresholds.good_characters or block.link_density > thresholds.good_link_density:
        return 0
    return block.size


def _keep_title(page: Page, verdicts: list[str]) -> None:
    """Keep what stands before the main text and says what `<title>` says: an `<h1>`, or a block that is most of it."""
    blocks, title = page.blocks, page.title.lower()
    kept = [i for i, verdict in enumerate(verdicts) if verdict == KEPT]
    if not kept or any(blocks[i].kind == "h1" for i in kept) or blocks[kept[0]].text.lower() in title:
        return
    parts = {
        i: read_part(part.pieces)
        for i, part in page.unread.items()
        if i < kept[0] and may_hold_title(part.pieces, title, TITLE_SHARE)
    }
    for is_title in (
        lambda block: block.kind == "h1",
        lambda block: len(block.text) >= TITLE_SHARE * len(title) and block.kind != "li",
    ):
        for i, block in enumerate(blocks[: kept[0]]):
            for candidate in parts.get(i, (block,)):
                if is_title(candidate) and candidate.text.lower() in title:
                    blocks[i], verdicts[i] = candidate, KEPT
                    return


def render(blocks: list[Block]) -> list[str]:
    """Return the lines of the text; headings lose their pilcrow, code stays verbatim."""
    lines = []
    for block in blocks:
        if block.kind == "li":
            lines.append("- " + block.text)
        elif block.kind in HEADINGS:
            lines.append(block.text.rstrip("¶# ").replace("\n", " "))
        else:
            lines.append(block.text)
    return [line for line in lines if line.strip()]
