r"""Tables of a page: by their rulings, between horizontal rulings, or by the alignment of their words; as Markdown.

    tables = find_tables(page)
    print(write_markdown(tables[0]))

**Source**: grids of rulings and runs of aligned words are the two classical ways ("lattice" and "stream" in Camelot
and Tabula; Nurminen 2013, *Algorithmic extraction of data in tables in PDF documents*); the code and its rules are
ours. Cleaning is FinePDFs' (empty rows and columns and malformed tables go).

**Cost**: pages without rows of several pieces cost one sort; others a few milliseconds.

**Fails when**: cells are parted by colored areas alone and hold words; a table without rulings has neither numbers nor
heads in bold; two tables stand side by side without rulings.
"""

from collections.abc import Sequence

from smollab.curate.pdf.page import Box, Page, Table
from smollab.curate.pdf.tables_aligned import find_aligned
from smollab.curate.pdf.tables_pieces import Piece, Ruling, horizontal, mend, pieces_of, rows_of, vertical
from smollab.curate.pdf.tables_ruled import find_between, find_grids

MOST_LINES = 3000
"""A page with more lines is a map or a drawing."""
EDGE_LINES = 3
"""Most lines of running titles and page numbers above or below a table that goes on."""
SAME_PLACE = 12.0
"""Sides of a table and its continuation differ by less; points."""


def find_tables(page: Page) -> list[Table]:
    """Return the tables of a page, top to bottom.

    Each holds the page's lines that are in its cells; the caller takes them out of the flow of text.
    """
    if not 4 <= len(page.lines) <= MOST_LINES:
        return []
    pieces = [piece for row in mend(rows_of(pieces_of(page.lines))) for piece in row]
    across, down = horizontal(page.horizontal_rulings), vertical(page.vertical_rulings)
    tables, boxes = find_grids(pieces, across, down)
    pieces = _without(pieces, tables)
    if across:
        free = [
            r
            for r in across
            if not any(b[1] - 6 <= r.at <= b[3] + 6 and r.start < b[2] and r.end > b[0] for b in boxes)
        ]
        between = find_between(pieces, free)
        tables += between
        pieces = _without(pieces, between)
    tables += find_aligned(pieces)
    return sorted(tables, key=lambda table: (table.box[1], table.box[0]))


def _crosses(ruling: Ruling, box: Box) -> bool:
    return box[1] - 6 <= ruling.at <= box[3] + 6 and ruling.start < box[2] and ruling.end > box[0]


def _without(pieces: list[Piece], tables: list[Table]) -> list[Piece]:
    used = {line for table in tables for line in table.lines}
    return [piece for piece in pieces if piece.line not in used] if used else pieces


def join_over_pages(pages: Sequence[Page]) -> None:
    """Join tables that go on over pages: the part on the next page moves to the table on the first one.

    One must be the last of its page and the other the first of the next, with at most running titles in between. Call
    it when the lines of tables have been taken out of the pages.
    """
    last: tuple[Page, Table] | None = None
    for page in pages:
        if last is not None and page.tables and _opens(page, page.tables[0]):
            joined = join_continued(last[1], page.tables[0])
            if joined is not None:
                last[0].tables[-1] = joined
                whole = len(page.tables) == 1 and _closes(page, page.tables[0])
                page.tables = page.tables[1:]
                if whole:
                    last = (last[0], joined)
                    continue
        last = (page, page.tables[-1]) if page.tables and _closes(page, page.tables[-1]) else None


def _closes(page: Page, table: Table) -> bool:
    """Tell whether nothing but a footer comes after a table."""
    below = [line for line in page.lines if line.turn == 0 and line.box[1] > table.box[3] - 1]
    return len(below) <= EDGE_LINES and all(line.box[1] > 0.75 * page.height for line in below)


def _opens(page: Page, table: Table) -> bool:
    """Tell whether nothing but a header comes before a table."""
    above = [line for line in page.lines if line.turn == 0 and line.box[3] < table.box[1] + 1]
    return len(above) <= EDGE_LINES and all(line.box[3] < 0.2 * page.height for line in above)


def join_continued(table: Table, following: Table) -> Table | None:
    """Return a table with its continuation, or None if the two are separate.

    They belong together if they have the same columns and sides; heads that are repeated go.
    """
    if len(following.rows[0]) != len(table.rows[0]):
        return None
    heads = table.header_rows
    repeated = following.rows[:heads] == table.rows[:heads]
    apart = max(abs(table.box[side] - following.box[side]) for side in (0, 2))
    if not repeated and (apart > SAME_PLACE or _has_heads(following)):
        return None
    rows = table.rows + (following.rows[heads:] if repeated else following.rows)
    return Table(table.box, rows, heads, table.lines, table.ruled)


def _has_heads(table: Table) -> bool:
    """Tell whether the first row of a table is heads, so that it is a new table."""
    if not table.lines:  # all its words stand in cells that were cut from longer lines
        return False
    top = min(line.box[3] for line in table.lines)
    first = [line for line in table.lines if line.box[1] < top - 1]
    rest = [line for line in table.lines if line.box[1] >= top - 1]
    return all(line.bold for line in first) and not all(line.bold for line in rest)


def write_markdown(table: Table) -> str:
    """Return a table as Markdown: pipes escaped, one row of heads; empty if it is malformed."""
    rows = [[_escape(cell) for cell in row] for row in table.rows if any(row)]
    if len(rows) < 2 or len(rows[0]) < 2:
        return ""
    rule = ["---"] * len(rows[0])
    return "\n".join(
        "|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in [rows[0], rule, *rows[1:]]
    )


def _escape(cell: str) -> str:
    return " ".join(cell.replace("\\", "\\\\").replace("|", "\\|").split())
