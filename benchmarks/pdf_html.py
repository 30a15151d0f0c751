"""HTML of a document -> its blocks, as gold for its PDF: DocBook's pages, and what pandoc makes of LaTeX."""

import re
from pathlib import Path
from typing import Any

from lxml import html

Block = dict[str, Any]

LEFT_OUT = {"navheader", "navfooter", "script", "style", "head", "title"}
"""Tags and classes that no page of a PDF prints."""
CONTENTS = {"toc", "list-of-tables", "list-of-figures", "list-of-examples"}
"""Classes of tables of contents."""
FOOTNOTES = {"footnotes", "footnote"}
"""Classes of what stands elsewhere on pages than in HTML."""
ADMONITIONS = {"note", "tip", "warning", "caution", "important"}
"""Classes of boxes that HTML may draw as tables."""
CONTAINERS = {
    "html", "body", "div", "section", "article", "main", "ul", "ol", "dl", "li", "dd", "dt", "p", "blockquote",
    "center", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "thead", "tbody", "tfoot", "tr", "td", "th",
    "caption", "hr", "figure", "figcaption", "aside", "header", "address", "nav", "colgroup", "form",
}  # fmt: skip
"""Tags that begin a new block."""


def read_html_book(index: Path) -> list[Block]:
    """Return the blocks of all pages of a book, from its first along the links to the next."""
    blocks: list[Block] = []
    path: Path | None = index
    seen: set[Path] = set()
    while path is not None and path not in seen:
        seen.add(path)
        root = html.fromstring(path.read_bytes())
        blocks += read_blocks(root)
        following = root.xpath("//link[@rel='next']/@href")
        path = path.parent / following[0] if following else None
    return blocks


def read_html(markup: str) -> list[Block]:
    """Return the blocks of a page."""
    return read_blocks(html.fromstring(markup))


def read_blocks(element: Any) -> list[Block]:
    """Return the blocks of an element in order: text with its kind, tables with their rows."""
    blocks: list[Block] = []
    loose: list[str] = []
    facts: Block = {"kind": "paragraph"}

    def close() -> None:
        if text := " ".join("".join(loose).split()):
            blocks.append(facts | {"text": text})
        loose.clear()

    def walk(node: Any) -> None:
        nonlocal facts
        classes = set(node.get("class", "").split()) if isinstance(node.tag, str) else set()
        if not isinstance(node.tag, str) or LEFT_OUT & {node.tag, *classes}:
            loose.append(node.tail or "")
            return
        is_block = node.tag in CONTAINERS
        before = facts
        if is_block:
            close()
        if is_block and classes & CONTENTS:
            facts = {"kind": "contents"}
        elif is_block and classes & FOOTNOTES:
            facts = {"kind": "footnote", "floating": True}
        if node.tag == "table" and (rows := _rows(node)):
            blocks.append({"kind": "table", **rows})
        else:
            loose.append(node.text or ("\n" if node.tag == "br" else ""))
            for child in node:
                walk(child)
        if is_block:
            close()
        facts = before
        loose.append(node.tail or "")

    walk(element)
    close()
    return blocks


def _rows(table: Any) -> dict[str, Any] | None:
    """Return the cells of a table; none where it only lays out other blocks."""
    if table.xpath(".//table|.//pre|.//ul|.//ol") or ADMONITIONS & set(table.getparent().get("class", "").split()):
        return None
    rows: list[dict[int, str]] = []
    spans: list[tuple[int, int, int, int]] = []
    heads = 0
    taken: set[tuple[int, int]] = set()
    for r, row in enumerate(table.iter("tr")):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        heads += bool(cells) and heads == r and (row.getparent().tag == "thead" or all(c.tag == "th" for c in cells))
        rows.append({})
        column = 0
        for cell in cells:
            while (r, column) in taken:
                rows[-1][column] = ""
                column += 1
            width, height = (_number(cell.get(name)) for name in ("colspan", "rowspan"))
            rows[-1][column] = " ".join(_texts(cell).split())
            if (width, height) != (1, 1):
                spans.append((r, column, width, height))
            for c in range(column, column + width):
                taken |= {(r + k, c) for k in range(height)}
                rows[-1].setdefault(c, "")
            column += width
    count = max((max(row, default=-1) for row in rows), default=-1) + 1
    if count < 2 or len(rows) < 2:
        return None
    grid = [[row.get(c, "") for c in range(count)] for row in rows]
    spans = [(r, c, w, min(h, len(grid) - r)) for r, c, w, h in spans]
    return {"rows": grid, "header_rows": heads, "spans": spans}


def _texts(cell: Any) -> str:
    return " ".join(cell.itertext()) if len(cell.xpath(".//p")) > 1 else "".join(cell.itertext())


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,3}", text) and int(text) else 1
