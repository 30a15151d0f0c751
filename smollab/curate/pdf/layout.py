"""Pages of lines -> blocks in reading order: where each technique of the folder has its turn.

Page by page, while the file is read (`prepare_page`): the page is turned upright; margins that count lines are set
aside; figures are found. When all pages are known (`arrange`), since they need the whole document: running titles and
page numbers; the usual size and leading of its type. Then page by page again: columns in reading order, rows, tables of
contents, footnotes, blocks; last, headings and their levels.

What a page keeps between the two passes is its lines without their spans, some 400 bytes each, so that a manual of
2,000 pages takes tens of megabytes.
"""

from collections.abc import Sequence

from smollab.curate.pdf.contents import join_leaders, mark_contents
from smollab.curate.pdf.figures import find_figures
from smollab.curate.pdf.footnotes import mark_footnotes
from smollab.curate.pdf.headings import mark_headings
from smollab.curate.pdf.page import Block, Box, Line, Page, Table
from smollab.curate.pdf.paragraphs import split_blocks
from smollab.curate.pdf.reading_order import MIN_GUTTER, Column, Item, box_of, read_columns
from smollab.curate.pdf.rotation import straighten
from smollab.curate.pdf.rows import merge_rows
from smollab.curate.pdf.running_titles import REPEAT_SHARE, mark_line_numbers, mark_running_titles
from smollab.curate.pdf.typography import Typography, measure


def prepare_page(page: Page) -> None:
    """Do what one page allows, before its tables are found; `release_spans` then frees memory."""
    straighten(page)
    mark_line_numbers(page)


def finish_page(page: Page) -> None:
    """Take the lines of tables out of the flow, find figures, and free what only tables need."""
    in_tables = {id(line) for table in page.tables for line in table.lines}
    page.lines = [line for line in page.lines if id(line) not in in_tables]
    page.figures = find_figures(page)
    for table in page.tables:
        table.lines = []
    for line in page.lines:
        line.spans = []
    page.drawings, page.vertical_rulings, page.images = [], [], []


def arrange(
    pages: Sequence[Page], repeat_share: float = REPEAT_SHARE, min_gutter: float = MIN_GUTTER
) -> tuple[list[Block], Typography]:
    """Return the blocks of a document in reading order, with what is left out at the end of each page.

    Args:
        pages: prepared and finished; their lines are marked.
        repeat_share: of the pages on which an edge line is a running title.
        min_gutter: width of the narrowest space between columns; points.
    """
    mark_running_titles(pages, repeat_share)
    typography = measure(pages)
    blocks = [block for page in pages for block in arrange_page(page, typography, min_gutter)]
    mark_headings(blocks, typography)
    return blocks, typography


def arrange_page(page: Page, typography: Typography, min_gutter: float = MIN_GUTTER) -> list[Block]:
    """Return the blocks of one page whose furniture is marked."""
    items: list[Item] = [*join_leaders([line for line in page.lines if line.role is None])]
    items += page.tables
    items += page.figures
    left_out = [line for line in page.lines if line.role is not None]
    blocks = [block for column in read_columns(items, min_gutter) for block in _column_blocks(column, page, typography)]
    return blocks + [Block(line.role, line.box, page.number, [line]) for line in left_out if line.role is not None]


def _column_blocks(column: Column, page: Page, typography: Typography) -> list[Block]:
    rows = merge_rows([item for item in column.items if isinstance(item, Line)])
    mark_contents(rows)
    mark_footnotes(rows, page, typography.body_size)
    blocks: list[Block] = []
    stretch: list[Line] = []
    for item in sorted([*rows, *_others(column)], key=_upper_edge):
        if isinstance(item, Line):
            stretch.append(item)
            continue
        blocks += split_blocks(stretch, page.number, typography)
        stretch = []
        if isinstance(item, Table):
            blocks.append(Block("table", item.box, page.number, table=item))
        else:
            blocks.append(Block("figure", item, page.number))
    blocks += split_blocks(stretch, page.number, typography)
    if column.side_note:
        for block in blocks:
            if block.lines:  # a figure in the margin is one
                block.kind = "side note"
    return blocks


def _others(column: Column) -> list[Table | Box]:
    return [item for item in column.items if not isinstance(item, Line)]


def _upper_edge(item: Item) -> float:
    box = box_of(item)
    return (box[1] + box[3]) / 2 if isinstance(item, Line) else box[1]
