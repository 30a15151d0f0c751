"""Rows of pieces -> columns, and rows of text -> rows of a table.

*Columns* are what is left between the gaps that all rows have in common. Pieces that go across such a gap are heads
over several columns, or the titles of groups of rows: the gaps are found twice, first with a few such pieces
allowed, then without them, so that a column with little in it is a column still.

*Cells of several lines*: a line of text goes on with the row above when it has less cells than that, none of them a
number, each beneath one that is filled; or when the space above it is smaller than that between rows; or when it is
staggered: less than a line below the row above, because a cell of two lines stands in the middle beside one of three.
A line without a label belongs to the row below if its sentence goes on there.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from smollab.curate.pdf.tables_pieces import Piece, Row, is_number

_OPEN = frozenset("±+(/×,")
"""A cell that ends with one of these goes on in the next line."""
Column = tuple[float, float]
"""Where a column begins and ends: x."""
STAGGERED = 0.8
"""Rows nearer than this, from top to top, cannot be two lines of one cell; font sizes."""
LEAST_GAP = 0.45
"""White space between columns; font sizes."""
CROSSING_SHARE = 0.15
"""Most rows in which something may go across the white space between two columns."""


def find_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the columns that rows have in common, left to right."""
    several = [row for row in rows if len(row) > 1]
    if not several:
        return []
    size = median(piece.line.size for row in several for piece in row)
    least = LEAST_GAP * size
    allowed = int(CROSSING_SHARE * len(several)) if len(several) > 3 else 0
    rough = _covered([piece for row in several for piece in row], allowed, least)
    if len(rough) < 2:
        return rough
    gaps = [(left[1], right[0]) for left, right in pairwise(rough)]
    within = [piece for row in rows for piece in row if not any(_crosses(piece, gap) for gap in gaps)]
    return _covered(within, 0, least)


def _crosses(piece: Piece, gap: Column) -> bool:
    """Tell whether a piece goes from the column on one side of a gap through most of the gap."""
    most = 0.6 * (gap[1] - gap[0])
    return (piece.x0 < gap[0] + 1 and piece.x1 > gap[0] + most) or (piece.x1 > gap[1] - 1 and piece.x0 < gap[1] - most)


def _covered(pieces: list[Piece], allowed: int, least: float) -> list[Column]:
    """Return the intervals of x that more than `allowed` pieces cover, those apart by less than `least` joined."""
    events = sorted([(piece.x0, 1) for piece in pieces] + [(piece.x1, -1) for piece in pieces])
    columns: list[Column] = []
    depth, start = 0, 0.0
    for x, step in events:
        before, depth = depth, depth + step
        if before <= allowed < depth:
            start = x
        elif depth <= allowed < before:
            if columns and start - columns[-1][1] < least:
                columns[-1] = (columns[-1][0], x)
            else:
                columns.append((start, x))
    return columns


def place(row: Row, columns: Sequence[Column]) -> list[tuple[int, int, Piece]]:
    """Return (first column, last column, piece) for each piece of a row."""
    placed = []
    for piece in row:
        touched = [i for i, (x0, x1) in enumerate(columns) if piece.x0 < x1 - 1 and piece.x1 > x0 + 1]
        if not touched:
            middle = (piece.x0 + piece.x1) / 2
            touched = [min(range(len(columns)), key=lambda i: abs((columns[i][0] + columns[i][1]) / 2 - middle))]
        placed.append((touched[0], touched[-1], piece))
    return placed


def cells_of(row: Row, columns: Sequence[Column]) -> list[str]:
    """Return the texts of a row by column; a piece over several columns is in its first one."""
    cells = [""] * len(columns)
    for first, _, piece in place(row, columns):
        cells[first] = f"{cells[first]} {piece.text}".strip()
    return cells


def merge_lines(rows: Sequence[Row], columns: Sequence[Column], ruled: bool = False) -> list[list[Row]]:
    """Group rows of text into rows of a table.

    Args:
        rows: of text, top to bottom.
        columns: of the table.
        ruled: whether rulings separate the rows of the table, so that what is in between is likely to be one.
    """
    if len(rows) < 2:
        return [list(rows)] if rows else []
    cells = [cells_of(row, columns) for row in rows]
    by_space = _starts_by_space(rows, cells)
    groups: list[list[Row]] = [[rows[0]]]
    first = 0
    for i in range(1, len(rows)):
        goes_on = not by_space[i] if by_space else _goes_on(cells, rows, columns, i, first, ruled)
        if goes_on or _is_staggered(rows[i - 1], rows[i]):
            groups[-1].append(rows[i])
        else:
            groups.append([rows[i]])
            first = i
    return groups if ruled else _join_forward(groups, columns)


def _join_forward(groups: list[list[Row]], columns: Sequence[Column]) -> list[list[Row]]:
    """Join a line without a label to the next row if its sentence goes on there: the label stands in the middle."""
    joined: list[list[Row]] = []
    for group in groups:
        above = cells_of(joined[-1][0], columns) if joined and len(joined[-1]) == 1 else []
        here = cells_of(group[0], columns)
        filled = [column for column, text in enumerate(above) if text]
        if filled and 0 not in filled and here[0] and all(here[c][:1].islower() for c in filled):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _is_staggered(above: Row, row: Row) -> bool:
    return min(p.y0 for p in row) - min(p.y0 for p in above) < STAGGERED * min(p.line.size for p in (*above, *row))


def _starts_by_space(rows: Sequence[Row], cells: list[list[str]]) -> list[bool]:
    """Return where rows begin if the space above tells: wide above rows that are full, narrow above the others."""
    tops = [min(piece.y0 for piece in row) for row in rows]
    gaps = [below - above for above, below in pairwise(tops)]
    low, high = min(gaps), max(gaps)
    if (
        len(gaps) < 3
        or low <= 0
        or high < 1.22 * low
        or low > 1.6 * median(piece.line.size for row in rows for piece in row)
    ):
        return []
    limit = low + 0.45 * (min(high, 2 * low) - low)
    starts = [True, *(gap > limit for gap in gaps)]
    filled = [sum(map(bool, row)) for row in cells]
    tight = [count for count, start in zip(filled, starts, strict=True) if not start]
    wide = [count for count, start in zip(filled, starts, strict=True) if start]
    numbers = sum(is_number(c) for row, start in zip(cells, starts, strict=True) if not start for c in row[1:] if c)
    if sum(tight) / len(tight) > 0.75 * sum(wide) / len(wide) or numbers > 0.15 * sum(tight):
        return []  # rows in groups, not lines in rows
    return starts


def _goes_on(
    cells: list[list[str]], rows: Sequence[Row], columns: Sequence[Column], i: int, first: int, ruled: bool
) -> bool:
    here, above, start = cells[i], cells[i - 1], cells[first]
    filled = [column for column, text in enumerate(here) if text]
    if any(is_number(here[column]) and above[column][-1:] not in _OPEN for column in filled if column):
        return False
    if not all(start[column] for column in filled):
        return False
    if len(filled) == sum(map(bool, start)) and len(filled) == len(columns) and not ruled:
        return above[0][-1:] in ("-", ",", "/", "(") and all(here[column][:1].islower() for column in filled[1:])
    top, before = min(p.y0 for p in rows[i]), min(p.y0 for p in rows[i - 1])
    size = max(piece.line.size for piece in rows[i])
    if top - before > 1.7 * size and not ruled:
        return False
    if 0 in filled:
        # A label that goes on begins small, or follows a word that was cut; a new one begins a row.
        open_ = len(filled) > 1 and any(above[column][-1:] in _OPEN for column in filled)
        return ruled or open_ or here[0][:1].islower() or above[0][-1:] in ("-", ",", "/", "(")
    if ruled:
        return True
    return all(_wrapped(above[column], rows[i - 1], columns[column], here[column]) for column in filled)


def _wrapped(above: str, row: Row, column: Column, here: str) -> bool:
    """Tell whether a text goes on in the next line: the line before fills its column, or it begins small."""
    if not above:
        return False
    if here[:1].islower() or above[-1:] in "-,;":
        return True
    end = max((piece.x1 for piece in row if column[0] - 1 <= piece.x0 < column[1]), default=column[0])
    if above[-1] in _OPEN:
        return True
    return end > column[0] + 0.75 * (column[1] - column[0]) and len(above.split()) > 1
