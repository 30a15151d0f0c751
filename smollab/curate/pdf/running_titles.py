"""Running titles, page numbers, line numbers and watermarks: what a page repeats or counts, and nobody reads.

A line at the top or bottom of a page is furniture when

1. it is a *page number*: the number in it minus the number of the page is the same as on other pages (counted apart for
   arabic and roman numerals, so that a preface may count for itself); all that stands in its row goes with it;
2. it *repeats*: with digits as 0 and without spaces, it is at the edge of at least 25 % and five of the pages; in
   shorter documents of three and half of them; left and right pages may differ, so either kind is counted for itself;
3. it names the *chapter*: it stands alone at the height where other pages have their running title, and stands there
   again, or one of its parts does, on one of the next two pages;
4. it names the *section*: it stands at the height, and in the type, of the running titles of many other pages.

Lines in the middle of pages that come again at the same place with the same words on half of at least four pages are
watermarks. Lines of tables have left the page before, and are never furniture.

**Source**: rule 2 is that of FinePDFs (Kydlíček et al. 2025: identical first and last lines, digits as 0, spaces
removed, 25 % and five pages). The other rules, and counting left and right pages apart, are ours.

**Fails when**: the titles of slides repeat from page to page, since they look like running titles.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from smollab.curate.pdf.page import Line, Page

EDGE_ROWS = 3
"""Rows of text at each end of a page that can be furniture."""
REPEAT_SHARE = 0.25
REPEAT_PAGES = 5
SHORT_DOCUMENT_SHARE = 0.5
SHORT_DOCUMENT_PAGES = 3
NUMBERED_PAGES = 3
"""So many pages must agree in the way they count."""
NEARBY_PAGES = 2
SAME_HEIGHT = 3.0
"""Points by which places may differ that count as the same."""
WATERMARK_SHARE = 0.5
WATERMARK_PAGES = 4

_DIGITS = re.compile(r"\d+")
_ROMAN_WORD = re.compile(r"\b[ivxl]+\b")
_NUMBERS = re.compile(r"(?<![\d.,])\d{1,4}(?![\d,]|\.\d)|\b(?:[ivxlc]{1,7}|[IVXLC]{1,7})\b", re.ASCII)
_ONLY_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|trang|pág\.?|pag\.?|s\.|p\.)?\s*(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:/|of|von|de|di|sur|su|trên)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

Row = list[Line]


def mark_running_titles(pages: Sequence[Page], repeat_share: float = REPEAT_SHARE) -> None:
    """Give a role to the lines of all pages that are running titles, page numbers or watermarks."""
    edges = [_edge_rows(page) for page in pages]
    _mark_page_numbers(pages, edges)
    _mark_repeated(pages, edges, repeat_share)
    _mark_chapter_titles(pages, edges)
    _mark_titles_of_one_page(pages, edges, repeat_share)
    _mark_watermarks(pages)


def _edge_rows(page: Page) -> tuple[list[Row], list[Row]]:
    """Return the first and the last rows of a page, outermost first."""
    lines = sorted((line for line in page.lines if line.role is None), key=lambda line: line.box[1])
    top = _rows(lines[: 8 * EDGE_ROWS])[:EDGE_ROWS]
    bottom = _rows(sorted(lines[-8 * EDGE_ROWS :], key=lambda line: -line.box[3]))[:EDGE_ROWS]
    # Furniture is near the edge: a page with a few lines in its middle has none.
    return (
        [row for row in top if row[0].box[3] < 0.35 * page.height],
        [row for row in bottom if row[0].box[1] > 0.65 * page.height],
    )


def _rows(lines: Sequence[Line]) -> list[Row]:
    """Group lines that are sorted by height into rows side by side."""
    rows: list[Row] = []
    for line in lines:
        if rows:
            first = rows[-1][0].box
            overlap = min(first[3], line.box[3]) - max(first[1], line.box[1])
            if overlap > 0.5 * min(first[3] - first[1], line.height):
                rows[-1].append(line)
                continue
        rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.box[0])
    return rows


def _shape(row: Row) -> str:
    text = "".join(line.text for line in row).lower()
    return "".join(_DIGITS.sub("0", _ROMAN_WORD.sub("0", text)).split())


def _mark_page_numbers(pages: Sequence[Page], edges: Sequence[tuple[list[Row], list[Row]]]) -> None:
    # (end of the page, numerals, number minus page) -> pages that agree
    votes: dict[tuple[int, bool, int], set[int]] = defaultdict(set)
    found: list[tuple[int, int, Row, Line, list[tuple[bool, int]]]] = []
    for index, (page, ends) in enumerate(zip(pages, edges, strict=True)):
        for end, rows in enumerate(ends):
            for row in rows[:2]:
                for line in (row[0], row[-1]) if len(row) > 1 else row:
                    counted = [(roman, value - page.number) for roman, value in _numbers(line.text)]
                    for roman, offset in counted:
                        votes[end, roman, offset].add(index)
                    if counted:
                        found.append((index, end, row, line, counted))
    needed = min(NUMBERED_PAGES, max(2, len(pages)))
    for index, end, row, line, counted in found:
        for roman, offset in counted:
            agreeing = votes[end, roman, offset]
            near = sum(abs(other - index) <= 4 for other in agreeing)
            alone = _ONLY_NUMBER.fullmatch(line.text) is not None
            if alone and len(row) == 1 and offset == 0 and not roman and len(line.text) <= 12:
                line.role = "page number"  # even of a document with one page
                break
            if (len(agreeing) >= needed and near >= 3) if alone else (len(agreeing) >= 2 * needed and near >= 4):
                for other in row:
                    other.role = "page number" if other is line and alone else "running title"
                break


def _numbers(text: str) -> list[tuple[bool, int]]:
    """Return the numbers at the ends of a line: whether roman, and the value."""
    if len(text) > 150:
        return []
    matches = list(_NUMBERS.finditer(text))
    ends = [m for m in matches if m.start() <= 8 or m.end() >= len(text) - 8]
    return [(True, _roman(m[0].lower())) if m[0][0].isalpha() else (False, int(m[0])) for m in ends]


def _roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))


def _mark_repeated(pages: Sequence[Page], edges: Sequence[tuple[list[Row], list[Row]]], repeat_share: float) -> None:
    # Shape and end -> the pages that have it; whole document, then even and odd pages.
    pages_with: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, ends in enumerate(edges):
        for end, rows in enumerate(ends):
            for shape in {_shape(row) for row in rows}:
                pages_with[end, shape].append(index)
    furniture = {key for key, indexes in pages_with.items() if _repeats(indexes, len(pages), repeat_share)}
    for ends in edges:
        for end, rows in enumerate(ends):
            for row in rows:
                if (end, _shape(row)) in furniture:
                    _mark(row)


def _repeats(indexes: list[int], num_pages: int, repeat_share: float) -> bool:
    if len(indexes) >= max(REPEAT_PAGES, repeat_share * num_pages):
        return True
    if num_pages < 2 * REPEAT_PAGES and len(indexes) >= max(SHORT_DOCUMENT_PAGES, SHORT_DOCUMENT_SHARE * num_pages):
        return True
    for side in (0, 1):
        on_side = sum(index % 2 == side for index in indexes)
        if on_side == len(indexes) >= max(REPEAT_PAGES, repeat_share * num_pages / 2):
            return True
    return False


def _mark(row: Row) -> None:
    for line in row:
        if line.role is None:
            line.role = "page number" if _ONLY_NUMBER.fullmatch(line.text) else "running title"


def _mark_chapter_titles(pages: Sequence[Page], edges: Sequence[tuple[list[Row], list[Row]]]) -> None:
    """Mark outermost rows at the height of known furniture that come again nearby."""
    heights = [
        {round(row[0].box[1]) for ends in edges for row in ends[end] if row[0].role in ("running title", "page number")}
        for end in (0, 1)
    ]
    # Of the outermost row at the top and at the bottom.
    texts = [[{line.text for line in rows[0]} if rows else set() for rows in ends] for ends in edges]
    for index, ends in enumerate(edges):
        for end, rows in enumerate(ends):
            if not rows or rows[0][0].role is not None:
                continue
            place = rows[0][0].box[1]
            nearby = range(max(0, index - NEARBY_PAGES), min(len(pages), index + NEARBY_PAGES + 1))
            again = any(other != index and texts[other][end] & texts[index][end] for other in nearby)
            same_place = any(
                other != index and edges[other][end] and abs(edges[other][end][0][0].box[1] - place) <= SAME_HEIGHT
                for other in nearby
            )
            at_height = any(abs(place - height) <= SAME_HEIGHT for height in heights[end])
            if again and (at_height or (same_place and len(pages) > 2)):
                _mark(rows[0])


def _mark_titles_of_one_page(
    pages: Sequence[Page], edges: Sequence[tuple[list[Row], list[Row]]], repeat_share: float
) -> None:
    """Mark outermost rows where and as many other pages have their running titles, whatever they say."""
    for end in (0, 1):
        outermost = [ends[end][0] for ends in edges[1:] if ends[end]]  # the first page has the document's title
        known = [row[0] for row in outermost if any(line.role == "running title" for line in row)]
        for row in outermost:
            if row[0].role is not None:
                continue
            alike = sum(
                abs(line.box[1] - row[0].box[1]) <= SAME_HEIGHT and (line.font, line.size) == (row[0].font, row[0].size)
                for line in known
            )
            if alike >= max(REPEAT_PAGES, repeat_share * len(pages)):
                _mark(row)


def _mark_watermarks(pages: Sequence[Page]) -> None:
    if len(pages) < WATERMARK_PAGES:
        return
    seen: Counter[tuple[str, int, int]] = Counter()
    places = []
    for page in pages:
        here = [
            (line, (line.text, round(line.box[0] / 4), round(line.box[1] / 4))) for line in page.lines if not line.role
        ]
        seen.update({key for _, key in here})
        places.append(here)
    for here in places:
        for line, key in here:
            if seen[key] >= max(WATERMARK_PAGES, WATERMARK_SHARE * len(pages)):
                line.role = "watermark"


def mark_line_numbers(page: Page) -> None:
    """Give a role to numbers that count the lines in the left or right margin, as in manuscripts and laws."""
    for side in (0, 2):  # x0: margin at the left; x1: at the right
        columns: dict[int, list[Line]] = defaultdict(list)
        for line in page.lines:
            if line.role is None and len(line.text) <= 4 and line.text.isdecimal():
                columns[round((line.box[2] if side == 0 else line.box[0]) / 4)].append(line)
        others = [line for line in page.lines if line.role is None and not line.text.isdecimal()]
        for column in columns.values():
            if len(column) < 5 or not others:
                continue
            column.sort(key=lambda line: line.box[1])
            values = [int(line.text) for line in column]
            steps = {b - a for a, b in pairwise(values)}
            beside = [line for line in others if column[0].box[1] <= line.box[3] and line.box[1] <= column[-1].box[3]]
            outside = bool(beside) and (
                max(line.box[2] for line in column) < min(line.box[0] for line in beside)
                if side == 0
                else min(line.box[0] for line in column) > max(line.box[2] for line in beside)
            )
            if outside and len(steps) == 1 and steps <= {1, 2, 5, 10} and _stand_apart(column, beside, side):
                for line in column:
                    line.role = "line number"


def _stand_apart(numbers: Sequence[Line], text: Sequence[Line], side: int) -> bool:
    """Tell numbers in smaller type, or farther from the text than those of headings and lists are."""
    nearest = min(line.box[0] for line in text) if side == 0 else max(line.box[2] for line in text)
    gap = min(abs(nearest - line.box[2 - side]) for line in numbers)
    return numbers[0].size <= 0.9 * text[0].size or gap >= 1.5 * text[0].size
