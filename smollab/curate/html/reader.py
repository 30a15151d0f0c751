"""A page -> a flat list of text blocks that know where in the page they stood.

lexbor (through selectolax) repairs the markup and drops what is never text (scripts, controls of forms, ...),
all in C. Its clean serialization is then cut at each `<` and read in one pass: cheaper than walking the tree node
by node from Python, and as safe, since a serialized tree is well formed.

**Cost**: one pass over the tags; about half the time is the parser's.
"""

import re
from functools import lru_cache

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
_NEVER_TEXT = ",".join(sorted(NEVER_TEXT))
_INLINE, _NOTHING, _BREAK, _BUTTON, _PASSED_OVER, _LEAF, _PART, _BOX, _CLOSE = range(9)
_PARTS = split("li ul ol tr tbody thead tfoot dl dd center fieldset hgroup blockquote figure details")
_ROLES = {
    **dict.fromkeys(BLOCK_TAGS, _BOX),
    **dict.fromkeys(_PARTS, _PART),  # no candidates for the main container, being parts of a text
    **dict.fromkeys(LEAVES, _LEAF),
    **dict.fromkeys((f"/{tag}" for tag in BLOCK_TAGS), _CLOSE),
    **dict.fromkeys(PASSED_OVER, _PASSED_OVER),
    "hr": _CLOSE,  # ends a block and opens nothing
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
        for node in reversed(tree.css(_NEVER_TEXT)):  # one look at the tree; inner nodes first
            node.decompose()
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


@lru_cache(maxsize=4096)
def read_tag(tag: str) -> tuple[str, int, Traits]:
    """Return name, role and traits of a tag as serialized, without its angle brackets; most repeat many times."""
    name, space, rest = tag.partition(" ")
    role = _ROLES.get(name, _INLINE)
    if role == _INLINE and "-" in name:  # a custom element, with whatever inside
        role = _CLOSE if name[0] == "/" else _BOX
    traits = read_attributes(space + rest) if space and (role == _INLINE or role >= _LEAF) else PLAIN
    if role == _INLINE and traits is PLAIN:
        role = _NOTHING  # only what an inline element says about itself can matter
    return name, role, traits


class _Reader:
    """Turns the stream of tags and texts into blocks."""

    def __init__(self, page: Page, hidden: bool):
        self.page = page
        self.blocks, self.containers = page.blocks, page.containers
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
        pieces = self.pieces
        # A serialized tree holds < and > in tags only: lexbor escapes them in texts and attributes.
        for piece in html.split("<")[1:]:
            tag, _, text = piece.partition(">")  # tag with its attributes, and the text behind it
            if skip_depth:
                if tag[:1] == "/":
                    skip_depth -= tag[1:] == skip_tag
                elif tag.partition(" ")[0] == skip_tag:
                    skip_depth += 1
                if skip_depth:
                    continue
            elif tag == "/a":
                in_link = is_mute = False
                pieces.append(text)
                continue
            elif tag[:2] == "a " or tag == "a":  # hardly ever the same twice: not worth a cache
                in_link = True
                traits = read_class(tag) if "class=" in tag else PLAIN
                is_mute = traits is not PLAIN and self.leaves_out(traits)
            elif tag[:4] != "img ":  # an image is no text, and no two are the same either
                name, role, traits = read_tag(tag)
                if role == _CLOSE:
                    if pieces:
                        self.flush()
                    self.close(name)
                elif role >= _LEAF:
                    if pieces:
                        self.flush()
                    if traits is not PLAIN and self.leaves_out(traits):
                        skip_tag, skip_depth = name, 1
                        continue
                    self.open(name, role, traits)
                elif role == _INLINE:
                    if self.leaves_out(traits):
                        skip_tag, skip_depth = name, 1
                        continue
                elif role == _BREAK:
                    pieces.append(LINE_BREAK)
                elif role == _PASSED_OVER or (role == _BUTTON and self.kind not in HEADINGS):
                    # A button in a heading unfolds what follows, and holds the heading's text.
                    skip_tag, skip_depth = name, 1
                    continue
            if text and (pieces or not text.isspace()) and not is_mute:
                pieces.append(text)
                if in_link:
                    self.link_characters += len(text.strip())
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
        category = traits.category if traits is not PLAIN else ""
        if role == _LEAF:
            self.kind = _KINDS.get(tag, "p")
            if tag == "pre":
                self.in_pre += 1
            if category and tag not in HEADINGS:
                self.enter_region(category)
            return
        category = category or _SUSPECTED_TAGS.get(tag, "")
        if category and tag not in _NEVER_SUSPECTED:
            self.enter_region(category)
        if role == _PART:
            if tag == "li":
                self.bullet = True
            elif tag == "tr":
                self.rows += 1
            elif tag == "dd":
                self.kind = "row"
            return
        containers = self.containers
        self.container, parent = len(containers), self.container
        containers.append(Container(tag, parent, tag in _MAIN_TAGS or traits.is_main))
        if tag == "table":
            self.tables.append((len(self.blocks), self.cells))
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
            self.containers[self.container].end = len(self.containers)
            self.container = container
            if closing_tag == "/table":
                self.close_table()
        elif self.in_pre and closing_tag == "/pre":
            self.in_pre -= 1
        self.bullet = False
        self.kind = "pre" if self.in_pre else "p"

    def close_table(self) -> None:
        first_block, first_cell = self.tables.pop()
        blocks = self.blocks[first_block:]
        if is_data_table(blocks, self.row_of_cell):
            self.blocks[first_block:] = join_rows(blocks, self.row_of_cell)
        # In an enclosing table everything in here belongs to one cell, which is then a layout cell.
        self.cell = first_cell - 1 if self.tables else -1

    def flush(self) -> None:
        """End the current block."""
        pieces = self.pieces
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        pieces.clear()
        if "&" in text:
            text = unescape(text)
        # The common case of `tidy` is spelled out: this runs for each block.
        text = tidy(text, self.in_pre > 0) if self.in_pre or LINE_BREAK in text else " ".join(text.split())
        if text:
            kind = "li" if self.bullet and self.kind == "p" else self.kind
            self.bullet = False
            links = self.link_characters
            density = min(links / len(text), 1.0) if links else 0.0
            size = len(text) if text.isascii() else measure(text)
            self.blocks.append(Block(kind, text, size, density, self.container, self.regions, self.cell))
        self.link_characters = 0
        self.kind = "pre" if self.in_pre else "p"
