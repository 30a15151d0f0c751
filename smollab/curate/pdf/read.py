"""One open PDF file -> its text, with the places on its pages and what is known of the document.

Here the parts of the folder come together: an engine's pages, what looks at single pages (triage, OCR, garbled text,
tables), layout, and Markdown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smollab.curate.pdf.errors import name_error
from smollab.curate.pdf.garbled import is_garbled
from smollab.curate.pdf.layout import arrange, finish_page, prepare_page
from smollab.curate.pdf.markdown import write_text
from smollab.curate.pdf.metadata import describe
from smollab.curate.pdf.page import Block, Page, PdfFile, Place, Table, UnreadablePdf
from smollab.curate.pdf.routing import Router
from smollab.curate.pdf.tables import find_tables, join_over_pages
from smollab.recipe import ExtractPdf


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
    """Title, authors, language as declared, links; only what is known. `table_errors`: where our rules failed."""

    def as_answer(self) -> dict[str, Any]:
        """Return what a worker process answers: what can be written as JSON."""
        return {"text": self.text, "pages": len(self.pages), "metadata": self.metadata}


def read_document(
    file: PdfFile, settings: ExtractPdf | None = None, before_ocr: Callable[[], None] = lambda: None
) -> PdfText:
    """Read all pages of an open file and lay out their text.

    Args:
        file: as an engine opened it.
        settings: which pages are scans, and who reads them.
        before_ocr: called before each page that is recognized.

    Raises:
        UnreadablePdf: too many pages, too much text, or not one page that can be read.
    """
    settings = settings or ExtractPdf()
    if file.num_pages > settings.maximum_pages:
        raise UnreadablePdf(f"too many pages: {file.num_pages} > {settings.maximum_pages}")
    router = Router(settings, file, file.facts, before_ocr)
    pages: list[Page] = []
    errors: list[str] = []
    characters = 0
    for page in file.pages():
        characters += sum(len(line.text) for line in page.lines)
        if characters > settings.maximum_characters:
            raise UnreadablePdf(f"too much text: more than {settings.maximum_characters} characters")
        router.route(page, garbled=is_garbled(page))
        prepare_page(page)
        page.tables = _find_tables(page, errors)
        finish_page(page)
        pages.append(page)
    if all(page.problem.startswith("corrupt") for page in pages):
        raise UnreadablePdf(pages[0].problem)
    join_over_pages(pages)
    blocks, typography = arrange(pages)
    text, places = write_text(blocks, pages, typography)
    metadata = describe(file.facts, blocks, pages) | router.notes() | {"page_starts": _page_starts(places)}
    if errors:
        metadata["table_errors"] = errors
    if settings.keep_places:
        metadata["places"] = [[*place[:3], *(round(x, 1) for x in place.box)] for place in places]
    return PdfText(text, pages, blocks, places, metadata)


def _find_tables(page: Page, errors: list[str]) -> list[Table]:
    """Return the tables of a page; none, and a note, where our rules fail: that costs the tables, not the file."""
    try:
        return find_tables(page)
    except MemoryError:
        raise
    except Exception as error:
        errors.append(f"page {page.number}: {name_error(error)}")
        return []


def _page_starts(places: list[Place]) -> list[int]:
    """Return where the text of each page that has some begins."""
    first = {place.page: place.start for place in reversed(places)}
    return sorted(first.values())
