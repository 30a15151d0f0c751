"""Pages that would cost a parser far more than their size: nested without end, or made of tags alone.

The limits are sizes, never times, so that the same page meets the same fate on every machine.
"""

import re
from collections import defaultdict

from smollab.curate.html.vocabulary import split

MAXIMUM_BYTES = 10 * 2**20
"""Larger pages are generated lists or errors; they would cost seconds and give nothing."""
MAXIMUM_TAGS = 400_000
"""A tag costs memory in the parser whether it holds text or not."""
MAXIMUM_STEPS = 100_000_000
"""Tags times depth: before a parser opens a block it looks through all the open elements."""
MAXIMUM_NODES = 5_000_000
"""Tags times unclosed `<b>`, `<font>`, ...: the HTML standard repeats them all in every paragraph that follows."""
SMALL_PAGE_TAGS = 3_000
"""With fewer tags even the worst page is cheap, and is not looked through."""
SHORTEST_TAG = 3
"""Characters of `<b>`."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)[^>]*>")
_FORMATS = split("a b big code em font i nobr s small strike strong tt u")
# Without links. The look ahead saves trying all names at every tag.
_FORMAT_WITH_ATTRIBUTES = re.compile(rf"<(?=[bcefinstuBCEFINSTU])(?i:{'|'.join(sorted(_FORMATS - {'a'}))}) ")
_NEVER_CLOSED = split(
    "area base br col dd dt embed hr img input li link meta option p param rb rp rt rtc source tbody td tfoot th thead "
    "tr track wbr"
)
_UNREAD = re.compile(r"<(script|style|noscript|svg|nav|title)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_KEPT_TAGS = split("p pre li h1 h2 h3 h4 h5 h6")
_INLINE_TAGS = split("a br")


def find_excess(html: str) -> str:
    """Return which limit a page exceeds, or an empty string."""
    tags = html.count("<")
    return f"{tags} tags > {MAXIMUM_TAGS}" if tags > MAXIMUM_TAGS else ""


def is_too_deep(html: str) -> bool:
    """Tell whether parsing the page into a tree would cost far more than reading it."""
    if len(html) < SHORTEST_TAG * SMALL_PAGE_TAGS:
        return False
    tags = html.count("<")
    if tags < SMALL_PAGE_TAGS:
        return False
    # Formats without attributes are repeated three times at most.
    if tags * tags < MAXIMUM_STEPS and tags * len(_FORMAT_WITH_ATTRIBUTES.findall(html)) < MAXIMUM_NODES:
        return False
    open_tags: dict[str, int] = defaultdict(int)
    depth = deepest = formats = most_formats = 0
    for slash, name in _TAG.findall(html):
        name = name.lower()
        if name in _NEVER_CLOSED:
            continue
        if not slash:
            change = 1
        elif open_tags[name]:
            change = -1
        else:
            continue  # closes nothing
        open_tags[name] += change
        depth += change
        deepest = max(deepest, depth)
        if name in _FORMATS:
            formats += change
            most_formats = max(most_formats, formats)
    return deepest * tags > MAXIMUM_STEPS or most_formats * tags > MAXIMUM_NODES


def flatten(html: str) -> str:
    """Return the page without nesting: paragraphs, headings, list items and links in order of appearance."""
    html = _UNREAD.sub(" ", html.replace("\x00", ""))
    pieces, last, opened = [], 0, ""
    for match in _TAG.finditer(html):
        pieces.append(html[last : match.start()].replace("<", "&lt;"))
        last = match.end()
        name = match[2].lower()
        if name in _INLINE_TAGS:
            pieces.append(f"<{match[1]}{name}>")
        elif name in _KEPT_TAGS or name in ("div", "td", "section"):
            pieces.append(f"</{opened}>" if opened else "<hr>")  # one block at a time, so that each that opens closes
            opened = name if name in _KEPT_TAGS and not match[1] else ""
            if opened:
                pieces.append(f"<{opened}>")
    pieces.append(html[last:].replace("<", "&lt;"))
    return "<body>" + "".join(pieces)
