"""A page -> a flat list of text blocks that know where in the page they stood.

lexbor (through selectolax) repairs the markup and drops what is never text (scripts, controls of forms, ...),
all in C. Its clean serialization is then cut at each `<` and read in one pass: cheaper than walking the tree node
by node from Python, and as safe, since a serialized tree is well formed. An element is looked at when the first text
inside it comes by: most elements of a page full of menus, slots for advertisements and pictures never hold any. And
a part that is suspected to be a menu, a comment, ... can be stepped over: half of a news page is (`suspected.py`).

**Cost**: one pass over the tags; about a third of the time is the parser's.
"""

from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from smollab.curate.html.blocks import LINE_BREAK, Block, Container, Page, Region, Unread, measure, tidy, unescape
from smollab.curate.html.limits import flatten, is_too_deep
from smollab.curate.html.suspected import MAXIMUM_WRAPPERS, bound_source, find_end, is_part
from smollab.curate.html.tables import is_data_table, join_rows
from smollab.curate.html.tags import (
    BOX,
    BREAK,
    BUTTON,
    CLOSE,
    INLINE,
    LEAF,
    LINK,
    LINK_END,
    MAIN_TAGS,
    NOTHING,
    ROLES,
    RULE,
    read_role,
    read_tag,
)
from smollab.curate.html.vocabulary import HEADINGS, NEVER_TEXT, PLAIN, Traits, read_class

_NEVER_TEXT = ",".join(sorted(NEVER_TEXT))
_KINDS = {**{tag: tag for tag in (*HEADINGS, "pre")}, "dt": "row"}
"""Leaf -> kind of its block; the others are paragraphs."""
_NO_LINK = 1_000_000_000
_LINK_LIST_ITEMS = 4
_LINK_LIST_SHARE = 0.9


def read_page(html: str, *, hidden: bool = False, whole: bool = False) -> Page:
    """Parse a page and cut its text into blocks.

    Args:
        html: the page.
        hidden: read also what is not shown, as on pages that a script unveils.
        whole: read also long lists of links, which are never text, for whoever wants to see what was dropped.
    """
    body, title = parse(html, whole=whole)
    return read_body(body, title, hidden=hidden)


def read_body(body: str, title: str = "", *, hidden: bool = False, step_over: bool = False) -> Page:
    """Cut the text of a serialized body into blocks.

    Args:
        body: from `parse`.
        title: of the page.
        hidden: read also what is not shown.
        step_over: of the suspected parts, only measure the text; each becomes one empty block of `Page.unread`.
    """
    page = Page(title)
    _Reader(page, hidden, step_over).read(body.split("<"))
    return page


def read_part(unread: list[str], *, hidden: bool = False) -> list[Block]:
    """Return the blocks of a part that was stepped over."""
    page = Page()
    _Reader(page, hidden, False).read(["", *unread])
    return page.blocks


def parse(html: str, *, whole: bool = False) -> tuple[str, str]:
    """Return the body of a page, repaired and without what is never text, and the title."""
    if is_too_deep(html):
        return flatten(html), ""
    tree = LexborHTMLParser(html)
    head = tree.head
    title = (head and head.css_first("title")) or tree.css_first("title")
    title_text = " ".join(title.text().split()) if title else ""
    body = tree.body
    if body is None:
        return "", title_text
    for node in reversed(body.css(_NEVER_TEXT)):  # one look at the tree; inner nodes first
        node.decompose()
    if not whole:
        drop_link_lists(body)
    return drop_comments(body.html or ""), title_text


def drop_link_lists(body: LexborNode) -> None:
    """Remove lists of nothing but links: most of a page's tags, and never its text."""
    for node in reversed(body.css("ul")):  # inner lists first: a removed node must not be touched again
        links = node.css("a")
        if len(links) < _LINK_LIST_ITEMS:
            continue
        inside = sum([len(link.text(strip=True)) for link in links])
        if inside >= _LINK_LIST_SHARE * len(node.text(strip=True)):
            node.decompose()


def drop_comments(html: str) -> str:
    """Remove the comments of a serialized page."""
    first, *others = html.split("<!--")
    return first + "".join([other.partition("-->")[2] for other in others]) if others else html


class _Reader:
    """Turns the stream of tags and texts into blocks."""

    def __init__(self, page: Page, hidden: bool, step_over: bool):
        self.page = page
        self.step_over = step_over
        self.wrappers = 0
        self.outside_link = _NO_LINK  # how many of `opened` do not stand in the open link
        self.blocks, self.containers = page.blocks, page.containers
        self.hidden = hidden
        self.opened: list[str] = []  # tags of open elements, inside those of `stack`, that held no text so far
        self.stack: list[tuple[str, int, tuple[int, ...]]] = []  # name, and container and regions before it
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

    def read(self, source: list[str]) -> None:
        """Read a serialized tree, cut at each `<`. This loop runs once a tag: it decides what extraction costs."""
        in_link = is_mute = False
        pieces, opened, roles = self.pieces, self.opened, ROLES
        self.source = source
        enumerated = enumerate(source)
        end = 0  # where a part ends that is left out; or 0
        next(enumerated)  # what stands before the first tag: nothing
        # A serialized tree holds < and > in tags only: lexbor escapes them in texts and attributes.
        for i, piece in enumerated:
            tag, _, text = piece.partition(">")  # tag with its attributes, and the text behind it
            role = roles.get(tag)
            if role is None:
                name = tag.partition(" ")[0]
                role = roles.get(name)
                if role is None:
                    role = read_role(name)
            if role >= CLOSE:
                if pieces:
                    self.flush()
                if role > CLOSE:
                    opened.append(tag)
                elif opened:
                    opened.pop()
                else:
                    self.leave()
            elif role == LINK:
                in_link, self.outside_link = True, len(opened)
                is_mute = "class=" in tag and (traits := read_class(tag)) is not PLAIN and self.leaves_out(traits)
            elif role == LINK_END:
                in_link = is_mute = False
                self.outside_link = _NO_LINK
            elif role == INLINE:
                if " " in tag and (traits := read_tag(tag).traits) is not PLAIN and self.leaves_out(traits):
                    end = find_end(source, i, tag.partition(" ")[0], 1)
            elif role == BREAK:
                if pieces:
                    pieces.append(LINE_BREAK)
            elif role == RULE:
                if pieces:
                    self.flush()
            elif role != NOTHING and not (role == BUTTON and self.is_in_heading()):
                end = find_end(source, i, tag.partition(" ")[0], 1)
            while end or (text and not is_mute and (pieces or not text.isspace())):
                if not end and opened:
                    end = self.enter(i)
                if not end:
                    pieces.append(text)
                    if in_link:
                        self.link_characters += len(text.strip())
                    break
                if in_link and any(piece.startswith("/a>") for piece in source[i + 1 : end]):
                    in_link = is_mute = False
                    self.outside_link = _NO_LINK
                next(islice(enumerated, end - i - 1, end - i), None)
                i, text = end, source[end].partition(">")[2] if end < len(source) else ""
                end = 0
        if pieces:
            self.flush()
        while self.stack:
            self.leave()

    def leaves_out(self, traits: Traits) -> bool:
        """Tell whether to skip an element that nobody sees."""
        return traits.is_skipped or (traits.is_hidden and not self.hidden)

    def is_in_heading(self) -> bool:
        """Tell whether a heading is open: a button in it unfolds what follows, and holds the heading's text."""
        return self.kind in HEADINGS or any(tag.partition(" ")[0] in HEADINGS for tag in self.opened)

    def enter(self, here: int) -> int:
        """Enter the elements opened since the last text, up to one that is left out or stepped over.

        Args:
            here: index of the piece that this text stands in.

        Returns:
            The index of the piece that closes that one; 0 if there is none.
        """
        opened = self.opened[:]
        self.opened.clear()
        tags = [read_tag(tag) for tag in opened]
        outside_link = self.outside_link
        if outside_link != _NO_LINK:
            self.outside_link = 0
        for i, (name, role, suspicion, traits) in enumerate(tags):
            if traits is not PLAIN and self.leaves_out(traits):
                return find_end(self.source, here, name, sum(inner.name == name for inner in tags[i:]))
            if suspicion and self.step_over and i < outside_link and not self.tables and not self.in_pre:
                end = find_end(self.source, here, name, sum(inner.name == name for inner in tags[i:]))
                if is_part(here, end, len(self.source)):
                    inside = [f"{tag}>" for tag in opened[i:]]
                    if outside_link != _NO_LINK:
                        inside.append("a>")
                    self.pass_by(inside, suspicion, role == BOX, here, end)
                    return end
                self.wrappers += 1
                self.step_over = self.wrappers < MAXIMUM_WRAPPERS
            self.stack.append((name, self.container, self.regions))
            if suspicion:
                self.enter_region(suspicion)
            if role == BOX:
                self.enter_box(name, traits.is_main)
            elif role == LEAF:
                self.kind = _KINDS.get(name, "p")
                self.in_pre += name == "pre"
            elif name == "li":
                self.bullet = True
            elif name == "tr":
                self.rows += 1
            elif name == "dd":
                self.kind = "row"
        return 0

    def pass_by(self, tags: list[str], category: str, is_box: bool, here: int, end: int) -> None:
        """Step over a suspected part: an empty block stands for all that is in it."""
        unread = [*tags, *self.source[here + 1 : end]]
        unread[len(tags) - 1] += self.source[here].partition(">")[2]
        regions = (*self.regions, len(self.page.regions))
        container = self.container
        if is_box:
            container = len(self.containers)
            self.containers.append(Container("", self.container, False, container + 1))
        self.page.regions.append(Region(category))
        self.page.unread[len(self.blocks)] = Unread(unread, bound_source(unread))
        self.blocks.append(Block("p", "", 0, 0.0, container, regions, self.cell))
        self.bullet, self.kind = False, "p"

    def enter_box(self, name: str, is_main: bool) -> None:
        parent, self.container = self.container, len(self.containers)
        self.containers.append(Container(name, parent, is_main or name in MAIN_TAGS))
        if name == "table":
            self.tables.append((len(self.blocks), self.cells))
        elif name == "td" or name == "th":
            self.cell = self.cells
            self.cells += 1
            self.row_of_cell[self.cell] = self.rows

    def enter_region(self, category: str) -> None:
        self.page.regions.append(Region(category))
        self.regions = (*self.regions, len(self.page.regions) - 1)

    def leave(self) -> None:
        """Leave the innermost element that was entered."""
        if not self.stack:
            return
        name, container, self.regions = self.stack.pop()
        if container != self.container:
            self.containers[self.container].end = len(self.containers)
            self.container = container
            if name == "table":
                self.close_table()
        elif name == "pre":
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
        text = tidy(text, self.in_pre > 0)
        if text:
            kind = "li" if self.bullet and self.kind == "p" else self.kind
            self.bullet = False
            links = self.link_characters
            density = min(links / len(text), 1.0) if links else 0.0
            self.blocks.append(Block(kind, text, measure(text), density, self.container, self.regions, self.cell))
        self.link_characters = 0
        self.kind = "pre" if self.in_pre else "p"
