"""Title, authors, language and links of a document: what the file says of itself, else what its first page shows."""

import re
from collections.abc import Sequence
from typing import Any

from smollab.curate.pdf.page import Block, FileFacts, Page

MOST_LINKS = 200
"""Links kept in metadata."""
MAX_TITLE = 300
MAX_AUTHORS = 400

# What programs write when nobody gave a title: names of files and of the programs.
_NO_TITLE = re.compile(
    r"(?:untitled|title|document\d*|microsoft (?:word|powerpoint|excel)\b.*|powerpoint presentation|slide \d+|"
    r".*\.(?:docx?|tex|dvi|pdf|indd|qxd|pptx?|xlsx?|rtf|odt|html?|p65|ps)|(?:file|https?)://\S*|[\W\d_]*|\S*_\S*)",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(r"(?:admin(?:istrator)?|user|owner|unknown|author|root|\S+@\S+|[\W\d_]*)", re.IGNORECASE)
_NAME = re.compile(r"(?:[A-ZÀ-ÝĐ][\w.'’-]*\s+){1,4}[A-ZÀ-ÝĐ][\w'’-]+")
_BY = re.compile(r"(?:by|von|par|por|di|de)\s+(?=[A-ZÀ-ÝĐ])")
_MARKS = re.compile(r"[¹²³⁴⁵⁶⁷⁸⁹⁰*†‡§∗]+")


def describe(facts: FileFacts, blocks: Sequence[Block], pages: Sequence[Page]) -> dict[str, Any]:
    """Return what is known of a document; keys without a value are left out."""
    first_page = [block for block in blocks if block.page == 1 and block.lines]
    title_block = _title_block(first_page)
    title = facts.title
    if _NO_TITLE.fullmatch(title):
        title = _text(title_block)[:MAX_TITLE] if title_block else ""
    authors = facts.authors
    if _NO_AUTHOR.fullmatch(authors):
        authors = _authors_below(title_block, first_page) if title_block else ""
    links = list(dict.fromkeys(link.address for page in pages for link in page.links))
    found = {
        "title": title,
        "authors": authors,
        "declared_language": facts.language,
        "creator": facts.creator,
        "date": facts.date,
        "links": links[:MOST_LINKS],
    }
    return {key: value for key, value in found.items() if value}


def _text(block: Block) -> str:
    return " ".join(row.text for row in block.lines)


def _title_block(first_page: Sequence[Block]) -> Block | None:
    """Return the heading in the largest type in the upper part of the first page."""
    headings = [block for block in first_page if block.kind == "heading"]
    if not headings:
        return None
    return max(headings, key=lambda block: (block.lines[0].size, -block.box[1]))


def _authors_below(title: Block, first_page: Sequence[Block]) -> str:
    """Return the names that follow the title, until something else than names comes."""
    names: list[str] = []
    for block in first_page[first_page.index(title) + 1 :][:8]:
        if block.kind == "heading" and names:
            break
        found = []
        for row in block.lines[:4]:
            text = _BY.sub("", _MARKS.sub(" ", row.text)).strip(" ,;")
            pieces = [piece.strip() for piece in re.split(r",|;|\band\b|\bund\b|\bet\b|\by\b|\be\b|&|\s{2,}", text)]
            pieces = [piece for piece in pieces if piece]
            if pieces and all(_NAME.fullmatch(piece) for piece in pieces):
                found += pieces
            else:
                break
        if not found:
            if names or block.kind != "heading":
                break
            continue
        names += found
    return ", ".join(names)[:MAX_AUTHORS]
