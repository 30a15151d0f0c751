"""A page -> a flat list of text blocks that know where in the page they stood.

lexbor (through selectolax) repairs the markup and drops what is never text (scripts, forms' controls, ...),
all in C. Its clean serialization is then read in one pass by a regular expression: cheaper than walking the
tree node by node from Python, and as safe, since a serialized tree is well formed.
"""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser

from smollab.curate.html.vocabulary import (
    BLOCK_TAGS,
    HEADINGS,
    LEAVES,
    NEVER_TEXT,
    VOID_TAGS,
    identify,
    is_hidden,
    is_marked_main,
    is_skipped,
    suspect,
)

_EVENT = re.compile(r'<!--.*?-->|<(/?)([a-zA-Z][\w:-]*)((?:[^>"]|"[^"]*")*)>|([^<]+|<)', re.DOTALL)
_LINE_BREAK = "\x00"  # stands for <br>; a parsed page holds no NUL


@dataclass(slots=True)
class Block:
    """One paragraph, heading, list item, table row or piece of code."""

    kind: str
    """`p`, `h1` ... `h6`, `li`, `pre`, `row`."""
    text: str
    link_characters: int
    container: int
    """Index of the innermost container."""
    suspicions: tuple[int, ...]
    """Indices of the suspected regions it stands in."""
    cell: int = -1
    """Number of the table cell it stands in, or -1."""

    @property
    def link_density(self) -> float:
        """Share of the characters inside links."""
        return self.link_characters / max(len(self.text), 1)


@dataclass(slots=True)
class Container:
    """An element that holds blocks."""

    tag: str
    parent: int
    is_main: bool
    """The page says that its content is here: `<article>`, `<main>`, `role=main`, `itemprop=articleBody`."""


@dataclass(slots=True)
class Region:
    """A part of the page that looks like boilerplate by its tag, class or id."""

    category: str
    characters: int = 0
    """Good text inside, filled in later."""


@dataclass(slots=True)
class Page:
    """The blocks of a page and the containers and suspected regions they stand in."""

    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)


def read_page(html: str) -> Page:
    """Parse a page and cut its text into blocks."""
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    page = Page(title=" ".join(title.text().split()) if title else "")
    tree.strip_tags(sorted(NEVER_TEXT))
    body = tree.body
    if body is not None and body.html:
        _Reader(page).read(body.html)
    return page


class _Reader:
    """Turns the stream of tags and texts into blocks."""

    def __init__(self, page: Page):
        self.page = page
        self.stack: list[tuple[str, int, tuple[int, ...]]] = []  # tag, container, suspicions before the tag
        self.container = -1
        self.suspicions: tuple[int, ...] = ()
        self.pieces: list[str] = []
        self.link_characters = 0
        self.links = 0
        self.kind = "p"
        self.in_pre = 0
        self.bullet = False
        self.tables: list[tuple[int, int]] = []  # first block, first cell
        self.cells = 0
        self.cell = -1
        self.row_of_cell: dict[int, int] = {}
        self.rows = 0

    def read(self, html: str) -> None:
        skip_tag, skip_depth = "", 0
        for slash, name, attributes, text in _EVENT.findall(html):
            if skip_depth:
                if name == skip_tag:
                    skip_depth += -1 if slash else 1
            elif text:
                self.add_text(text)
            elif not name:
                continue
            elif slash:
                self.close(name)
            else:
                identity = identify(attributes) if attributes else ""
                if name in VOID_TAGS:
                    self.open_void(name)
                elif (identity and is_skipped(identity)) or is_hidden(attributes):
                    skip_tag, skip_depth = name, 1
                else:
                    self.open(name, attributes, identity)
        self.flush()

    def add_text(self, text: str) -> None:
        self.pieces.append(text)
        if self.links:
            self.link_characters += len(text.strip())

    def open_void(self, name: str) -> None:
        if name == "br":
            self.pieces.append(_LINE_BREAK)
        elif name == "hr":
            self.flush()

    def open(self, name: str, attributes: str, identity: str) -> None:
        if name == "a":
            self.links += "href=" in attributes
        elif name in BLOCK_TAGS:
            self.flush()
            self.stack.append((name, self.container, self.suspicions))
            if name in LEAVES:
                self.kind = name if name in HEADINGS or name == "pre" else "p"
                self.in_pre += name == "pre"
            else:
                self.enter_container(name, identity)

    def enter_container(self, name: str, identity: str) -> None:
        category = suspect(identity) if identity else ""
        is_main = name in ("article", "main") or (bool(identity) and is_marked_main(identity))
        if name in ("footer", "aside"):
            category = category or "legal"
        if category and name not in ("body", "main", "article"):
            self.page.regions.append(Region(category))
            self.suspicions = (*self.suspicions, len(self.page.regions) - 1)
        self.page.containers.append(Container(name, self.container, is_main))
        self.container = len(self.page.containers) - 1
        if name == "li":
            self.bullet = True
        elif name == "table":
            self.tables.append((len(self.page.blocks), self.cells))
        elif name == "tr":
            self.rows += 1
        elif name in ("td", "th"):
            self.cell = self.cells
            self.cells += 1
            self.row_of_cell[self.cell] = self.rows

    def close(self, name: str) -> None:
        if name == "a":
            self.links = max(0, self.links - 1)
        elif self.stack and self.stack[-1][0] == name:
            self.flush()
            _, self.container, self.suspicions = self.stack.pop()
            if name == "pre":
                self.in_pre -= 1
                self.kind = "p"
            elif name == "table":
                self.close_table()
            elif name == "li":
                self.bullet = False

    def close_table(self) -> None:
        first_block, first_cell = self.tables.pop()
        blocks = self.page.blocks[first_block:]
        if is_data_table(blocks, self.row_of_cell):
            self.page.blocks[first_block:] = join_rows(blocks, self.row_of_cell)
        # In an enclosing table everything in here belongs to one cell, which is then a layout cell.
        self.cell = first_cell - 1 if self.tables else -1

    def flush(self) -> None:
        """End the current block."""
        if self.pieces:
            text = tidy(unescape("".join(self.pieces)), bool(self.in_pre))
            self.pieces.clear()
            if text:
                self.add_block(text)
            self.link_characters = 0
        self.kind = "pre" if self.in_pre else "p"

    def add_block(self, text: str) -> None:
        kind = self.kind
        if self.bullet and kind == "p":
            kind = "li"
        self.bullet = False
        links = min(self.link_characters, len(text))
        self.page.blocks.append(Block(kind, text, links, self.container, self.suspicions, self.cell))


def tidy(text: str, verbatim: bool) -> str:
    """Collapse white space as a browser does; in code only strip empty lines around it."""
    if verbatim:
        return text.replace(_LINE_BREAK, "\n").strip("\n").rstrip()
    if _LINE_BREAK not in text:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.split(_LINE_BREAK))
    return "\n".join(line for line in lines if line)


def unescape(text: str) -> str:
    """Undo the four escapes that a serialized text node can hold."""
    if "&" not in text:
        return text
    return text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_data_table(blocks: list[Block], row_of_cell: dict[int, int]) -> bool:
    """Tell a table of values from one that only arranges the page."""
    cells = [block.cell for block in blocks if block.kind != "row"]
    if len(cells) != len(blocks) or -1 in cells or not blocks:
        return False
    rows = {row_of_cell[cell] for cell in cells}
    distinct = set(cells)
    if len(rows) < 2 or len(distinct) < 1.5 * len(rows) or len(cells) > 1.5 * len(distinct):
        return False
    return all(len(block.text) < 400 and block.kind != "pre" for block in blocks)


def join_rows(blocks: list[Block], row_of_cell: dict[int, int]) -> list[Block]:
    """Make one block of each table row: `first cell | second cell`."""
    rows: dict[int, list[Block]] = {}
    for block in blocks:
        rows.setdefault(row_of_cell[block.cell], []).append(block)
    return [
        Block(
            "row",
            " | ".join(block.text.replace("\n", " ") for block in row),
            sum(block.link_characters for block in row),
            row[0].container,
            row[0].suspicions,
            row[0].cell,
        )
        for row in rows.values()
    ]
