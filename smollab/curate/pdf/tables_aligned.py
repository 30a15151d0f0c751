"""Tables without rulings: rows of short pieces, one below the other, with white space in common.

1. Lines of prose are set aside: chains of lines that begin at one x, most of them alone in their part of the page.
2. What remains falls into runs, parted by prose or by much space; a page with columns is read column by column,
   except where no column has prose.
3. A run of at least three rows with several pieces each, whose gaps make columns, is a table if it has numbers or
   heads, and is no list, contents, index or program (`tables_checks`).
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median

from smollab.curate.pdf.page import Table
from smollab.curate.pdf.tables_build import build_table, count_heads
from smollab.curate.pdf.tables_checks import has_leader, is_contents, is_prose, looks_like_table
from smollab.curate.pdf.tables_pieces import Piece, Row, rows_of
from smollab.curate.pdf.tables_rows import find_columns, place

LEAST_ROWS = 3
"""Rows with several pieces."""
CROSSING_SHARE = 0.3
"""Between two columns of prose there are fewer lines, those of a spanning abstract, than this share of a column's."""
LEADING = 1.75
"""Most distance between the tops of two lines of a paragraph; font sizes."""


def find_aligned(pieces: Sequence[Piece]) -> list[Table]:
    """Return the unruled tables among pieces."""
    rows = rows_of(pieces)
    if sum(len(row) > 1 for row in rows) < LEAST_ROWS:
        return []
    prose = _prose(rows)
    tables = []
    zones = _zones(prose)
    rest = [piece for piece in pieces if piece not in prose]
    if len(zones) > 1:
        bands = [(piece.y0, piece.y1) for piece in prose]
        wide = [p for p in rest if not any(low < (p.y0 + p.y1) / 2 < high for low, high in bands)]
        across = _tables(wide, sorted(prose, key=lambda p: p.y0))
        tables += [t for t in across if any(t.box[0] < high - 8 and t.box[2] > high + 8 for _, high in zones[:-1])]
        used = {line for table in tables for line in table.lines}
        for low, high in zones:
            own = [p for p in rest if low <= (p.x0 + p.x1) / 2 < high and p.line not in used]
            tables += _tables(own, sorted((p for p in prose if low <= p.x0 < high), key=lambda p: p.y0))
        return tables
    return _tables(rest, sorted(prose, key=lambda p: p.y0))


def _prose(rows: Sequence[Row]) -> set[Piece]:
    """Return the pieces that are lines of paragraphs, or entries of a table of contents."""
    beside = {piece: (row[:i][-1:] + row[i + 1 :][:1]) for row in rows for i, piece in enumerate(row)}
    chains = _stack([piece for row in rows for piece in row])
    long = {piece for chain in chains if len(chain) > 1 and _is_long(chain) for piece in chain}
    prose: set[Piece] = set()
    for chain in chains:
        if len(chain) < 3 and not (len(chain) == 2 and len(chain[0].text.split()) > 8):
            continue
        if not _is_long(chain):
            continue
        if len(chain) > 4 and _is_set(chain):
            prose.update(chain)
            continue
        accompanied = sum(any(other not in long for other in beside[piece]) for piece in chain)
        if accompanied <= 0.2 * len(chain):
            prose.update(chain)
    left, right = min(row[0].x0 for row in rows), max(row[-1].x1 for row in rows)
    wide = 0.6 * (right - left)
    prose.update(row[0] for row in rows if len(row) == 1 and row[0].x1 - row[0].x0 > wide)
    prose.update(piece for row in rows for piece in row if has_leader(row))
    return prose


def _is_set(chain: Sequence[Piece]) -> bool:
    """Tell whether lines have equal distances and most fill their width, as in a column of prose."""
    steps = sorted(below.y0 - above.y0 for above, below in pairwise(chain))
    typical = steps[len(steps) // 2]
    right = max(piece.x1 for piece in chain)
    even = sum(abs(step - typical) < 0.6 for step in steps)
    full = sum(right - piece.x1 < 2 * piece.line.size for piece in chain)
    words = median(len(piece.text.split()) for piece in chain)
    return words >= 5 and even > 0.6 * len(steps) and full > 0.5 * len(chain)


def _is_long(chain: Sequence[Piece]) -> bool:
    return median(len(piece.text.split()) for piece in chain) >= 4


def _stack(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return chains of pieces, each close below the one before and beginning at the same x, or indented."""
    chains: list[list[Piece]] = []
    ends: dict[int, list[list[Piece]]] = {}
    for piece in pieces:  # top to bottom
        key = round(piece.x0 / 4)
        best = None
        for k in (key - 3, key - 2, key - 1, key, key + 1, key + 2, key + 3):
            for chain in ends.get(k, ()):
                last = chain[-1]
                if 0 < piece.y0 - last.y0 < LEADING * max(piece.line.size, 6) and (
                    best is None or abs(last.x0 - piece.x0) < abs(best[-1].x0 - piece.x0)
                ):
                    best = chain
        if best is None:
            best = []
            chains.append(best)
        else:
            ends[round(best[-1].x0 / 4)].remove(best)
        best.append(piece)
        ends.setdefault(key, []).append(best)
    return chains


def _zones(prose: set[Piece]) -> list[tuple[float, float]]:
    """Return the columns of prose on the page: from x to x, none between them."""
    if len(prose) < 10:
        return []
    events = sorted([(piece.x0, 1) for piece in prose] + [(piece.x1, -1) for piece in prose])
    depths = list(accumulate(step for _, step in events))
    allowed, depth, start = CROSSING_SHARE * max(depths), 0, 0.0
    zones: list[tuple[float, float]] = []
    for x, step in events:
        before, depth = depth, depth + step
        if before <= allowed < depth:
            start = x
        elif depth <= allowed < before and x - start > 60:
            zones.append((start, x))
    if len(zones) < 2:
        return zones
    middles = [(left[1] + right[0]) / 2 for left, right in pairwise(zones)]
    return list(zip([float("-inf"), *middles], [*middles, float("inf")], strict=True))


def _tables(pieces: Sequence[Piece], prose: Sequence[Piece]) -> list[Table]:
    tables = []
    for run in _runs(rows_of(pieces), prose):
        table = _read(run)
        if table is not None:
            tables.append(table)
    return tables


def _runs(rows: Sequence[Row], prose: Sequence[Piece]) -> list[list[Row]]:
    """Part rows where prose is in between, or more space than elsewhere; rows at the ends with one piece go."""
    runs: list[list[Row]] = []
    next_prose = 0
    bottom = float("-inf")
    for row in rows:
        top, size = min(piece.y0 for piece in row), median(piece.line.size for piece in row)
        parted = False
        while next_prose < len(prose) and prose[next_prose].y0 < top:
            parted = parted or prose[next_prose].y0 > bottom - 0.5 * size
            next_prose += 1
        if not runs or parted or top - bottom > 1.9 * size:
            runs.append([])
        runs[-1].append(row)
        bottom = max(piece.y1 for piece in row)
    return [trimmed for run in runs if (trimmed := _trim(run))]


def _trim(run: list[Row]) -> list[Row]:
    several = [i for i, row in enumerate(run) if len(row) > 1]
    if len(several) < LEAST_ROWS:
        return []
    return run[several[0] : several[-1] + 1]


def _read(run: list[Row]) -> Table | None:
    """Return the table that a run of rows is, or its longest part that is one."""
    several = [row for row in run if len(row) > 1]
    if len(several) < 0.45 * len(run) or is_prose(run) or is_contents(run):
        return None
    columns = find_columns(run)
    if len(columns) < 2:
        return None
    for _ in range(2):  # a heading or caption that was cut is no first row
        placed = place(run[0], columns)
        if len(run) > LEAST_ROWS and len({first for first, _, _ in placed}) < 2:
            run = run[1:]
    pieces = [piece for row in run for piece in row]
    table = build_table(run, columns, count_heads(run, columns))
    table.ruled = False
    return table if looks_like_table(table.rows, pieces, ruled=False) else None
