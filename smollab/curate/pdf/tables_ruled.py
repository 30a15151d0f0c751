"""Tables by their rulings: grids of horizontal and vertical lines, and rows between horizontal lines of one length.

*Grids*: rulings that meet form a lattice. Where the line between two of its cells is missing they are one cell. What
is between two horizontal lines may still be several rows: `tables_rows.merge_lines` tells.

*Between lines*: papers and reports set tables between horizontal lines of equal length (booktabs). What is between two
of them belongs to a table if its rows have several pieces which are not prose.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from smollab.curate.pdf.page import Box, Table
from smollab.curate.pdf.tables_build import MOST_HEAD_ROWS, build_table, count_heads, glue, table_of
from smollab.curate.pdf.tables_checks import is_layout, is_prose, looks_like_table
from smollab.curate.pdf.tables_pieces import TOUCH, Piece, Row, Ruling, cut, is_number, rows_of
from smollab.curate.pdf.tables_rows import Column, find_columns, merge_lines, place

MOST_CROSSINGS = 200_000
"""A page with more pairs of rulings to look at is a drawing."""
SAME_LENGTH = 6.0
"""Rulings whose ends differ by less have the same length; points."""
SHORTEST = 45.0
"""Rulings between which a table can be; points."""


def find_grids(
    pieces: Sequence[Piece], across: Sequence[Ruling], down: Sequence[Ruling]
) -> tuple[list[Table], list[Box]]:
    """Return the tables drawn as grids, and the boxes of all grids: those of forms and plots hold no table at all."""
    if not across or not down or len(across) * len(down) > MOST_CROSSINGS:
        return [], []
    tables, boxes = [], []
    for rows, columns in _lattices(across, down):
        xs, ys = _edges(columns, rows), _edges(rows, columns)
        if len(xs) < 3 or len(ys) < 2:
            continue
        boxes.append((xs[0], ys[0], xs[-1], ys[-1]))
        table = _read_grid(pieces, rows, columns, xs, ys)
        if table is not None:
            tables.append(table)
    return tables, boxes


def _lattices(across: Sequence[Ruling], down: Sequence[Ruling]) -> list[tuple[list[Ruling], list[Ruling]]]:
    """Return groups of rulings that meet, horizontal and vertical ones."""
    group = list(range(len(across) + len(down)))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for j, v in enumerate(down, start=len(across)):
        for i, h in enumerate(across):
            if h.at > v.end + TOUCH:
                break
            if h.at >= v.start - TOUCH and h.start - TOUCH <= v.at <= h.end + TOUCH:
                group[root(i)] = root(j)
    lattices: dict[int, tuple[list[Ruling], list[Ruling]]] = {}
    for i, ruling in enumerate([*across, *down]):
        lattices.setdefault(root(i), ([], []))[i >= len(across)].append(ruling)
    return [lattice for lattice in lattices.values() if len(lattice[0]) > 1 and lattice[1]]


def _edges(own: Sequence[Ruling], other: Sequence[Ruling]) -> list[float]:
    """Return where rulings are, with the ends of those that cross them if a table is open at its sides."""
    places = [ruling.at for ruling in own]
    low, high = min(ruling.start for ruling in other), max(ruling.end for ruling in other)
    places += [low] if low < min(places) - 8 else []
    places += [high] if high > max(places) + 8 else []
    edges: list[float] = []
    for place_ in sorted(places):
        if not edges or place_ - edges[-1] > TOUCH:
            edges.append(place_)
    return edges


def _read_grid(
    pieces: Sequence[Piece], across: list[Ruling], down: list[Ruling], xs: list[float], ys: list[float]
) -> Table | None:
    inside = [
        piece
        for piece in pieces
        if xs[0] - TOUCH < (piece.x0 + piece.x1) / 2 < xs[-1] + TOUCH and ys[0] < (piece.y0 + piece.y1) / 2 < ys[-1]
    ]
    if len(inside) < 3:
        return None
    height, width = len(ys) - 1, len(xs) - 1
    walls = [[_drawn(down, xs[j], (ys[i] + ys[i + 1]) / 2) for j in range(width + 1)] for i in range(height)]
    floors = [[_drawn(across, ys[i], (xs[j] + xs[j + 1]) / 2) for j in range(width)] for i in range(height + 1)]
    corner = _corners(walls, floors)
    cells: dict[tuple[int, int], list[Piece]] = {}
    for piece in inside:
        i = _index(ys, (piece.y0 + piece.y1) / 2)
        for part in cut(piece, [x for j, x in enumerate(xs) if walls[i][j]]):
            cells.setdefault(corner[i][_index(xs, (part.x0 + part.x1) / 2)], []).append(part)
    return _grid_table(cells, corner, xs, ys)


def _drawn(rulings: Sequence[Ruling], at: float, where: float) -> bool:
    return any(abs(r.at - at) <= TOUCH and r.start - TOUCH <= where <= r.end + TOUCH for r in rulings)


def _index(edges: Sequence[float], at: float) -> int:
    return max(0, min(len(edges) - 2, sum(edge <= at for edge in edges) - 1))


def _corners(walls: list[list[bool]], floors: list[list[bool]]) -> list[list[tuple[int, int]]]:
    """Return for each place of the lattice the top left place of its cell; a missing line makes two one."""
    height, width = len(walls), len(walls[0]) - 1
    corner = [[(i, j) for j in range(width)] for i in range(height)]
    for i in range(height):
        for j in range(width):
            if j and not walls[i][j]:
                corner[i][j] = corner[i][j - 1]
            elif i and not floors[i][j] and corner[i - 1][j][1] == j:
                corner[i][j] = corner[i - 1][j]
    return corner


def _grid_table(
    cells: dict[tuple[int, int], list[Piece]], corner: list[list[tuple[int, int]]], xs: list[float], ys: list[float]
) -> Table | None:
    height, width = len(corner), len(corner[0])
    last = {place_: (i, j) for i, row in enumerate(corner) for j, place_ in enumerate(row)}
    if is_layout(cells, {place_: (ys[last[place_][0] + 1] - ys[place_[0]]) for place_ in last}):
        return None
    columns = list(pairwise(xs))
    bands: list[list[Row]] = []
    for i in range(height):
        own = [p for (row, _), found in cells.items() if row == i for p in found]
        tall = [p for (row, j), found in cells.items() if row == i and last[row, j][0] > i for p in found]
        bands.append(rows_of(piece for piece in own if piece not in tall) or [[]])
        if tall:
            bands[-1][0] = sorted([*bands[-1][0], *tall], key=lambda p: (p.x0, p.y0))
    per_row = height > 2 and median(map(len, bands)) <= 3
    heads = _head_bands(bands, corner, width)
    grid = [_join_head_bands(cells, corner, last, heads)]
    for band in bands[heads:]:
        grid += [_cells(group, columns) for group in merge_lines(band, columns, ruled=per_row)]
    found = [piece for pieces in cells.values() for piece in pieces]
    table = table_of(grid, found)
    return table if looks_like_table(table.rows, found, ruled=True) else None


def _cells(group: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Join texts by the column in which their middle is: the lattice says exactly where cells are."""
    cells = [""] * len(columns)
    for row in group:
        for piece in row:
            column = next((j for j, (x0, x1) in enumerate(columns) if x0 <= piece.x0 + 1 < x1), len(columns) - 1)
            cells[column] = glue(cells[column], piece.text)
    return cells


def _head_bands(bands: Sequence[Sequence[Row]], corner: list[list[tuple[int, int]]], width: int) -> int:
    """Tell how many of the first bands are heads: two when a cell of the first one goes over columns."""
    if len(bands) < 3 or len(set(corner[0])) == width or len(set(corner[0])) == 1:
        return 1
    numbers = [is_number(piece.text) for row in bands[1] for piece in row[1:]]
    return 2 if not any(numbers) or all(len(p.text) == 4 for row in bands[1] for p in row[1:]) else 1


def _join_head_bands(
    cells: dict[tuple[int, int], list[Piece]],
    corner: list[list[tuple[int, int]]],
    last: dict[tuple[int, int], tuple[int, int]],
    count: int,
) -> list[str]:
    heads = [""] * len(corner[0])
    for i in range(count):
        for place_ in dict.fromkeys(corner[i]):
            if place_[0] != i:
                continue  # began in the band above
            text = ""
            for row in rows_of(cells.get(place_, [])):
                for piece in row:
                    text = glue(text, piece.text)
            wide = last[place_][0] < count - 1
            for j in range(place_[1], last[place_][1] + 1) if wide else (place_[1],):
                heads[j] = glue(heads[j], text)
    return heads


def find_between(pieces: Sequence[Piece], across: Sequence[Ruling]) -> list[Table]:
    """Return the tables between horizontal rulings of one length."""
    tables = []
    for rulings in _same_length(across):
        low, high = rulings[0].start - 4, rulings[0].end + 4
        inside = [piece for piece in pieces if low < (piece.x0 + piece.x1) / 2 < high]
        parts = [
            rows_of(piece for piece in inside if top.at < (piece.y0 + piece.y1) / 2 < bottom.at)
            for top, bottom in pairwise(rulings)
        ]
        for chain in _chains(parts):
            rows = [row for part in chain for row in part]
            if _goes_beyond(rows, pieces, low, high):
                continue
            starts = [sum(map(len, chain[:i])) for i in range(1, len(chain))]
            table = _between_table(inside, rows, starts, _partial(across, rulings, rows))
            if table is not None:
                tables.append(table)
                used = set(table.lines)
                pieces = [piece for piece in pieces if piece.line not in used]
    return tables


def _same_length(across: Sequence[Ruling]) -> list[list[Ruling]]:
    groups: list[list[Ruling]] = []
    for ruling in across:
        if ruling.end - ruling.start < SHORTEST:
            continue
        for group in groups:
            if abs(group[0].start - ruling.start) < SAME_LENGTH and abs(group[0].end - ruling.end) < SAME_LENGTH:
                group.append(ruling)
                break
        else:
            groups.append([ruling])
    return [group for group in groups if len(group) > 1]


def _chains(parts: Sequence[list[Row]]) -> list[list[list[Row]]]:
    """Return runs of neighboring parts that belong to one table."""
    chains: list[list[list[Row]]] = [[]]
    for number, part in enumerate(parts):
        if _tabular(part) or (not part and chains[-1]):
            chains[-1].append(part)
        elif (
            chains[-1]
            and len(part) <= 2
            and number + 1 < len(parts)
            and _tabular(parts[number + 1])
            and all(len(piece.text) < 80 for row in part for piece in row)
        ):  # the title of a group of rows
            chains[-1].append(part)
        else:
            chains.append([])
    return [[part for part in chain if part] for chain in chains if any(chain)]


def _tabular(rows: Sequence[Row]) -> bool:
    several = [row for row in rows if len(row) > 1]
    if not several or len(several) < 0.34 * len(rows):
        return False
    return not is_prose(rows)


def _goes_beyond(rows: Sequence[Row], pieces: Sequence[Piece], low: float, high: float) -> bool:
    """Tell whether rows go on beyond the rulings: short pieces left of them, or pieces that cross their ends.

    Such rulings are under the figures of a total only, or they frame a heading.
    """
    count = 0
    for row in rows:
        top, bottom, size = row[0].y0, row[0].y1, row[0].line.size
        beside = [piece for piece in pieces if top < (piece.y0 + piece.y1) / 2 < bottom]
        count += any(
            (piece.x1 < low + 4 and low - piece.x1 < 30 * size and len(piece.text.split()) <= 5)
            or (piece.x0 < high - 8 and piece.x1 > high + 8)
            for piece in beside
        )
    return count > 0.3 * len(rows)


def _partial(across: Sequence[Ruling], rulings: Sequence[Ruling], rows: Sequence[Row]) -> int:
    """Return how many of the first rows are above a shorter ruling: it is under a head over some of the columns."""
    low, high = rulings[0].start - SAME_LENGTH, rulings[0].end + SAME_LENGTH
    tops = [min(piece.y0 for piece in row) for row in rows[: MOST_HEAD_ROWS + 1]]
    above = [
        sum(top < ruling.at - 2 for top in tops)
        for ruling in across
        if ruling not in rulings and low < ruling.start and ruling.end < high and ruling.at > tops[0]
    ]
    return max((count for count in above if count < len(tops)), default=0)


def _between_table(inside: Sequence[Piece], rows: list[Row], starts: list[int], partial: int) -> Table | None:
    columns = find_columns(rows)
    if len(columns) < 2:
        return None
    above = _head_above(inside, rows, columns)
    if above:
        rows, starts = [above, *rows], [1, *(start + 1 for start in starts)]
        columns = find_columns(rows)
    if len(rows) < 2 or len(columns) < 2:
        return None
    head = starts[0] if starts and starts[0] <= MOST_HEAD_ROWS else partial
    table = build_table(rows, columns, head or count_heads(rows, columns), starts)
    found = [piece for row in rows for piece in row]
    return table if looks_like_table(table.rows, found, ruled=True) else None


def _head_above(inside: Sequence[Piece], rows: list[Row], columns: Sequence[Column]) -> Row | None:
    """Return the row just above the first ruling if its pieces stand over the columns."""
    top, size = min(piece.y0 for piece in rows[0]), rows[0][0].line.size
    near = rows_of(piece for piece in inside if top - 2.6 * size < piece.y0 and piece.y1 < top + 1)
    if not near or len(near[-1]) < max(2, len(columns) - 2) or near[-1][0] in rows[0]:
        return None
    placed = place(near[-1], columns)
    return near[-1] if len({first for first, _, _ in placed}) == len(placed) else None
