"""A page -> a flat list of text blocks that know where in the page they stood.

lexbor (through selectolax) repairs the markup and drops what is never text (scripts, controls of forms, ...),
all in C. Its clean serialization is then read in one pass by a regular expression: cheaper than walking the
tree node by node from Python, and as safe, since a serialized tree is well formed.

**Cost**: one pass over the tags; about half the time is the parser's.
"""

import re

from selectolax.lexbor import LexborHTMLParser

from smollab.curate.html.blocks import LINE_BREAK, Block, Container, Page, Region, measure, tidy, unescape
from smollab.curate.html.limits import flatten, is_too_deep
from smollab.curate.html.tables import is_data_table, join_rows
from smollab.curate.html.vocabulary import (
    BLOCK_TAGS,
    HEADINGS,
    LEAVES,
    NEVER_TEXT,
    PASSED_OVER,
    PLAIN,
    Traits,
    read_attributes,
    read_class,
    split,
)

_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
# Tag, attributes, text behind it, and the end of a link with the text behind that.
# A serialized tree holds < and > in tags only: lexbor escapes them in texts and attributes.
_EVENT = re.compile(r"<([^ >]+)([^>]*)>([^<]*)(</a>[^<]*)?")
_INLINE, _NOTHING, _LINK, _BREAK, _BUTTON, _PASSED_OVER, _LEAF, _PART, _BOX, _CLOSE = range(10)
_PARTS = split("li ul ol tr tbody thead tfoot dl dd center fieldset hgroup hr blockquote figure details")
_ROLES = {
    **dict.fromkeys(BLOCK_TAGS, _BOX),
    **dict.fromkeys(_PARTS, _PART),  # no candidates for the main container, being parts of a text
    **dict.fromkeys(LEAVES, _LEAF),
    **dict.fromkeys((f"/{tag}" for tag in BLOCK_TAGS), _CLOSE),
    **dict.fromkeys(PASSED_OVER, _PASSED_OVER),
    **dict.fromkeys(("a", "/a"), _LINK),
    "br": _BREAK,
    "button": _BUTTON,
    "img": _NOTHING,
}
"""What a tag means to the text; tags not listed are inline."""
_KINDS = {**{tag: tag for tag in (*HEADINGS, "pre")}, "dt": "row"}
"""Leaf -> kind of its block; the others are paragraphs."""
_MAIN_TAGS = ("article", "main")
_NEVER_SUSPECTED = ("body", *_MAIN_TAGS)
_SUSPECTED_TAGS = {"footer": "legal", "aside": "aside", "form": "form", "search": "form"}
_LINK_LIST_ITEMS = 4
_LINK_LIST_SHARE = 0.9


def read_page(html: str, *, hidden: bool = False, whole: bool = False) -> Page:
    """Parse a page and cut its text into blocks.

    Args:
        html: the page.
        hidden: read also what is not shown, as on pages that a script unveils.
        whole: read also long lists of links, which are never text, for whoever wants to see what was dropped.
    """
    page = Page()
    if is_too_deep(html):
        body: str | None = flatten(html)
    else:
        tree = LexborHTMLParser(html)
        title = tree.css_first("title")
        page.title = " ".join(title.text().split()) if title else ""
        tree.strip_tags(sorted(NEVER_TEXT))
        if not whole:
            drop_link_lists(tree)
        body = tree.body.html if tree.body is not None else None
    if body:
        if "<!--" in body:
            body = _COMMENT.sub("", body)
        _Reader(page, hidden).read(body)
    return page


def drop_link_lists(tree: LexborHTMLParser) -> None:
    """Remove lists of nothing but links: most of a page's tags, and never its text."""
    for node in reversed(tree.css("ul")):  # inner lists first: a removed node must not be touched again
        links = node.css("a")
        if len(links) < _LINK_LIST_ITEMS:
            continue
        inside = sum(len(link.text().strip()) for link in links)
        if inside >= _LINK_LIST_SHARE * len(node.text(strip=True)):
            node.decompose()


class _Reader:
    """Turns the stream of tags and texts into blocks."""

    def __init__(self, page: Page, hidden: bool):
        self.page = page
        self.hidden = hidden
        self.stack: list[tuple[str, int, tuple[int, ...]]] = []  # tag, and container and regions before it
        self.container = -1
        self.regions: tuple[int, ...] = ()
        self.pieces: list[str] = []
        self.link_characters = 0
        self.kind = "p"
        self.in_pre = 0
        self.bullet = False
        self.tables: list[tuple[int, int]] = []  # first block, first cell
        self.cells = 0
        self.cell = -1
        self.row_of_cell: dict[int, int] = {}
        self.rows = 0

    def read(self, html: str) -> None:
        """Read a serialized tree. This loop runs once a tag and is half of what extraction costs."""
        in_link = is_mute = False
        skip_tag, skip_depth = "", 0
        pieces, role_of = self.pieces, _ROLES.get
        for tag, attributes, text, link_end in _EVENT.findall(html):
            if skip_depth:
                if tag == skip_tag:
                    skip_depth += 1
                elif tag[0] == "/" and tag[1:] == skip_tag:
                    skip_depth -= 1
                if skip_depth:
                    continue
            else:
                role = role_of(tag, _INLINE)
                if role == _INLINE and "-" in tag:  # a custom element, with whatever inside
                    role = _CLOSE if tag[0] == "/" else _BOX
                if role == _CLOSE:
                    if pieces:
                        self.flush()
                    self.close(tag)
                elif role >= _LEAF:
                    if pieces:
                        self.flush()
                    traits = read_attributes(attributes) if attributes else PLAIN
                    if traits is not PLAIN and self.leaves_out(traits):
                        skip_tag, skip_depth = tag, 1
                        continue
                    self.open(tag, role, traits)
                elif role == _LINK:
                    in_link = tag == "a"
                    is_mute = in_link and "class=" in attributes and self.leaves_out(read_class(attributes))
                elif role == _BREAK:
                    pieces.append(LINE_BREAK)
                elif role == _INLINE:
                    if attributes:
                        traits = read_attributes(attributes)
                        if traits is not PLAIN and self.leaves_out(traits):
                            skip_tag, skip_depth = tag, 1
                            continue
                elif role == _PASSED_OVER or (role == _BUTTON and self.kind not in HEADINGS):
                    # A button in a heading unfolds what follows, and holds the heading's text.
                    skip_tag, skip_depth = tag, 1
                    continue
            if text and (pieces or not text.isspace()) and not is_mute:
                pieces.append(text)
                if in_link:
                    self.link_characters += len(text.strip())
            if link_end:
                in_link = is_mute = False
                pieces.append(link_end[4:])
        if pieces:
            self.flush()
        while self.stack:
            self.close(self.stack[-1][0])

    def leaves_out(self, traits: Traits) -> bool:
        """Tell whether to skip an element that nobody sees."""
        self.page.has_hidden |= traits.is_hidden
        return traits.is_skipped or (traits.is_hidden and not self.hidden)

    def open(self, tag: str, role: int, traits: Traits) -> None:
        self.stack.append((f"/{tag}", self.container, self.regions))
        category = traits.category
        if role == _LEAF:
            self.kind = _KINDS.get(tag, "p")
            self.in_pre += tag == "pre"
            if category and tag not in HEADINGS:
                self.enter_region(category)
            return
        if not category and tag in _SUSPECTED_TAGS:
            category = _SUSPECTED_TAGS[tag]
        if category and tag not in _NEVER_SUSPECTED:
            self.enter_region(category)
        if role == _PART:
            self.bullet |= tag == "li"
            self.kind = "row" if tag == "dd" else self.kind
            self.rows += tag == "tr"
            return
        containers = self.page.containers
        containers.append(Container(tag, self.container, traits.is_main or tag in _MAIN_TAGS))
        self.container = len(containers) - 1
        if tag == "table":
            self.tables.append((len(self.page.blocks), self.cells))
        elif tag == "td" or tag == "th":
            self.cell = self.cells
            self.cells += 1
            self.row_of_cell[self.cell] = self.rows

    def enter_region(self, category: str) -> None:
        self.page.regions.append(Region(category))
        self.regions = (*self.regions, len(self.page.regions) - 1)

    def close(self, closing_tag: str) -> None:
        if not self.stack or self.stack[-1][0] != closing_tag:
            return
        _, container, self.regions = self.stack.pop()
        if container != self.container:
            self.page.containers[self.container].end = len(self.page.containers)
            self.container = container
            if closing_tag == "/table":
                self.close_table()
        elif self.in_pre and closing_tag == "/pre":
            self.in_pre -= 1
        self.bullet = False
        self.kind = "pre" if self.in_pre else "p"

    def close_table(self) -> None:
        first_block, first_cell = self.tables.pop()
        blocks = self.page.blocks[first_block:]
        if is_data_table(blocks, self.row_of_cell):
            self.page.blocks[first_block:] = join_rows(blocks, self.row_of_cell)
        # In an enclosing table everything in here belongs to one cell, which is then a layout cell.
        self.cell = first_cell - 1 if self.tables else -1

    def flush(self) -> None:
        """End the current block."""
        pieces = self.pieces
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        pieces.clear()
        if "&" in text:
            text = unescape(text)
        text = tidy(text, bool(self.in_pre))
        if text:
            kind = self.kind
            if self.bullet and kind == "p":
                kind = "li"
            self.bullet = False
            links = self.link_characters
            density = min(links / len(text), 1.0) if links else 0.0
            block = Block(kind, text, measure(text), density, self.container, self.regions, self.cell)
            self.page.blocks.append(block)
        self.link_characters = 0
        self.kind = "pre" if self.in_pre else "p"
