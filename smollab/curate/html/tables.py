"""Tables: those of values become one line a row, those that only arrange the page are read cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smollab.curate.html.blocks import Block

LONGEST_CELL = 400
"""A cell with more characters holds prose, so that the table arranges the page."""


def is_data_table(blocks: list[Block], row_of_cell: dict[int, int]) -> bool:
    """Tell a table of values from one that only arranges the page."""
    cells = [block.cell for block in blocks if block.kind != "row"]
    if len(cells) != len(blocks) or -1 in cells or not blocks:
        return False
    rows = {row_of_cell[cell] for cell in cells}
    distinct = set(cells)
    if len(rows) < 2 or len(distinct) < 1.5 * len(rows) or len(cells) > 1.5 * len(distinct):
        return False
    return all(block.size < LONGEST_CELL and block.kind != "pre" for block in blocks)


def join_rows(blocks: list[Block], row_of_cell: dict[int, int]) -> list[Block]:
    """Make one block of each table row: `first cell | second cell`."""
    rows: dict[int, list[Block]] = {}
    for block in blocks:
        rows.setdefault(row_of_cell[block.cell], []).append(block)
    joined = []
    for row in rows.values():
        first = row[0]
        size = sum(block.size for block in row)
        first.link_density = sum(block.link_density * block.size for block in row) / size
        first.text = " | ".join(block.text.replace("\n", " ") for block in row)
        first.size = size + 3 * (len(row) - 1)
        first.kind = "row"
        joined.append(first)
    return joined
