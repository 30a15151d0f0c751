"""What tables are made of: pieces of lines, rows of pieces that share a base line, and rulings put together.

An engine cuts a line of text where a gap is wide. So the cells of a row usually come as lines of their own; where two
of them came as one, because a narrow gap and a ruling is all that is between them, `cut` takes them apart.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from smollab.curate.pdf.page import Box, Line, union

TOUCH = 2.5
"""Rulings that come so near to each other meet; points."""

_NUMBER = re.compile(
    r"[(<>≤≥~≈±+\-–−]*\s*(?:[$€£¥%]|USD|EUR|CHF|Rs\.?)?\s*[+\-–−]?\d[\d.,'’ \xa0\u202f]*"
    r"(?:\s*(?:±|\+/-|/|:|-|–|x|×|\()\s*[\d.,:%]+\)?)?\s*"
    r"(?:[%‰°)*†‡$€£¥]|\(?[a-z]\)?|[kMGTmnµc]?[mgslBWVAJ]|bn|mn|pp|\^\w)*\s*"
)
_SECTION = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,2})*\.?")
_NOTHING = frozenset(
    ("–", "-", "—", ".", "..", "...", "n/a", "N/A", "n.a.", "NA", "·", "*", "✓", "✗", "×", "yes", "no")
)


@dataclass(slots=True, eq=False)
class Piece:
    """A text that is in one cell, with its place."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    line: Line
    more: tuple[Line, ...] = ()
    """Further lines, of a piece that was put together."""

    @property
    def box(self) -> Box:
        """Its place."""
        return (self.x0, self.y0, self.x1, self.y1)


Row = list[Piece]
"""Pieces that share a base line, left to right."""


class Ruling(NamedTuple):
    """A horizontal ruling: `at` is y and it goes from x `start` to x `end`; a vertical one with x and y exchanged."""

    at: float
    start: float
    end: float


def pieces_of(lines: Iterable[Line]) -> list[Piece]:
    """Return a piece for each upright line with text."""
    return [Piece(*line.box, line.text, line) for line in lines if line.turn == 0 and line.text]


def rows_of(pieces: Iterable[Piece]) -> list[Row]:
    """Group pieces into rows, top to bottom: those that overlap vertically by half of the smaller one."""
    rows: list[Row] = []
    top = bottom = 0.0
    for piece in sorted(pieces, key=lambda p: (p.y0 + p.y1, p.x0)):
        overlap = min(bottom, piece.y1) - max(top, piece.y0)
        if rows and overlap > 0.5 * min(bottom - top, piece.y1 - piece.y0):
            rows[-1].append(piece)
        else:
            rows.append([piece])
            top, bottom = piece.y0, piece.y1
    for row in rows:
        row.sort(key=lambda piece: piece.x0)
    return rows


def mend(rows: Sequence[Row]) -> list[Row]:
    """Put lines of prose together that were cut where justified words stand wide apart.

    Such a line begins and ends where a long line close above or below it does, and its gaps are equal, or one.
    """
    mended = []
    for i, row in enumerate(rows):
        if len(row) > 1:
            row = _join_section(row)
            near = [piece for other in (*rows[max(0, i - 2) : i], *rows[i + 1 : i + 3]) for piece in other]
            for long in near:
                if long.text.count(" ") >= 4 and abs(long.y0 - row[0].y0) < 3 * long.line.size:
                    row = _mend_row(row, long)
        mended.append(row)
    return mended


def _join_section(row: Row) -> Row:
    """Join the number of a section and its title."""
    for k, (left, right) in enumerate(pairwise(row)):
        bold = left.line.bold and right.line.bold and left.line.size == right.line.size > 9
        near = right.x0 - left.x1 < 2.5 * left.line.size
        if bold and near and _SECTION.fullmatch(left.text) and right.text[:1].isalpha():
            return [*row[:k], _join([left, right]), *row[k + 2 :]]
    return row


def _join(pieces: Sequence[Piece]) -> Piece:
    lines = [line for piece in pieces for line in (piece.line, *piece.more)]
    text = " ".join(piece.text for piece in pieces)
    return Piece(*union([piece.box for piece in pieces]), text, lines[0], tuple(lines[1:]))


def _mend_row(row: Row, long: Piece) -> Row:
    first = next((k for k, piece in enumerate(row) if piece.x0 > long.x0 - 2), len(row))
    last = first
    while last < len(row) and row[last].x1 < long.x1 + 2:
        last += 1
    own = row[first:last]
    if len(own) < 2 or own[0].x0 > long.x0 + 3 * long.line.size or own[-1].x1 < long.x1 - 2:
        return row
    gaps = [right.x0 - left.x1 for left, right in pairwise(own)]
    if max(gaps) - min(gaps) > 1.5 or (len(own) == 2 and own[0].x0 > long.x0 + 2) or own[0].line.size != long.line.size:
        return row
    return [*row[:first], _join(own), *row[last:]]


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number, an amount, a share, a range, or the sign that there is none."""
    return text in _NOTHING or _NUMBER.fullmatch(text) is not None


def cut(piece: Piece, at: Sequence[float]) -> list[Piece]:
    """Cut a piece at the given x, each time at the white space that is nearest.

    Boxes of letters are not known, so the place of a space within a span is told from its share of the letters.
    """
    inside = [x for x in at if piece.x0 + TOUCH < x < piece.x1 - TOUCH]
    if not inside:
        return [piece]
    spaces = _spaces(piece)
    ends: list[tuple[float, int]] = []
    for x in inside:
        if spaces:
            place, offset = min(spaces, key=lambda space: abs(space[0] - x))
            if abs(place - x) < 2 * piece.line.size and (place, offset) not in ends:
                ends.append((place, offset))
    parts, start, left = [], 0, piece.x0
    for place, offset in [*sorted(ends), (piece.x1, len(piece.text))]:
        text = piece.text[start:offset].strip()
        if text:
            parts.append(Piece(left, piece.y0, place, piece.y1, text, piece.line))
        start, left = offset, place
    return parts


def _spaces(piece: Piece) -> list[tuple[float, int]]:
    """Return the x of each white space in a piece, and how many letters are before it."""
    text = piece.text
    places: list[float] = []
    for span in piece.line.spans:
        step = (span.box[2] - span.box[0]) / max(1, len(span.text))
        places += [span.box[0] + step * (i + 0.5) for i, letter in enumerate(span.text) if not letter.isspace()]
    letters = sum(not letter.isspace() for letter in text)
    if len(places) != letters:  # the line's text was tidied: spread it evenly
        step = (piece.x1 - piece.x0) / len(text)
        return [(piece.x0 + step * (i + 0.5), i) for i, letter in enumerate(text) if letter.isspace()]
    spaces, before = [], 0
    for i, letter in enumerate(text):
        if not letter.isspace():
            before += 1
        elif before:
            spaces.append(((places[before - 1] + places[before]) / 2, i))
    return spaces


def horizontal(boxes: Iterable[Box]) -> list[Ruling]:
    """Return horizontal rulings, top to bottom, pieces of one joined."""
    return _unite([Ruling((y0 + y1) / 2, x0, x1) for x0, y0, x1, y1 in boxes])


def vertical(boxes: Iterable[Box]) -> list[Ruling]:
    """Return vertical rulings, left to right, pieces of one joined."""
    return _unite([Ruling((x0 + x1) / 2, y0, y1) for x0, y0, x1, y1 in boxes])


def _unite(rulings: list[Ruling]) -> list[Ruling]:
    """Join rulings on one line that touch or overlap; double rules become one."""
    joined: list[Ruling] = []
    group: list[Ruling] = []
    for ruling in [*sorted(rulings), Ruling(float("inf"), 0, 0)]:
        if group and ruling.at - group[0].at > TOUCH:
            at = sum(r.at for r in group) / len(group)
            start, end = None, 0.0
            for _, low, high in sorted(group, key=lambda r: r.start):
                if start is not None and low <= end + TOUCH:
                    end = max(end, high)
                    continue
                if start is not None:
                    joined.append(Ruling(at, start, end))
                start, end = low, high
            if start is not None:
                joined.append(Ruling(at, start, end))
            group = []
        group.append(ruling)
    return joined
