"""Suspected parts that need not be read: half of a news page is menus, teasers and comments, and is named so.

What becomes of a suspected part depends only on how much good text it holds, beside the rest of the page
(`regions.py`). So each is stepped over and its text bounded from above, by its bytes or by what stands outside links.
When the rest of the page is read, the bounds mostly suffice to say that the part goes (`find_undecided`); otherwise the
largest parts are read until they do. Only when a part turns out to be the page's own is the page read again with all
of them. The outcome is the same in either case; a test compares them.
"""

import math

from smollab.curate.html.blocks import WIDE_CHARACTERS, Page, unescape
from smollab.curate.html.regions import ARTICLE_CHARACTERS, find_boilerplate, is_enough
from smollab.curate.html.thresholds import DEFAULTS, Thresholds

LARGEST_PART = 0.4
"""Of the tags of a page: what holds more is probably a wrapper with a name such as `with-sidebar`, and is read."""
MAXIMUM_WRAPPERS = 8
"""Each costs a look for its end; on a page with more nothing is stepped over any more."""
_LINKS = ("a ", "a>")
_LENGTHENING = ("<t", "<br")  # <td>, <th>, and some that add nothing
_LONGER = 3
"""Such a tag adds this many characters at most: the ` | ` between the cells of a table, a line break."""
_WIDER = WIDE_CHARACTERS - 1


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


def bound_text(pieces: list[str], thresholds: Thresholds = DEFAULTS) -> int:
    """Return the most characters of good text that a part can hold, from what stands outside links.

    Args:
        pieces: its tags, each with the text behind it.
        thresholds: what makes text good.
    """
    text = "".join([piece.partition(">")[2] for piece in pieces if piece[-1:] != ">" and piece[:2] not in _LINKS])
    source = "<".join(pieces)
    if "<pre" not in source:
        text = " ".join(text.split())
    free = 1 - thresholds.good_link_density
    longest = math.ceil(len(text) / free) if free > 0 else len(source)
    if not source.isascii():  # a wide character takes three bytes and counts for three
        wide = len(text.encode(errors="ignore")) - len(text) + _WIDER * (longest - len(text))
        longest += min(wide, len(source.encode(errors="ignore")) - len(source))
    longest += _LONGER * sum(map(source.count, _LENGTHENING))
    return longest if longest >= thresholds.good_characters else 0


def find_undecided(page: Page, good: list[int]) -> list[int]:
    """Return the parts stepped over whose text could still change `find_boilerplate`'s verdicts; none: they stand.

    With so little text above suspicion that a whole category may be cleared, what is suspected inside the parts
    matters too: then all parts are returned, however much of them was read.

    Args:
        page: the page.
        good: for each block its characters of good text.
    """
    if not page.unread:
        return []
    blocks = page.blocks
    least = sum(good)
    most = least
    free = 0
    inside = [0] * len(page.regions)  # good text that was read in each region
    unread = [0] * len(page.regions)
    for block, weight in zip(blocks, good, strict=True):
        if weight:
            if not block.regions:
                free += weight
            for index in block.regions:
                inside[index] += weight
    for i, part in page.unread.items():
        most += part.size
        for index in blocks[i].regions:
            unread[index] += part.size
    undecided = {
        index
        for index, region in enumerate(page.regions)
        if 2 * (inside[index] + unread[index]) > least  # could be a wrapper
        and 2 * inside[index] <= most  # is not one for certain
        and region.category != "comments"
    }
    parts = list(page.unread)
    if undecided:
        inside_them = [i for i in parts if page.unread[i].size and not undecided.isdisjoint(blocks[i].regions)]
        return inside_them or parts
    if is_enough(free, most):
        return []
    guilty = find_boilerplate(page, good)
    innocent = sum(weight for block, weight in zip(blocks, good, strict=True) if guilty.isdisjoint(block.regions))
    return [] if innocent > ARTICLE_CHARACTERS else parts


def may_hold_title(pieces: list[str], title: str, share: float) -> bool:
    """Tell whether a part holds an `<h1>`, or in one piece a text that is much of the title (in lower case)."""
    shortest = share * len(title)
    for piece in pieces:
        if len(piece) >= shortest and len(text := piece.partition(">")[2]) >= shortest:
            text = " ".join(unescape(text).lower().split())
            if text and text in title:
                return True
    return any(piece[:3] in ("h1>", "h1 ") for piece in pieces)
