"""Blocks -> text as Markdown, with the place of every line in it.

Headings get `#`, list items `- ` or their number, code is fenced with its indentation, tables are pipe tables,
footnotes and the marks that call them `[^1]`. Blocks are separated by an empty line, the items of a list
by a line break.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence

from smollab.curate.pdf.hyphenation import join_lines
from smollab.curate.pdf.joining import join_blocks
from smollab.curate.pdf.lists import bullet
from smollab.curate.pdf.page import Block, Line, Page, Place
from smollab.curate.pdf.rotation import as_shown
from smollab.curate.pdf.tables import write_markdown
from smollab.curate.pdf.typography import Typography

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PLAIN = str.maketrans(_RAISED, "0123456789")
_NOTE_MARK = re.compile(rf"([{_RAISED}]{{1,3}})\s*|(\d{{1,3}})\s+(?=\D)")
_NOTE_CALL = re.compile(rf"(?:(?<=[^\W\d_][^\W\d_])|(?<=[.,;:!?)\]\"'”’»]))([{_RAISED}]{{1,3}})(?![{_RAISED}⁻])")
_INDENT = "  "


class _Writer:
    """Collects text and notes where it came from."""

    def __init__(self, pages: Mapping[int, Page]):
        self.parts: list[str] = []
        self.places: list[Place] = []
        self.length = 0
        self._pages = pages

    def write(self, text: str) -> None:
        """Add text that stands on no page: marks of Markdown, line breaks."""
        self.parts.append(text)
        self.length += len(text)

    def write_from(self, text: str, block: Block, row: Line | None = None) -> None:
        """Add text of a row, or of a whole block."""
        box = as_shown((row or block).box, self._pages[block.page])
        self.places.append(Place(self.length, self.length + len(text), block.page, box))
        self.write(text)


def write_text(blocks: Sequence[Block], pages: Sequence[Page], typography: Typography) -> tuple[str, list[Place]]:
    """Return the text of a document and where on its pages each piece of it stands."""
    writer = _Writer({page.number: page for page in pages})
    notes = _notes_by_page(blocks)
    indents: list[float] = []  # of the list items that are open
    before = None
    for chain in join_blocks(blocks):
        block = chain[0]
        in_list = block.kind == "list item"
        if before is not None:
            writer.write("\n" if in_list and before == "list item" else "\n\n")
        before = block.kind
        if not in_list:
            indents.clear()
        match block.kind:
            case "table":
                assert block.table is not None
                writer.write_from(write_markdown(block.table), block)
            case "code":
                _write_code(writer, chain)
            case _:
                if block.kind == "heading":
                    writer.write("#" * block.level + " ")
                elif in_list:
                    writer.write(_INDENT * _depth(block.box[0], indents))
                _write_rows(writer, chain, typography, notes)
    return "".join(writer.parts), writer.places


def find_place(places: Sequence[Place], position: int) -> Place | None:
    """Return the place of the character at a position of the text; None for marks of Markdown and line breaks."""
    k = bisect_right(places, position, key=lambda place: place.start) - 1
    return places[k] if k >= 0 and position < places[k].end else None


def text_of_pages(text: str, places: Sequence[Place], numbers: Collection[int]) -> str:
    """Return the part of a document's text that stands on some neighboring pages, counted from 1."""
    found = [k for k, place in enumerate(places) if place.page in numbers]
    if not found:
        return ""
    begin = places[found[0]].start
    before = text[places[found[0] - 1].end if found[0] else 0 : begin]
    mark = before.rpartition("\n")[2]  # of a heading or a list item stands before its place
    return mark.lstrip() + text[begin : places[found[-1]].end]


def _write_rows(
    writer: _Writer, chain: Sequence[Block], typography: Typography, notes: Mapping[int, frozenset[str]]
) -> None:
    rows = [(block, row) for block in chain for row in block.lines]
    kind = chain[0].kind
    text = rows[0][1].text
    if kind == "list item" and (mark := bullet(text)):
        writer.write("- ")
        text = text[len(mark) :]
    elif kind == "footnote" and (called := _NOTE_MARK.match(text)) and called.end() < len(text):
        writer.write(f"[^{(called[1] or called[2]).translate(_PLAIN)}]: ")
        text = text[called.end() :]
    for (block, row), following in zip(rows, [*rows[1:], None], strict=True):
        between = ""
        if following is not None:
            text, between = join_lines(text, following[1].text, typography.words)
        writer.write_from(_call_notes(text, notes.get(block.page)) + between, block, row)
        text = following[1].text if following else ""


def _call_notes(text: str, notes: frozenset[str] | None) -> str:
    if not notes:
        return text
    call = lambda match: f"[^{match[1].translate(_PLAIN)}]" if match[1].translate(_PLAIN) in notes else match[0]
    return _NOTE_CALL.sub(call, text)


def _notes_by_page(blocks: Sequence[Block]) -> dict[int, frozenset[str]]:
    marks: dict[int, set[str]] = {}
    for block in blocks:
        if block.kind == "footnote" and (mark := _NOTE_MARK.match(block.lines[0].text)):
            marks.setdefault(block.page, set()).add((mark[1] or mark[2]).translate(_PLAIN))
    return {page: frozenset(found) for page, found in marks.items()}


def _depth(x: float, indents: list[float]) -> int:
    """Return how deep a list item is nested, from where it begins."""
    while indents and x < indents[-1] - 3:
        indents.pop()
    if not indents or x > indents[-1] + 3:
        indents.append(x)
    return len(indents) - 1


def _write_code(writer: _Writer, chain: Sequence[Block]) -> None:
    writer.write("```\n")
    for block in chain:
        left = min(row.box[0] for row in block.lines)
        widths = sorted(row.width / len(row.text) for row in block.lines)
        width = max(1.0, widths[len(widths) // 2])
        previous = None
        for row in block.lines:
            if previous is not None and row.box[3] - previous.box[3] > 1.9 * row.size:
                writer.write("\n")
            writer.write(" " * round((row.box[0] - left) / width))
            writer.write_from(row.text, block, row)
            writer.write("\n")
            previous = row
    writer.write("```")
