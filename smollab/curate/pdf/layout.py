"""Pages of text blocks -> one readable text.

Order, furniture, paragraphs; pages that are tables of contents are left out:

1. *Reading order.* Blocks are cut into horizontal bands wherever a block spans the page; within a band,
   when no block crosses the middle and both halves hold text, the left column is read before the right.
2. *Furniture.* Lines at the top and bottom of pages that repeat, digits aside, on a quarter of the pages are
   running headers, footers and page numbers.
3. *Paragraphs.* Lines of a block are joined; a hyphen at the end of a line goes when the halves make one
   word; a paragraph that a page break cut in two is joined again.

**Source**: the furniture rule is FinePDFs' (25 % of the pages; blocks/cleaning in finepdfs); the rest is
ours.

**Fails when**: three columns, text that runs around pictures, tables without lines.
"""

import re
from collections import Counter

from smollab.curate.pdf.page import TextBlock, TextPage

EDGE_LINES = 3
"""Lines at each end of a page that can be furniture."""
REPEAT_SHARE = 0.25
"""Furniture repeats on at least this share of the pages ..."""
REPEAT_PAGES = 3
"""... and on at least so many, ..."""
NEARBY_PAGES = 2
"""... or, for the outermost line, on one of so many pages before and after: heads that name the chapter."""

_DIGITS = re.compile(r"\d+|\b[ivxl]+\b")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|trang|s\.|p\.)?\s*(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of|von|de|di|sur)\s*\d+)?\W*",
    re.I,
)
_LIST_MARK = re.compile(r"^\s*(?:[•◦▪‣●■–*]|-(?=\s))\s*")
_NUMBERED = re.compile(r"^\s*(?:\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_LEADER = re.compile(r"(?:\. ?){4,}\s*\d*$|(?:\.\s){4,}")
_SENTENCE_END = re.compile(r"[.!?:;…。][\"'”’»)\]]*$")


def render_pages(pages: list[TextPage]) -> str:
    """Return the text of a document: paragraphs, one per line, list items marked with `- `."""
    ordered = [[_lines(block) for block in order_blocks(page)] for page in pages]
    ordered = [page for page in ordered if not is_table_of_contents(page)]
    ordered = remove_furniture([[lines for lines in page if lines] for page in ordered])
    paragraphs: list[str] = []
    for page in ordered:
        on_page = [paragraph for lines in page for paragraph in join_lines(lines)]
        if paragraphs and on_page and _continues(paragraphs[-1], on_page[0]):
            paragraphs[-1] = _glue(paragraphs[-1], on_page.pop(0))
        paragraphs += on_page
    return "\n".join(paragraphs)


def order_blocks(page: TextPage) -> list[TextBlock]:
    """Return the blocks in reading order, for one and two columns with spanning headings."""
    blocks = [block for block in page.blocks if block.text.strip()]
    if len(blocks) < 3:
        return blocks
    middle = _find_gutter(blocks)
    if middle is None:
        return blocks
    ordered: list[TextBlock] = []
    band: list[TextBlock] = []
    for block in sorted(blocks, key=lambda b: (b.y0, b.x0)):
        if block.x0 < middle < block.x1:  # spans both columns: what is above is read first
            ordered += _read_band(band, middle)
            band = []
            ordered.append(block)
        else:
            band.append(block)
    return ordered + _read_band(band, middle)


def _find_gutter(blocks: list[TextBlock]) -> float | None:
    """Return the x between two columns, or None on a page with one column."""
    left, right = min(b.x0 for b in blocks), max(b.x1 for b in blocks)
    middle = (left + right) / 2
    slack = 0.08 * (right - left)
    on_left = [b for b in blocks if b.x1 <= middle + slack and b.width > 0.25 * (right - left)]
    on_right = [b for b in blocks if b.x0 >= middle - slack and b.width > 0.25 * (right - left)]
    if not on_left or not on_right:
        return None
    gutter = (max(b.x1 for b in on_left) + min(b.x0 for b in on_right)) / 2
    area = lambda chosen: sum(b.width * (b.y1 - b.y0) for b in chosen)
    in_columns = area([b for b in blocks if b.x1 <= gutter + 1 or b.x0 >= gutter - 1])
    return gutter if in_columns > 0.5 * area(blocks) and area(on_right) > 0.15 * area(blocks) else None


def _read_band(band: list[TextBlock], middle: float) -> list[TextBlock]:
    left = [block for block in band if (block.x0 + block.x1) / 2 < middle]
    return left + [block for block in band if (block.x0 + block.x1) / 2 >= middle]


def is_table_of_contents(page: list[list[str]]) -> bool:
    """Tell a page of entries with dots up to the page number; the headings come again in the text."""
    lines = [line for block in page for line in block]
    leaders = sum(_LEADER.search(line) is not None for line in lines)
    return leaders >= 5 and leaders > 0.15 * len(lines)


def remove_furniture(pages: list[list[list[str]]]) -> list[list[list[str]]]:
    """Remove running headers, footers and page numbers: edge lines that repeat over pages, digits aside."""
    edges = [_edge_shapes(page, EDGE_LINES) for page in pages]
    outermost = [_edge_shapes(page, 1) for page in pages]
    counts = Counter(shape for shapes in edges for shape in shapes)
    needed = max(REPEAT_PAGES, REPEAT_SHARE * len(pages))
    everywhere = {shape for shape, count in counts.items() if count >= needed}
    cleaned = []
    for number, page in enumerate(pages):
        nearby = outermost[max(0, number - NEARBY_PAGES) : number] + outermost[number + 1 :][:NEARBY_PAGES]
        cleaned.append(_strip_edges(page, everywhere, outermost[number].intersection(set().union(*nearby))))
    return cleaned


def _edge_shapes(page: list[list[str]], depth: int) -> set[str]:
    lines = [line for block in page for line in block]
    return {_shape(line) for line in lines[:depth] + lines[depth:][-depth:]}


def _strip_edges(page: list[list[str]], furniture: set[str], outermost: set[str]) -> list[list[str]]:
    flat = [(i, line) for i, block in enumerate(page) for line in block]
    kept: list[list[str]] = [[] for _ in page]
    for k, (i, line) in enumerate(flat):
        depth = min(k, len(flat) - 1 - k)
        repeats = _shape(line) in (furniture | outermost if depth == 0 else furniture)
        if not (depth < EDGE_LINES and (repeats or _PAGE_NUMBER.fullmatch(line))):
            kept[i].append(line)
    return [block for block in kept if block]


def _shape(line: str) -> str:
    return "".join(_DIGITS.sub("0", line.lower()).split())


def join_lines(lines: list[str]) -> list[str]:
    """Join the lines of a block into paragraphs; list items start new ones."""
    longest = max(map(len, lines))
    paragraphs: list[str] = []
    previous = ""
    for line in lines:
        marked = _LIST_MARK.match(line) is not None and len(line) > 2
        if marked:
            line = "- " + _LIST_MARK.sub("", line)
        # A line that ends early and ends a sentence ends the paragraph.
        ended = bool(_SENTENCE_END.search(previous)) and len(previous) < 0.75 * longest
        if paragraphs and not marked and not ended and not _NUMBERED.match(line):
            paragraphs[-1] = _glue(paragraphs[-1], line)
        else:
            paragraphs.append(line)
        previous = line
    return paragraphs


def _glue(start: str, end: str) -> str:
    """Join two pieces of a paragraph, undoing a hyphen at the break."""
    if len(start) > 1 and start[-1] in "-\xad‐" and start[-2].isalpha() and end[:1].islower():
        return start[:-1] + end
    if start.endswith("-") and end[:1].isalnum():
        return start + end
    return f"{start} {end}"


def _continues(before: str, after: str) -> bool:
    """Tell whether a paragraph goes on after a page break."""
    return (
        not _SENTENCE_END.search(before)
        and len(before) > 60
        and after[:1].islower()
        and not _LIST_MARK.match(after)
        and not _NUMBERED.match(after)
    )


def _lines(block: TextBlock) -> list[str]:
    return [" ".join(line.split()) for line in block.text.split("\n") if line.strip()]
