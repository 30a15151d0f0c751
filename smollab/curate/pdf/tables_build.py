"""Rows of pieces and columns -> a `Table`: heads and lines of cells joined, empty rows and columns dropped."""

from collections.abc import Sequence
from itertools import pairwise

from smollab.curate.pdf.page import Line, Table, union
from smollab.curate.pdf.tables_pieces import Piece, Row, is_number
from smollab.curate.pdf.tables_rows import Column, cells_of, merge_lines, place

MOST_HEAD_ROWS = 4


def build_table(rows: Sequence[Row], columns: Sequence[Column], head_rows: int, starts: Sequence[int] = ()) -> Table:
    """Return the table that rows of text form.

    Args:
        rows: of text, top to bottom.
        columns: of the table.
        head_rows: how many of the first rows of text are heads of columns.
        starts: the rows of text before which there is a ruling.
    """
    head_rows = max(1, min(head_rows, MOST_HEAD_ROWS, len(rows) - 1))
    columns = _absorb(rows, columns, head_rows)
    grid = [join_heads(rows[:head_rows], columns)]
    bounds = sorted({head_rows, *(start for start in starts if start > head_rows), len(rows)})
    parts = [rows[low:high] for low, high in pairwise(bounds)]
    # A ruling after nearly every row of text means that what is between two is one row of the table.
    per_row = len(parts) > 2 and sorted(map(len, parts))[len(parts) // 2] <= 3
    for part in parts:
        grid += [join_cells(group, columns) for group in merge_lines(part, columns, ruled=per_row)]
    return table_of(grid, [piece for row in rows for piece in row])


def _absorb(rows: Sequence[Row], columns: Sequence[Column], head_rows: int) -> list[Column]:
    """Join a column that has but a head to its neighbor that has none: a head on the left, numbers on the right."""
    heads = {first for row in rows[:head_rows] for first, _, _ in place(row, columns)}
    leaves = {first for first, _, _ in place(rows[head_rows - 1], columns)}
    body = {first for row in rows[head_rows:] for first, _, _ in place(row, columns)}
    result: list[Column] = []
    joined = False
    for i, column in enumerate(columns):
        if joined:
            result[-1], joined = (result[-1][0], column[1]), False
            continue
        alone = i in heads and i not in body
        joined = alone and i + 1 < len(columns) and i + 1 not in leaves and i + 1 in body
        if alone and not joined and i and i - 1 not in leaves and i - 1 in body:
            result[-1] = (result[-1][0], column[1])
        else:
            result.append(column)
    return result


def table_of(grid: list[list[str]], pieces: Sequence[Piece], ruled: bool = True) -> Table:
    """Return a table of cells, without its empty rows and columns."""
    lines: list[Line] = list(dict.fromkeys(line for piece in pieces for line in (piece.line, *piece.more)))
    return Table(union([line.box for line in lines]), drop_empty(grid), 1, lines, ruled)


def drop_empty(grid: list[list[str]]) -> list[list[str]]:
    """Return the cells without rows and columns that are empty; a column with nothing but a head stays."""
    grid = [row for row in grid if any(row)]
    kept = [column for column in range(len(grid[0]) if grid else 0) if any(row[column] for row in grid)]
    return [[row[column] for column in kept] for row in grid]


def join_cells(group: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Join the rows of text that are one row of the table, cell by cell."""
    cells = [""] * len(columns)
    for row in group:
        for column, text in enumerate(cells_of(row, columns)):
            cells[column] = glue(cells[column], text)
    return cells


def join_heads(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Return one head for each column: a head over several columns comes before the head of each of them."""
    heads = [""] * len(columns)
    for number, row in enumerate(rows):
        below = [piece for other in rows[number + 1 :] for piece in other]
        for first, last, piece in spread(row, below, columns) if below else place(row, columns):
            for column in range(first, last + 1) if below else (first,):
                heads[column] = glue(heads[column], piece.text)
    return heads


def spread(row: Row, below: Row, columns: Sequence[Column]) -> list[tuple[int, int, Piece]]:
    """Return (first column, last column, piece) of heads over other heads.

    A column without a head of its own in this row, but with one in the next, belongs to the nearest head that has
    others beneath it.
    """
    placed = place(row, columns)
    beneath = {first for first, _, _ in place(below, columns)}
    open_ = [number for number, (first, last, _) in enumerate(placed) if beneath.intersection(range(first, last + 1))]
    for column in sorted(beneath.difference(*(range(first, last + 1) for first, last, _ in placed))):
        middle = (columns[column][0] + columns[column][1]) / 2
        if not open_:
            break
        nearest = min(open_, key=lambda number: abs((placed[number][2].x0 + placed[number][2].x1) / 2 - middle))
        first, last, piece = placed[nearest]
        between = range(min(first, column), max(last, column) + 1)
        if not any(set(between).intersection(range(a, b + 1)) for a, b, other in placed if other is not piece):
            placed[nearest] = (between[0], between[-1], piece)
    return placed


def glue(above: str, below: str) -> str:
    """Join two lines of a cell, undoing a hyphen at the break."""
    if not above or not below:
        return above or below
    if len(above) > 1 and above[-1] in "-\xad" and above[-2].isalpha() and below[0].islower():
        return above[:-1] + below
    return f"{above} {below}"


def count_heads(rows: Sequence[Row], columns: Sequence[Column]) -> int:
    """Guess how many rows of text are heads: the bold ones at the top, or those before the first with numbers."""
    bold = 0
    while bold < min(len(rows), MOST_HEAD_ROWS) and all(piece.line.bold for piece in rows[bold]):
        bold += 1
    if 0 < bold < len(rows) and not all(piece.line.bold for row in rows[bold:] for piece in row):
        return bold
    if len(rows) > 2 and len(rows[0]) < len(columns) and not _has_numbers(rows[1]) and _has_numbers(rows[2]):
        return 2 if len(rows[1]) >= len(rows[0]) and not _has_numbers(rows[0]) else 1
    return 1


def _has_numbers(row: Row) -> bool:
    return any(is_number(piece.text) for piece in row[1:])
