"""Read PDF files with PyMuPDF. The only module that imports it: PyMuPDF is AGPL-3.0, this package Apache-2.0.

A program that runs with this engine is, as a whole, under the AGPL; with `pypdfium2_engine` it is not.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pymupdf

from smollab.curate.pdf.gaps import fill_gaps, may_lack_spaces
from smollab.curate.pdf.letters import is_bold_name, is_mono_name, raise_digits, tidy
from smollab.curate.pdf.page import Box, FileFacts, Line, Link, Page, Span, UnreadablePdf

# Ligatures become letters; images are not wanted; white space as in the file, words never split by kerning.
_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
_TEXT = 0
_SUPERSCRIPT, _ITALIC, _MONO, _BOLD = 1, 2, 8, 16
_FILLED, _STROKED = 16, 32
"""Of `char_flags`: a glyph that is neither is not painted."""
_THIN = 3.0
"""A filled rectangle at most so thick is a ruled line; points."""
_MOST_PATHS = 20_000
"""A page with more vector paths is a map or a plot: its paths are not looked at."""
_PAGES_PER_CLEANING = 50

_Rect = tuple[float, float, float, float]


def open_pdf(pdf: bytes) -> "PyMuPdfFile":
    """Open a PDF file.

    Raises:
        UnreadablePdf: encrypted, not a PDF, broken, or without pages.
    """
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        document = pymupdf.open(stream=pdf, filetype="pdf")
    except Exception as error:
        _check_memory(error)
        raise UnreadablePdf(f"corrupt: {error}") from None
    if document.needs_pass:
        document.close()
        raise UnreadablePdf("encrypted")
    if not document.page_count:
        document.close()
        raise UnreadablePdf("no pages")
    return PyMuPdfFile(document)


class PyMuPdfFile:
    """An open file: `page.PdfFile`."""

    def __init__(self, document: pymupdf.Document):
        self.document = document
        self.num_pages: int = document.page_count
        self.facts = _facts(document)

    def pages(self) -> Iterator[Page]:
        """Yield the pages in order; one that cannot be read has a `problem` and no lines."""
        for index in range(self.num_pages):
            yield self.read_page(index + 1)
            if index % _PAGES_PER_CLEANING == _PAGES_PER_CLEANING - 1:
                pymupdf.TOOLS.store_shrink(100)  # else MuPDF keeps up to 256 MiB of fonts and images

    def read_page(self, number: int) -> Page:
        """Read one page, counted from 1."""
        try:
            return _read_page(self.document[number - 1], number)
        except MemoryError:
            raise
        except Exception as error:  # MuPDF's own errors, of any kind, concern this page alone
            _check_memory(error)
            return Page(number, 0, 0, problem=f"corrupt: {error}")

    def draw(self, number: int, pixels_per_point: float) -> bytes:
        """Return a picture of a page as PNG."""
        pixmap = self.document[number - 1].get_pixmap(matrix=pymupdf.Matrix(pixels_per_point, pixels_per_point))
        png: bytes = pixmap.tobytes("png")
        return png

    def close(self) -> None:
        """Free what the library holds."""
        self.document.close()


def _check_memory(error: Exception) -> None:
    """Tell what befell the process from what is the matter with a page.

    Raises:
        MemoryError: MuPDF says that the system refused (`malloc failed`).
    """
    if str(error).startswith("code=2:"):
        raise MemoryError(str(error)) from None


def _facts(document: pymupdf.Document) -> FileFacts:
    said = {key: tidy(value) for key, value in (document.metadata or {}).items() if isinstance(value, str)}
    language = document.xref_get_key(document.pdf_catalog(), "Lang")[1] if document.is_pdf else ""
    return FileFacts(
        title=said.get("title", ""),
        authors=said.get("author", ""),
        language="" if language == "null" else language,
        creator=said.get("creator", ""),
        producer=said.get("producer", ""),
        date=said.get("creationDate", ""),
        form=bool(document.is_form_pdf),
    )


def _read_page(page: pymupdf.Page, number: int) -> Page:
    result = Page(number, page.rect.width, page.rect.height, page.rotation)
    matrix = page.rotation_matrix if page.rotation else None
    blocks = page.get_text("dict", flags=_FLAGS)["blocks"]
    if may_lack_spaces(blocks):
        blocks = fill_gaps(page.get_text("rawdict", flags=_FLAGS)["blocks"])
    for block in blocks:
        if block["type"] == _TEXT:
            for line in block["lines"]:
                read = _read_line(line, matrix)
                if read is not None:
                    result.lines.append(read)
    _read_drawings(page, result)
    if page.get_images() or not result.lines:
        result.images = [_turn(tuple(image["bbox"]), matrix) for image in page.get_image_info()]
    link = page.first_link
    while link:
        if link.is_external and link.uri:
            result.links.append(Link(tuple(link.rect), link.uri))
        link = link.next
    return result


def _read_line(line: dict[str, Any], matrix: pymupdf.Matrix | None) -> Line | None:
    if not any(not span["text"].isspace() for span in line["spans"]):
        return None
    spans = [_read_span(span, matrix) for span in line["spans"]]
    longest = spans[0] if len(spans) == 1 else max(spans, key=lambda span: len(span.text.strip()))
    written = [span for span in spans if span.text.strip()]
    mono = all(span.mono for span in written)
    text = tidy("".join([raise_digits(span) for span in spans]), keep_spaces=mono)
    if not text:
        return None
    return Line(
        box=_turn(line["bbox"], matrix),
        text=text,
        size=longest.size,
        font=longest.font,
        bold=all(span.bold for span in written),
        italic=all(span.italic for span in written),
        mono=mono,
        turn=_quarter_turns(line["dir"][0], line["dir"][1], matrix),
        hidden=all(not span["char_flags"] & (_FILLED | _STROKED) for span in line["spans"]),
        spans=spans,
    )


def _read_span(span: dict[str, Any], matrix: pymupdf.Matrix | None) -> Span:
    font: str = span["font"]
    bold, italic, mono, superscript = _style(font, span["flags"])
    box = span["bbox"] if matrix is None else _turn(span["bbox"], matrix)
    return Span(box, span["text"], round(span["size"], 1), font, bold, italic, mono, superscript)


@lru_cache(maxsize=1024)
def _style(font: str, flags: int) -> tuple[bool, bool, bool, bool]:
    """Return whether a font is bold, italic, monospaced, raised."""
    bold = bool(flags & _BOLD) or is_bold_name(font)
    mono = bool(flags & _MONO) or is_mono_name(font)
    return bold, bool(flags & _ITALIC), mono, bool(flags & _SUPERSCRIPT)


def _turn(box: _Rect, matrix: pymupdf.Matrix | None) -> Box:
    """Return a box as it lies on the page as shown."""
    return box if matrix is None else tuple((pymupdf.Rect(box) * matrix).normalize())


def _quarter_turns(cosine: float, sine: float, matrix: pymupdf.Matrix | None) -> int:
    if matrix is not None:
        cosine, sine = cosine * matrix.a + sine * matrix.c, cosine * matrix.b + sine * matrix.d
    if abs(cosine) > 0.99:
        return 0 if cosine > 0 else 2
    if abs(sine) > 0.99:
        return 1 if sine > 0 else 3
    return -1


def _read_drawings(page: pymupdf.Page, result: Page) -> None:
    """Sort vector graphics into rulings and other drawings."""
    drawings = page.get_cdrawings()
    if len(drawings) > _MOST_PATHS:
        result.drawings.append((0.0, 0.0, result.width, result.height))
        return
    matrix = page.rotation_matrix if page.rotation else None
    for drawing in drawings:
        for item in drawing["items"]:
            match item[0]:
                case "l":
                    (x0, y0), (x1, y1) = item[1:3]
                    rect = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
                case "re":
                    rect = tuple(item[1])
                case _:  # curves and quadrilaterals
                    result.drawings.append(_turn(drawing["rect"], matrix))
                    break
            box = _turn(rect, matrix)
            outlined = item[0] == "re" and "s" in drawing["type"]
            _sort_drawing(box, outlined, result)


def _sort_drawing(box: Box, outlined: bool, page: Page) -> None:
    x0, y0, x1, y1 = box
    if y1 - y0 <= _THIN and x1 - x0 > _THIN:
        page.horizontal_rulings.append(box)
    elif x1 - x0 <= _THIN and y1 - y0 > _THIN:
        page.vertical_rulings.append(box)
    elif outlined:
        page.horizontal_rulings += [(x0, y0, x1, y0), (x0, y1, x1, y1)]
        page.vertical_rulings += [(x0, y0, x0, y1), (x1, y0, x1, y1)]
        page.drawings.append(box)
    elif x1 - x0 > _THIN or y1 - y0 > _THIN:
        page.drawings.append(box)
