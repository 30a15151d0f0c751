"""Read PDF files with pypdfium2 (Apache-2.0 or BSD-3-Clause): text in the order of the file."""

import pypdfium2

from smollab.curate.pdf.page import TextBlock, TextPage, UnreadablePdf

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD


def read_pages(pdf: bytes) -> list[TextPage]:
    """Return the pages of a PDF, each with one block that covers it.

    Raises:
        UnreadablePdf: encrypted, not a PDF, broken, or without pages.
    """
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == _PASSWORD_ERROR or "password" in str(error).lower()
        raise UnreadablePdf("encrypted" if encrypted else f"corrupt: {error}") from None
    try:
        pages = [_read_page(document, number) for number in range(len(document))]
    finally:
        document.close()
    if not pages:
        raise UnreadablePdf("no pages")
    return pages


def _read_page(document: pypdfium2.PdfDocument, number: int) -> TextPage:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return TextPage(0, 0)  # a broken page among sound ones
    width, height = page.get_size()
    text_page = page.get_textpage()
    text = text_page.get_text_range(errors="replace").replace("\r\n", "\n").replace("\ufffe", "-\n")
    text_page.close()
    page.close()
    return TextPage(width, height, [TextBlock(0, 0, width, height, text)] if text.strip() else [])
