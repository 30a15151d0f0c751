"""Read PDF files with PyMuPDF. The only module that imports it: PyMuPDF is AGPL-3.0, this package Apache-2.0.

A program that runs with this engine is, as a whole, under the AGPL; with `pypdfium2_engine` it is not.
"""

import pymupdf

from smollab.curate.pdf.page import TextBlock, TextPage, UnreadablePdf

# Ligatures become letters; images are not wanted; white space as in the file, words never split by kerning.
_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
_TEXT = 0


def read_pages(pdf: bytes) -> list[TextPage]:
    """Return the pages of a PDF with their text blocks in the order of the file.

    Raises:
        UnreadablePdf: encrypted, not a PDF, broken, or without pages.
    """
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        document = pymupdf.open(stream=pdf, filetype="pdf")
    except Exception as error:
        raise UnreadablePdf(f"corrupt: {error}") from None
    with document:
        if document.needs_pass:
            raise UnreadablePdf("encrypted")
        pages = []
        for page in document.pages():
            blocks = page.get_text("blocks", flags=_FLAGS)
            pages.append(
                TextPage(
                    page.rect.width,
                    page.rect.height,
                    [TextBlock(x0, y0, x1, y1, text) for x0, y0, x1, y1, text, _, kind in blocks if kind == _TEXT],
                )
            )
    if not pages:
        raise UnreadablePdf("no pages")
    return pages
