"""Reading order: a recursive cut of the page along the white space between its columns.

A *gutter* is an upright strip of white space. It is found by votes: wherever two lines stand side by side, the gap
between them votes, with its height, for all x in it; the x with most votes is the candidate. Items that cross the
gutter (titles, wide figures and tables) cut the page into horizontal bands; within a band the left side is read before
the right, and each side and each crossing band is cut again in the same way, which gives three and more columns.

Not every strip is a gutter. Labels beside their explanations and the cells of tables stand side by side as well, but
row belongs to row: narrow, short, and on the same baselines. Those bands stay whole and are read row by row.

**Source**: cutting recursively is the XY cut (Nagy and Seth 1984, Hierarchical representation of optically scanned
documents); looking for white space that separates columns rather than for the widest cut follows Breuel 2002 (Two
geometric algorithms for layout analysis). Votes of gaps and the test for rows are ours.

**Cost**: n log n for sorting, and each item is compared with its neighbors in height only.

**Fails when**: text runs around a picture that is not rectangular; a gutter is narrower than a wide space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from smollab.curate.pdf.page import Box, Line, Table

Item = Line | Table | Box
"""What has a place: a line, a table, or the box of a figure."""

MIN_GUTTER = 6.0
"""Width of the narrowest gutter; points."""
MIN_ROWS = 3
"""Rows side by side that make columns."""
COLUMN_CHARACTERS = 14
"""Mean length of the lines of a text column, at least; shorter ones are labels and cells."""
MOST_BYLINES = 24
"""Lines on one side of a gutter that can be names and addresses of authors."""
MIN_NOTE = 12
"""Characters of a note in the margin."""
CROSSING_SLACK = 0.12
"""A line may stick out of its column, over the gutter, by this share of the width of the other side."""


@dataclass(slots=True)
class Column:
    """Items that are read from top to bottom, row by row."""

    items: list[Item]
    side_note: bool = False


def box_of(item: Item) -> Box:
    """Return the box of an item."""
    return item if isinstance(item, tuple) else item.box


def read_columns(items: Sequence[Item], min_gutter: float = MIN_GUTTER) -> list[Column]:
    """Return the items of a page as columns in reading order; `min_gutter` in points."""
    return _cut(sorted(items, key=lambda item: (box_of(item)[1], box_of(item)[0])), min_gutter)


def _cut(items: list[Item], min_gutter: float = MIN_GUTTER) -> list[Column]:
    gutter = _find_gutter(items, min_gutter) if len(items) > 1 else None
    if gutter is None:
        return [Column(items)] if items else []
    columns: list[Column] = []
    whole: list[Item] = []  # of bands, one below the other, that have no columns

    def end_whole() -> None:
        if whole:
            columns.append(Column(list(whole)))
            whole.clear()

    for crossing, band in _bands(items, gutter):
        cut = None if len(band) == len(items) and crossing else _cut_band(crossing, band, gutter, min_gutter)
        if cut is None:
            whole.extend(band)
        else:
            end_whole()
            columns += cut
    end_whole()
    return columns


def _cut_band(crossing: bool, band: list[Item], gutter: float, min_gutter: float) -> list[Column] | None:
    """Return the columns of a band, or None where it is part of the one column that the region is."""
    left = [item for item in band if _middle(item) < gutter]
    right = [item for item in band if _middle(item) >= gutter]
    if crossing or not left or not right:
        cut = _cut(band, min_gutter)
        return cut if len(cut) > 1 else None
    match _relation(left, right):
        case "columns":
            return _cut(left, min_gutter) + _cut(right, min_gutter)
        case "note right":
            return [*_cut(left, min_gutter), Column(right, side_note=True)]
        case "note left":
            return [*_cut(right, min_gutter), Column(left, side_note=True)]
    return None


def _middle(item: Item) -> float:
    box = box_of(item)
    return (box[0] + box[2]) / 2


def _find_gutter(items: list[Item], min_gutter: float) -> float | None:
    """Return the x that lies in gaps between neighbors over the greatest height, if that is enough for columns."""
    events: list[tuple[float, float]] = []
    boxes = [box_of(item) for item in items]  # sorted by their upper edge
    lone = [isinstance(item, Line) and item.text.isdecimal() for item in items]  # such as page numbers of contents
    for i, (_, y0, x1, y1) in enumerate(boxes):
        nearest, height, at = None, 0.0, i
        for j in _beside(boxes, i):
            other = boxes[j]
            overlap = min(y1, other[3]) - max(y0, other[1])
            if (
                other[0] >= x1 - 1
                and overlap > 0.3 * min(y1 - y0, other[3] - other[1])
                and (nearest is None or other[0] < nearest)
            ):
                nearest, height, at = other[0], overlap, j
        if nearest is not None and nearest - x1 >= min_gutter and not lone[at]:
            events += [(x1, height), (nearest, -height)]
    events.sort()
    best, best_x, votes = 0.0, None, 0.0
    for k, (x, vote) in enumerate(events):
        votes += vote
        if votes > best and k + 1 < len(events):
            best, best_x = votes, (x + events[k + 1][0]) / 2
    return best_x


def _beside(boxes: list[Box], i: int) -> list[int]:
    """Return the indexes of boxes that may share some height with box i."""
    y0, y1 = boxes[i][1], boxes[i][3]
    found = []
    for j in range(i + 1, len(boxes)):
        if boxes[j][1] >= y1:
            break
        found.append(j)
    for j in range(i - 1, max(-1, i - 60), -1):
        if boxes[j][3] > y0:
            found.append(j)
    return found


def _bands(items: list[Item], gutter: float) -> list[tuple[bool, list[Item]]]:
    """Cut items into bands from top to bottom: (whether they cross the gutter, items)."""
    lefts = [box_of(item)[0] for item in items]
    rights = [box_of(item)[2] for item in items]
    slack_left = max(3.0, 0.25 * CROSSING_SLACK * (gutter - min(lefts)))  # lines stick out at their ends
    slack_right = max(3.0, CROSSING_SLACK * (max(rights) - gutter))
    crossing = [x0 < gutter - slack_left and x1 > gutter + slack_right for x0, x1 in zip(lefts, rights, strict=True)]
    _mark_titles(items, crossing)
    intervals = [(box_of(item)[1], box_of(item)[3]) for item, crosses in zip(items, crossing, strict=True) if crosses]
    bands: list[tuple[bool, list[Item]]] = []
    order = sorted(range(len(items)), key=lambda k: box_of(items[k])[1] + box_of(items[k])[3])
    for k in order:
        y0, y1 = box_of(items[k])[1], box_of(items[k])[3]
        center = (y0 + y1) / 2
        crosses = crossing[k] or any(top <= center <= bottom for top, bottom in intervals)
        if not crosses and bands and bands[-1][0] and _ends_paragraph(bands[-1][1][-1], items[k], items):
            crosses = True
        if bands and bands[-1][0] == crosses:
            bands[-1][1].append(items[k])
        else:
            bands.append((crosses, [items[k]]))
    for _, band in bands:
        band.sort(key=lambda item: (box_of(item)[1], box_of(item)[0]))
    return bands


def _mark_titles(items: list[Item], crossing: list[bool]) -> None:
    """Let a line in large type in the middle above all others cross, even if it is short: a title over the columns."""
    if not isinstance(items[0], Line) or crossing[0] or len(items) < 4:
        return
    first, others = items[0], [item for item in items[1:] if isinstance(item, Line)]
    boxes = [box_of(item) for item in items]
    middle = (min(box[0] for box in boxes) + max(box[2] for box in boxes)) / 2
    centered = abs(_middle(first) - middle) < 0.1 * (max(box[2] for box in boxes) - min(box[0] for box in boxes))
    above = all(box[1] >= first.box[3] - 1 for box in boxes[1:])
    large = first.size > 1.15 * median([line.size for line in others] or [first.size])
    crossing[0] = centered and above and large


def _ends_paragraph(above: Item, item: Item, items: list[Item]) -> bool:
    """Tell a short last line of a paragraph over all columns: close below the others, with nothing beside it."""
    first, second = box_of(above), box_of(item)
    height = second[3] - second[1]
    if second[1] - first[3] > 0.5 * height or abs(second[0] - first[0]) > 1.5 * height or not isinstance(item, Line):
        return False
    beside = sum(min(b[3], second[3]) - max(b[1], second[1]) > 0.3 * height for b in map(box_of, items))
    return beside == 1


def _relation(left: list[Item], right: list[Item]) -> str:
    """Tell how two sides of a gutter belong together: columns, rows, or a text and the notes beside it."""
    if not left or not right:
        return "columns"
    left_lines = [item for item in left if isinstance(item, Line)]
    right_lines = [item for item in right if isinstance(item, Line)]
    if not left_lines or not right_lines:
        return "columns"
    if note := _side_note(left_lines, right_lines):
        return note
    if any(_is_centered(column.items) for side in (left, right) if len(side) <= MOST_BYLINES for column in _cut(side)):
        return "columns"  # the blocks of several authors
    few, many = sorted((left_lines, right_lines), key=len)
    if len(few) < MIN_ROWS:
        # Lines that a wide space has cut in two, unless the right side is flush like a column.
        is_column = len(right_lines) > 1 and _is_flush(right_lines) and _is_text(many)
        return "columns" if is_column and (_is_text(few) or len(many) > 2 * MIN_ROWS) else "rows"
    aligned = _aligned_share(few, many)
    if aligned < 0.6:
        return "columns"
    if not (_is_text(left_lines) and _is_text(right_lines)):
        return "rows"
    widths = [median(line.width for line in side) for side in (left_lines, right_lines)]
    if len(left_lines) <= 0.6 * len(right_lines) and widths[0] < 0.6 * widths[1] and aligned > 0.9:
        return "rows"  # labels, each beside the first line of its explanation
    return "columns"


def _is_text(lines: list[Line]) -> bool:
    return sum(len(line.text) for line in lines) >= COLUMN_CHARACTERS * len(lines)


def _is_flush(lines: list[Line]) -> bool:
    lefts = sorted(line.box[0] for line in lines)
    return lefts[len(lefts) // 2] - lefts[0] <= 3


def _is_centered(items: list[Item]) -> bool:
    """Tell whether lines of different lengths have one middle."""
    lines = [item for item in items if isinstance(item, Line)]
    if not 2 <= len(lines) <= 8:
        return False
    middles, lefts = [line.box[0] + line.box[2] for line in lines], [line.box[0] for line in lines]
    return max(middles) - min(middles) < 4 and max(lefts) - min(lefts) > 5


def _aligned_share(few: list[Line], many: list[Line]) -> float:
    """Return the share of lines on one side that have a line at the same height on the other."""
    bottoms = sorted(line.box[3] for line in many)
    aligned = 0
    for line in few:
        aligned += any(abs(line.box[3] - bottom) < 0.12 * line.height for bottom in bottoms)
    return aligned / len(few)


def _side_note(left: list[Line], right: list[Line]) -> str:
    """Tell notes in a margin: smaller type in a narrow column, or a few lines in one, beside much more text."""
    spans = [max(line.box[2] for line in side) - min(line.box[0] for line in side) for side in (left, right)]
    sizes = [median(line.size for line in side) for side in (left, right)]
    for main, note, name in ((0, 1, "note right"), (1, 0, "note left")):
        small = sizes[note] < 0.93 * sizes[main]
        letters = sum(len(line.text) for line in (left, right)[note])
        worded = letters >= MIN_NOTE and letters >= 6 * len((left, right)[note])
        if spans[note] < 0.35 * spans[main] and small and worded and len((left, right)[main]) >= MIN_ROWS:
            return name
    return ""
