"""What a made document consists of, and how it is written down as gold."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    columns: int = 1
    """How many columns it spans."""
    rows: int = 1
    """How many rows it spans."""


@dataclass(frozen=True)
class Element:
    """A block of a document, in reading order."""

    kind: str
    """As in `smollab.curate.pdf.page.Kind`."""
    text: str = ""
    rows: list[list[Cell]] = field(default_factory=list)
    """Of a table: as in HTML, without the cells that another one covers."""
    header_rows: int = 1
    floating: bool = False
    """Stands beside the flow of the text, so that any place in the output is right: footnotes, figures, side notes."""
    indent: list[int] = field(default_factory=list)
    """Of a table: row numbers whose first cell is indented."""


@dataclass(frozen=True)
class MadePdf:
    """A document with its gold."""

    name: str
    layout: str
    """For the manifest."""
    language: str
    pdf: bytes
    elements: list[Element]

    def gold(self) -> dict[str, Any]:
        """Return what is written to `gold.jsonl`."""
        return {
            "name": self.name,
            "layout": self.layout,
            "language": self.language,
            "blocks": [_block(element) for element in self.elements],
        }


def _block(element: Element) -> dict[str, Any]:
    block: dict[str, Any] = {"kind": element.kind}
    if element.kind == "table":
        block |= {"rows": expand(element.rows), "header_rows": element.header_rows}
        block["spans"] = [
            [row, column, cell.columns, cell.rows]
            for row, column, cell in placed(element.rows)
            if cell.columns > 1 or cell.rows > 1
        ]
    else:
        block["text"] = element.text
    return block | ({"floating": True} if element.floating else {})


def placed(rows: list[list[Cell]]) -> list[tuple[int, int, Cell]]:
    """Return (row, column, cell) with the columns that HTML's rules give."""
    taken: set[tuple[int, int]] = set()
    result = []
    for row, cells in enumerate(rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            result.append((row, column, cell))
            taken |= {(row + r, column + c) for r in range(cell.rows) for c in range(cell.columns)}
    return result


def expand(rows: list[list[Cell]]) -> list[list[str]]:
    """Return a grid of texts; the text of a spanning cell is in its first place, the others are empty."""
    cells = placed(rows)
    width = max(column + cell.columns for _, column, cell in cells)
    grid = [[""] * width for _ in rows]
    for row, column, cell in cells:
        grid[row][column] = cell.text
    return grid
