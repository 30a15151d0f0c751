"""Suspected parts that need not be read: half of a news page is menus, teasers and comments, and is named so.

What becomes of a suspected part depends only on how much good text it holds, beside the rest of the page
(`regions.py`). So each is stepped over and its text bounded from above, by its bytes or by what stands outside links.
When the rest of the page is read, the bounds mostly suffice to say that the part goes (`is_certain`); otherwise the
largest parts are read until they do. Only when a part turns out to be the page's own is the page read again with all
of them. The outcome is the same in either case; a test compares them.
"""

import math

from smollab.curate.html.blocks import Page, unescape
from smollab.curate.html.regions import ARTICLE_CHARACTERS, find_boilerplate, is_enough

LARGEST_PART = 0.4
"""Of the tags of a page: what holds more is probably a wrapper with a name such as `with-sidebar`, and is read."""
MAXIMUM_WRAPPERS = 8
"""Each costs a look for its end; on a page with more nothing is stepped over any more."""
_LINKS = ("a ", "a>")
_LENGTHENING = ("<td", "<th", "<br")
_LONGER = 3
"""Such a tag adds this many characters at most: the ` | ` between the cells of a table, a line break."""


def is_part(start: int, end: int, tags: int) -> bool:
    """Tell whether an element is small enough to be stepped over."""
    return end - start < LARGEST_PART * tags


def find_end(pieces: list[str], start: int, name: str, depth: int) -> int:
    """Return the index of the piece that closes an element.

    Args:
        pieces: a serialized tree, cut at each `<`.
        start: the index of a piece inside the element, or of its tag.
        name: of the element.
        depth: how many of that name are open behind `start`, this one included.
    """
    marks = (f"{name}>", f"{name} ", f"/{name}>")
    for i in range(start + 1, len(pieces)):
        if pieces[i].startswith(marks):
            depth += -1 if pieces[i][0] == "/" else 1
            if not depth:
                return i
    return len(pieces)


def bound_source(pieces: list[str]) -> int:
    """Return the characters of a part with all its tags, wide ones counted as three."""
    return len("<".join(pieces).encode(errors="ignore"))


def bound_text(pieces: list[str], link_density: float) -> int:
    """Return the most characters of good text that a part can hold, from what stands outside links.

    Args:
        pieces: its tags, each with the text behind it.
        link_density: the largest share of links in good text.
    """
    text = "".join([piece.partition(">")[2] for piece in pieces if piece[:2] not in _LINKS])
    source = "<".join(pieces)
    if "<pre" not in source:
        text = " ".join(text.split())
    wide = len(source.encode(errors="ignore")) - len(source)  # takes three bytes and counts for three
    longest = len(text) / (1 - link_density) if link_density < 1 else len(source)
    return math.ceil(longest) + wide + _LONGER * sum(map(source.count, _LENGTHENING))


def is_certain(page: Page, good: list[int]) -> bool:
    """Tell whether reading the parts that were stepped over would leave `find_boilerplate`'s verdicts as they are.

    Args:
        page: the page.
        good: for each block its characters of good text.
    """
    if not page.unread:
        return True
    read = [0] * len(page.regions)
    unread = [0] * len(page.regions)
    free = 0
    for block, weight in zip(page.blocks, good, strict=True):
        if not block.regions:
            free += weight
        for index in block.regions:
            read[index] += weight
    for i, part in page.unread.items():
        for index in page.blocks[i].regions:
            unread[index] += part.size
    least = sum(good)
    most = least + sum(part.size for part in page.unread.values())
    for region, known, unknown in zip(page.regions, read, unread, strict=True):
        is_guilty = 2 * (known + unknown) <= least
        is_wrapper = 2 * known > most
        if not (is_guilty or is_wrapper or region.category == "comments"):
            return False
    if is_enough(free, most):
        return True
    guilty = find_boilerplate(page, good)
    blocks = zip(page.blocks, good, strict=True)
    return sum(weight for block, weight in blocks if guilty.isdisjoint(block.regions)) > ARTICLE_CHARACTERS


def may_hold_title(pieces: list[str], title: str, share: float) -> bool:
    """Tell whether a part holds an `<h1>`, or in one piece a text that is much of the title (in lower case)."""
    shortest = share * len(title)
    for piece in pieces:
        if len(piece) >= shortest and len(text := piece.partition(">")[2]) >= shortest:
            text = " ".join(unescape(text).lower().split())
            if text and text in title:
                return True
    return any(piece[:3] in ("h1>", "h1 ") for piece in pieces)
