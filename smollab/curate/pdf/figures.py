"""Figures: pictures, and clusters of vector graphics with little text in them.

The text within a figure (axis labels, the words of a diagram) has no reading order and leaves the flow; its caption
stays. A colored box behind paragraphs is no figure: its text is dense.
"""

from collections.abc import Sequence

from smollab.curate.pdf.captions import begins_caption
from smollab.curate.pdf.page import Box, Line, Page, union

CELL = 12.0
"""Graphics nearer than this are one cluster; points."""
MIN_SIDE = 30.0
"""Smaller pictures are ornaments and symbols; points."""
MIN_DRAWINGS = 6
"""Paths of a cluster without a picture ..."""
FEW_DRAWINGS = 2
"""... and of one with a caption below."""
CAPTION_DISTANCE = 70.0
"""From a figure to its caption, at most; points."""
THIN = 3.0
"""Thinner ones are strokes; points."""
MAX_STROKE = 0.5
"""Strokes over more of the width of the page part its contents rather than belonging to a figure."""
MAX_PAGE_SHARE = 0.8
"""A picture over more of the page is its background, or a scan."""
MAX_TEXT_SHARE = 0.3
"""Text covers at most so much of a figure ..."""
MAX_CHARACTERS = 30
"""... in lines with at most so many characters on average."""
MOST_BOXES = 3000


def find_figures(page: Page) -> list[Box]:
    """Return the boxes of the figures, and give the lines within them the role `figure`."""
    pictures = [box for box in page.images if _is_big(box) and not _covers(box, page)]
    drawings = [box for box in page.drawings if not _covers(box, page)]
    if (not pictures and len(drawings) < FEW_DRAWINGS) or len(drawings) > MOST_BOXES:
        return []
    # Straight strokes connect the parts of a diagram, but many of them are a table.
    strokes = page.horizontal_rulings + page.vertical_rulings
    strokes = [box for box in strokes if box[2] - box[0] < MAX_STROKE * page.width][:MOST_BOXES]
    figures = []
    for cluster in _clusters(pictures + drawings + strokes):
        box = union(cluster)
        cluster = [member for member in cluster if member[2] - member[0] > THIN and member[3] - member[1] > THIN]
        shows_picture = any(member in pictures for member in cluster) if pictures else False
        enough = shows_picture or len(cluster) >= (FEW_DRAWINGS if _has_caption(box, page) else MIN_DRAWINGS)
        if not _is_big(box) or not enough or _touches_table(box, page):
            continue
        inside = [line for line in page.lines if line.role is None and _is_inside(line.box, box)]
        if _is_sparse(inside, box):
            for line in inside:
                line.role = "figure"
            figures.append(box)
    return figures


def _has_caption(box: Box, page: Page) -> bool:
    return any(
        -20 < line.box[1] - box[3] < CAPTION_DISTANCE
        and line.box[0] < box[2] + CAPTION_DISTANCE
        and line.box[2] > box[0] - CAPTION_DISTANCE
        and begins_caption(line.text)
        for line in page.lines
    )


def _is_big(box: Box) -> bool:
    return box[2] - box[0] >= MIN_SIDE and box[3] - box[1] >= MIN_SIDE


def _covers(box: Box, page: Page) -> bool:
    return (box[2] - box[0]) * (box[3] - box[1]) > MAX_PAGE_SHARE * page.width * page.height


def _is_inside(inner: Box, outer: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


def _touches_table(box: Box, page: Page) -> bool:
    return any(_is_inside(table.box, box) or _is_inside(box, table.box) for table in page.tables)


def _is_sparse(lines: Sequence[Line], box: Box) -> bool:
    area = (box[2] - box[0]) * (box[3] - box[1])
    text = sum(line.width * line.height for line in lines)
    characters = sum(len(line.text) for line in lines)
    return text <= MAX_TEXT_SHARE * area and characters <= MAX_CHARACTERS * len(lines)


def _clusters(boxes: Sequence[Box]) -> list[list[Box]]:
    """Group boxes that touch the same or neighboring cells of a grid."""
    parent = list(range(len(boxes)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    owner: dict[tuple[int, int], int] = {}
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        columns = range(int(x0 // CELL), int(x1 // CELL) + 2)
        rows = range(int(y0 // CELL), int(y1 // CELL) + 2)
        if len(columns) * len(rows) > 20_000:
            continue
        for column in columns:
            for row in rows:
                other = owner.setdefault((column, row), k)
                if other != k:
                    parent[root(k)] = root(other)
    clusters: dict[int, list[Box]] = {}
    for k, box in enumerate(boxes):
        clusters.setdefault(root(k), []).append(box)
    return list(clusters.values())
