"""What looks like a table and is none: prose in columns, lists, contents, indexes, code, formulas, forms, boxes."""

import re
from collections.abc import Mapping, Sequence
from statistics import median

from smollab.curate.pdf.tables_pieces import Piece, Row, is_number

MOST_WORDS = 120
"""A cell with more words is a box of text."""
LEAST_FILLED = 0.34
"""Share of the cells of a table that have text."""

_LEADER = re.compile(r"(?:[.·…_] ?){4,}|\. \. \.|^(?:\. ?){2,}$")
_PAGES = re.compile(r"\d+(?:[–-]\d+)?, \d+(?:[–-]\d+)?,?$|\. \d+,$|^\d+,$")
_MARK = re.compile(
    r"[•◦▪‣●■–*→✓☐□-]|\(?\d{1,3}[.):]|\(?[a-zA-Z][.)]|\[[^\]]{1,12}\]|\(?[ivxIVX]{1,5}[.)]|[^\W\d_]{1,3}\d{0,2}:"
)
_INDEX = re.compile(r"[^\d]+,? \d+(?:[–-]\d+)?(?:, \d+(?:[–-]\d+)?)*,?")
_DRAWN = re.compile(r"[-+|=]{2,}>?|^[|+]$")
_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2})*\.?")
_FORMULA_NUMBER = re.compile(r"\(\d{1,3}(?:\.\d{1,3})*[a-z]?\)")
_MATH_FONT = re.compile(r"cmmi|cmsy|cmex|msam|msbm|math|symbol|mtmi|mtsy", re.I)
_ALGORITHM = re.compile(r"(?:Algorithm(?:us|e)?|Algoritmo|Listing|Procedure) \d", re.I)


def is_prose(rows: Sequence[Row]) -> bool:
    """Tell running text, in one column or in several, from rows of cells."""
    pieces = [piece for row in rows for piece in row]
    words = [len(piece.text.split()) for piece in pieces]
    long = sum(count for count in words if count >= 5)
    if median(map(len, rows)) >= 3 and sum(words) < 6 * len(words):
        return False
    return long > 0.8 * sum(words) and sum(count >= 5 for count in words) > 0.62 * len(words)


def has_leader(row: Row) -> bool:
    """Tell whether dots lead from a text to its page."""
    return any(_LEADER.search(piece.text) for piece in row)


def is_contents(rows: Sequence[Row]) -> bool:
    """Tell the rows of a table of contents, by their leaders, and of an index, by its lists of pages."""
    pieces = [piece for row in rows for piece in row]
    leaders = sum(map(has_leader, rows))
    pages = sum(_PAGES.search(piece.text) is not None for piece in pieces)
    return leaders > max(1, 0.1 * len(rows)) or pages > 0.2 * len(pieces)


def is_layout(cells: Mapping[tuple[int, int], Sequence[Piece]], heights: Mapping[tuple[int, int], float]) -> bool:
    """Tell a form or boxes around text, drawn as a grid, from a table."""
    filled = {place: pieces for place, pieces in cells.items() if pieces}
    if len(filled) < 3 or len(filled) < LEAST_FILLED * len(heights):
        return True
    words = [sum(len(piece.text.split()) for piece in pieces) for pieces in filled.values()]
    if max(words) > MOST_WORDS or sum(words) / len(words) > 45:
        return True
    # The fields of a form: a small label in the corner of a box, and room to write.
    room = [
        heights[place] / (max(p.y1 for p in pieces) - min(p.y0 for p in pieces)) for place, pieces in filled.items()
    ]
    numbers = sum(is_number(piece.text) for pieces in filled.values() for piece in pieces)
    return median(room) > 2.7 and numbers < 0.2 * len(filled)


def looks_like_table(grid: Sequence[Sequence[str]], pieces: Sequence[Piece], ruled: bool) -> bool:
    """Tell a table from what has rows and columns too. Rulings are evidence; without them numbers or heads must be."""
    if len(grid) < 2 or len(grid[0]) < 2:
        return False
    cells = [text for row in grid for text in row if text]
    least = 0.6 if len(grid) * len(grid[0]) <= 6 else LEAST_FILLED
    if len(cells) < least * len(grid) * len(grid[0]) or max(len(text.split()) for text in cells) > MOST_WORDS:
        return False
    if _ALGORITHM.match(pieces[0].text) or _is_contents(grid, cells, ruled) or _is_list(grid) or _is_code(grid, pieces):
        return False
    return ruled or _has_evidence(grid, pieces)


def _is_contents(grid: Sequence[Sequence[str]], cells: Sequence[str], ruled: bool) -> bool:
    """Tell tables of contents, by leaders and by page numbers that grow, and indexes."""
    leaders = sum(_LEADER.search(text) is not None for text in cells)
    if leaders >= 3 and leaders > 0.2 * len(grid):
        return True
    last = [row[-1] for row in grid if row[-1]]
    if not ruled and len(grid[0]) <= 3 and len(last) >= 3 and all(text.isdecimal() for text in last):
        pages = [int(text) for text in last]
        if pages == sorted(pages) and pages[-1] < 3000:
            return not any(is_number(text) for row in grid for text in row[1:-1] if text)
    entries = sum(_INDEX.fullmatch(text) is not None for text in cells)
    return entries > 0.4 * len(cells)


def _is_list(grid: Sequence[Sequence[str]]) -> bool:
    """Tell marks or labels with their items from cells."""
    first = [row[0] for row in grid if row[0]]
    marks = sum(_MARK.fullmatch(text) is not None for text in first)
    return len(grid[0]) <= 3 and marks > 0.5 * len(first) and len(first) >= 0.3 * len(grid)


def _is_code(grid: Sequence[Sequence[str]], pieces: Sequence[Piece]) -> bool:
    """Tell programs, whose spaces align by chance, their numbered lines, and formulas with their numbers."""
    words = [piece for piece in pieces if not piece.text.isdigit()]
    mono = sum(piece.line.mono for piece in words)
    if mono > 0.75 * len(words) and not all(sum(map(bool, row)) > 2 for row in grid):
        return True
    drawn = sum(_DRAWN.search(piece.text) is not None for piece in pieces)
    if mono > 0.5 * len(words) and drawn > 0.25 * len(pieces):
        return True
    first = [int(row[0]) for row in grid if row[0].isdecimal()]
    if len(first) > 0.5 * len(grid) and len(first) > 2 and first == list(range(first[0], first[0] + len(first))):
        return len(grid[0]) < 4 and mono > 0.3 * len(words)
    numbered = sum(_FORMULA_NUMBER.fullmatch(row[-1]) is not None for row in grid)
    return numbered > 0.3 * len(grid)


def _has_evidence(grid: Sequence[Sequence[str]], pieces: Sequence[Piece]) -> bool:
    words = [piece for piece in pieces if not is_number(piece.text)]
    mono = sum(piece.line.mono for piece in words)
    math = sum(_MATH_FONT.search(piece.line.font) is not None for piece in pieces)
    several = sum(sum(map(bool, row)) > 1 for row in grid)
    if len(grid) < 3 or mono > 0.4 * len(words) or math > 0.3 * len(pieces) or several < 0.6 * len(grid):
        return False
    if _SECTION.fullmatch(pieces[0].text) and pieces[0].line.bold:
        return False
    inner = [text for row in grid[1:] for text in row[1:] if text]
    numbers = sum(is_number(text) for text in inner)
    if numbers > 0.5 * len(inner) and any(any(c.isdigit() for c in text) for text in inner):
        return True
    top = min(piece.y1 for piece in pieces)
    heads = [piece for piece in pieces if piece.y0 < top - 1]
    rest = [piece for piece in pieces if piece.y0 >= top - 1]
    marked = len(heads) >= max(2, len(grid[0]) - 1) and all(p.line.bold or p.line.italic for p in heads)
    return marked and len(grid) > 3 and sum(p.line.bold for p in rest) < 0.4 * len(rest)
