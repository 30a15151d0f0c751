"""Tables of contents, of figures and of tables: entries with the number of a page at the right, often after dots.

They are dropped: each entry is a heading that stands again in the text, and what remains is dots and numbers. An index
of terms is kept, since its entries are found nowhere else in that form.
"""

import re
from collections.abc import Sequence

from smollab.curate.pdf.page import Line
from smollab.curate.pdf.rows import join_lines

LEADER_ROWS = 4
"""Rows with dots that make a table of contents."""
LEADER_SHARE = 0.4
"""Share of them among the rows from the first to the last."""
NUMBER_ROWS = 6
"""Rows that end with a page number in a column of its own, without dots."""

NEAR = 2.5
"""Most space between the dots and what they join; font sizes."""

_ONLY_LEADER = re.compile(r"(?:[.·…] ?){4,}\d{0,4}")
_LEADER = re.compile(r"(?:\. ?){4,}|(?:\s\.){3,}|…{2,}|(?:· ?){5,}|_{6,}\s*\d")
_PAGE = re.compile(r"(?:^|\s|\.)(?:\d{1,4}|[ivxl]{1,6})$")
_TITLE = re.compile(
    r"(?:table of )?contents|list of (?:figures|tables)|table des matières|sommaire|inhalts(?:verzeichnis|übersicht)?|"
    r"inhalt|índice(?: general)?|contenido|indice(?: generale)?|sommario|sumário|conteúdo|mục lục|tables? des figures",
    re.IGNORECASE,
)


def join_leaders(lines: Sequence[Line]) -> list[Line]:
    """Return lines with those joined that dots lead through: number, title, dots and page of an entry.

    In the file they are lines of their own, and the white space between them would look like one between columns.
    """
    leaders = [line for line in lines if _ONLY_LEADER.fullmatch(line.text)]
    if len(leaders) < LEADER_ROWS:
        return list(lines)
    joined: list[Line] = []
    used: set[int] = set()
    for leader in sorted(leaders, key=lambda line: line.box[0]):
        beside = [line for line in lines if line is not leader and id(line) not in used and _in_row(leader, line)]
        entry = [leader]
        for line in sorted((one for one in beside if one.box[0] < leader.box[0]), key=lambda one: -one.box[2]):
            if entry[-1].box[0] - line.box[2] <= NEAR * leader.size and len(entry) < 3:
                entry.append(line)
        page = [
            line
            for line in beside
            if _PAGE.fullmatch(line.text) and -1 <= line.box[0] - leader.box[2] <= NEAR * leader.size
        ]
        entry += page[:1]
        used |= {id(line) for line in entry}
        joined.append(join_lines(entry))
    return [line for line in lines if id(line) not in used] + joined


def _in_row(leader: Line, line: Line) -> bool:
    overlap = min(leader.box[3], line.box[3]) - max(leader.box[1], line.box[1])
    return line.turn == 0 and overlap > 0.5 * min(leader.height, line.height)


def mark_contents(rows: Sequence[Line]) -> None:
    """Give the rows of a column that are a table of contents, with its title, the role `contents`."""
    leaders = [k for k, row in enumerate(rows) if _LEADER.search(row.text)]
    if len(leaders) >= LEADER_ROWS and len(leaders) >= LEADER_SHARE * (leaders[-1] - leaders[0] + 1):
        first, last = leaders[0], leaders[-1]
    else:
        first, last = _numbered_run(rows)
        if last - first + 1 < NUMBER_ROWS:
            return
    while first > 0 and _belongs(rows[first - 1]):
        first -= 1
    while last + 1 < len(rows) and _belongs(rows[last + 1]):
        last += 1
    for row in rows[first : last + 1]:
        row.role = "contents"


def _belongs(row: Line) -> bool:
    return (
        _PAGE.search(row.text) is not None and len(row.text) < 100 and not row.text.endswith(".")
    ) or _TITLE.fullmatch(row.text.strip()) is not None


def _numbered_run(rows: Sequence[Line]) -> tuple[int, int]:
    """Return the first and last row of the longest run whose last piece is a page number that never decreases."""
    right = max((row.box[2] for row in rows), default=0.0)
    best, begin, previous, misses = (0, -1), 0, -1, 0
    for k, row in enumerate(rows):
        number = _page_at_right(row, right)
        if number is None or number < previous:
            misses += 1
            if misses > 1 or number is not None:  # an entry may take two lines
                begin, previous, misses = k + 1, -1, 0
            continue
        previous, misses = number, 0
        if k - begin > best[1] - best[0]:
            best = (begin, k)
    return best


def _page_at_right(row: Line, right: float) -> int | None:
    if len(row.pieces) < 2 or right - row.box[2] > 3:
        return None
    text = row.pieces[-1].text
    words = sum(any(letter.isalpha() for letter in piece.text) for piece in row.pieces[:-1])
    return int(text) if text.isdecimal() and len(text) <= 4 and 1 <= words <= 2 and len(row.pieces) <= 3 else None
