"""The shapes that all parts of PDF extraction share: what an engine reads, and what layout makes of it.

An engine (`pymupdf_engine`, `pypdfium2_engine`) opens a file as a `PdfFile` and reads one `Page` at a time: lines of
text with their places, ruled lines, pictures, links. `tables.find_tables` takes the lines of tables out of a page;
`layout` turns the rest into `Block`s in reading order.

Places are boxes `(x0, y0, x1, y1)` in points (1/72 inch) from the top left corner of the page **as it is shown**, that
is with its rotation applied; `x0 <= x1`, `y0 <= y1`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in points from the top left of the page as shown."""

Kind = Literal[
    "paragraph",
    "heading",
    "list item",
    "code",
    "table",
    "figure",
    "caption",
    "footnote",
    "side note",
    "contents",
    "running title",
    "page number",
    "line number",
    "watermark",
    "rotated",
]
"""What a block is."""

DROPPED: frozenset[Kind] = frozenset(
    ("contents", "running title", "page number", "line number", "watermark", "rotated", "figure")
)
"""Kinds that are no part of the text; they are found, and shown, so that one can see what was left out."""


class Span(NamedTuple):
    """A piece of a line in one font."""

    box: Box
    text: str
    size: float
    """Points."""
    font: str
    """Its name in the file, without the subset prefix: `LMSans12-Oblique`."""
    bold: bool
    italic: bool
    mono: bool
    superscript: bool


@dataclass(slots=True, eq=False)
class Line:
    """A line of text without a wide gap: cells of a table row, or the two columns of a page, are lines of their own."""

    box: Box
    text: str
    """White space is single, except in a monospaced font; none at the ends. May end with a soft hyphen."""
    size: float
    """Font size of most of its letters; points."""
    font: str
    bold: bool
    italic: bool
    mono: bool
    turn: int = 0
    """Quarter turns clockwise of the reading direction as shown: 0 left to right, 1 downwards, 3 upwards; -1 askew."""
    hidden: bool = False
    """Invisible, as the text that OCR puts behind a scan."""
    role: Kind | None = None
    """What layout has found it to be before it looks at blocks: a running title, a page number, ..."""
    spans: list[Span] = field(default_factory=list)
    """The pieces, left to right; emptied when the page's tables have been found, to save memory."""
    pieces: list["Line"] = field(default_factory=list)
    """Of a row that was put together: the lines side by side; otherwise empty."""

    @property
    def width(self) -> float:
        """Points."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Points."""
        return self.box[3] - self.box[1]


class Link(NamedTuple):
    """A link to another place in the world; links within the file are left out."""

    box: Box
    address: str


@dataclass(slots=True, eq=False)
class Table:
    """A table found on a page."""

    box: Box
    rows: list[list[str]]
    """Cells, row by row, all rows of equal length; a cell spread over several columns is followed by empty ones."""
    header_rows: int = 1
    """How many of the first rows are heads of columns."""
    lines: list[Line] = field(default_factory=list)
    """The lines of the page that are in the cells; they leave the flow of text."""
    ruled: bool = True
    """Found by its rulings, not by the alignment of its words."""


@dataclass(slots=True, eq=False)
class Page:
    """One page as an engine reads it."""

    number: int
    """From 1."""
    width: float
    height: float
    rotation: int = 0
    """Degrees clockwise by which the page is shown turned; boxes are as shown."""
    turns: int = 0
    """Quarter turns by which `rotation.straighten` has turned the page further, so that most of its text is upright."""
    lines: list[Line] = field(default_factory=list)
    """In the order of the file."""
    horizontal_rulings: list[Box] = field(default_factory=list)
    """Straight strokes and thin filled rectangles; one coordinate pair may be equal."""
    vertical_rulings: list[Box] = field(default_factory=list)
    images: list[Box] = field(default_factory=list)
    drawings: list[Box] = field(default_factory=list)
    """Boxes of vector graphics that are no rulings: curves, filled areas."""
    links: list[Link] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Box] = field(default_factory=list)
    problem: str = ""
    """Why the page could not be read or must not be used: `corrupt`, `garbled`, `needs OCR`; it then has no lines."""


@dataclass(slots=True, eq=False)
class Block:
    """Lines that belong together, in reading order: what layout makes of a page."""

    kind: Kind
    box: Box
    page: int
    """Number of the page, from 1."""
    lines: list[Line] = field(default_factory=list)
    level: int = 0
    """Of a heading: 1 for the title; of a list item: how deep it is nested, from 0."""
    table: Table | None = None
    """Of a table; the text of other blocks is that of their lines."""


class Place(NamedTuple):
    """Where characters of a document's text come from: `text[start:end]` is in the box on the page."""

    start: int
    end: int
    page: int
    """From 1."""
    box: Box


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file says of itself; empty where it says nothing."""

    title: str = ""
    authors: str = ""
    language: str = ""
    """As in the catalog's `/Lang`: `en-US`."""
    creator: str = ""
    """The program that wrote the document."""
    producer: str = ""
    """The program that made the PDF."""
    date: str = ""
    """Of creation, as in the file: `D:20221130213215Z`."""
    form: bool = False
    """It has fields to fill in."""


class PdfFile(Protocol):
    """An open file, as both engines give it. Pages are read one at a time, so that memory does not grow with them."""

    facts: FileFacts
    num_pages: int

    def pages(self) -> Iterator[Page]:
        """Yield the pages in order; a page that cannot be read has a `problem` and no lines."""
        ...

    def draw(self, number: int, pixels_per_point: float) -> bytes:
        """Return a picture of a page, counted from 1, as PNG."""
        ...

    def close(self) -> None:
        """Free what the library holds."""
        ...


class UnreadablePdf(ValueError):
    """A file that holds no pages: encrypted, not a PDF, broken beyond repair, empty."""


def union(boxes: list[Box]) -> Box:
    """Return the smallest box around boxes, of which there is at least one."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
