"""Pages whose text runs upwards or downwards, as wide tables often do, are turned until most of it is upright.

Lines that are not upright afterwards (the stamp of a preprint server, the axis of a plot, a diagonal watermark) get a
role and leave the flow of text.
"""

from collections import Counter

from smollab.curate.pdf.page import Box, Page


def straighten(page: Page) -> None:
    """Turn all boxes of a page so that most of its letters read from left to right; note the turns in the page."""
    letters: Counter[int] = Counter()
    for line in page.lines:
        letters[line.turn] += len(line.text)
    del letters[-1]
    if letters and (turn := letters.most_common(1)[0][0]):
        _turn_page(page, (4 - turn) % 4)
    for line in page.lines:
        if line.turn and line.role is None:
            line.role = "watermark" if line.turn == -1 else "rotated"


def _turn_page(page: Page, turns: int) -> None:
    turned = lambda boxes: [turn_box(box, turns, page.width, page.height) for box in boxes]
    for line in page.lines:
        line.box = turn_box(line.box, turns, page.width, page.height)
        line.turn = (line.turn + turns) % 4 if line.turn >= 0 else -1
        line.spans = [span._replace(box=turn_box(span.box, turns, page.width, page.height)) for span in line.spans]
    page.links = [link._replace(box=turn_box(link.box, turns, page.width, page.height)) for link in page.links]
    horizontal, vertical = turned(page.horizontal_rulings), turned(page.vertical_rulings)
    page.horizontal_rulings, page.vertical_rulings = (vertical, horizontal) if turns % 2 else (horizontal, vertical)
    page.images, page.drawings = turned(page.images), turned(page.drawings)
    page.turns = turns
    if turns % 2:
        page.width, page.height = page.height, page.width


def turn_box(box: Box, turns: int, width: float, height: float) -> Box:
    """Return a box of a page of the given size as it lies after quarter turns clockwise."""
    x0, y0, x1, y1 = box
    match turns % 4:
        case 1:
            return height - y1, x0, height - y0, x1
        case 2:
            return width - x1, height - y1, width - x0, height - y0
        case 3:
            return y0, width - x1, y1, width - x0
    return box


def as_shown(box: Box, page: Page) -> Box:
    """Return a box of a straightened page in the coordinates of the page as shown."""
    return turn_box(box, -page.turns, page.width, page.height)
