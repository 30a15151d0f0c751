"""One open PDF file -> its text, with the places on its pages and what is known of the document.

Here the parts of the folder come together: an engine's pages, what looks at single pages (triage, OCR, garbled text,
tables), layout, and Markdown.
"""

from dataclasses import dataclass, field
from typing import Any

from smollab.curate.pdf.layout import arrange, finish_page, prepare_page
from smollab.curate.pdf.markdown import write_text
from smollab.curate.pdf.metadata import describe
from smollab.curate.pdf.page import Block, Page, PdfFile, Place
from smollab.curate.pdf.tables import find_tables


@dataclass(slots=True)
class PdfText:
    """What a file holds."""

    text: str
    """Markdown, in reading order."""
    pages: list[Page]
    blocks: list[Block]
    """In reading order; what is left out of the text comes at the end of its page."""
    places: list[Place]
    """Where the pieces of the text stand, in order: `markdown.find_place` looks one up."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Title, authors, language as declared, links; only what is known."""

    def as_answer(self) -> dict[str, Any]:
        """Return what a worker process answers: what can be written as JSON."""
        return {"text": self.text, "pages": len(self.pages), "places": self.places, "metadata": self.metadata}


def read_document(file: PdfFile) -> PdfText:
    """Read all pages of an open file and lay out their text."""
    pages = []
    for page in file.pages():
        prepare_page(page)
        page.tables = find_tables(page)
        finish_page(page)
        pages.append(page)
    blocks, typography = arrange(pages)
    text, places = write_text(blocks, pages, typography)
    return PdfText(text, pages, blocks, places, describe(file.facts, blocks, pages))
