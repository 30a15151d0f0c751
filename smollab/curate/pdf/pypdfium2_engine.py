"""Read PDF files with pypdfium2 (Apache-2.0 or BSD-3-Clause), where PyMuPDF's AGPL cannot be taken.

PDFium gives characters with boxes; lines are put together here, and cut at wide gaps as MuPDF does, so that the same
layout works on both. What PDFium does not tell, or tells too slowly: whether type is bold or italic is read off the
name of the font; superscripts and underlined text are not known.
"""

import ctypes
import math
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from smollab.curate.pdf.letters import LIGATURE_CODES, is_bold_name, is_italic_name, is_mono_name, tidy
from smollab.curate.pdf.page import Box, FileFacts, Line, Page, Span, UnreadablePdf, union
from smollab.curate.pdf.rotation import turn_box

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_WIDE_GAP = 0.8
"""Of a font size: a line is cut at wider gaps, as MuPDF does."""
_THIN = 3.0
_HYPHEN = "\ufffe"
"""What PDFium writes for a hyphen at the end of a line."""
_INVISIBLE = 3
_MOST_OBJECTS = 20_000


def open_pdf(pdf: bytes) -> "PdfiumFile":
    """Open a PDF file.

    Raises:
        UnreadablePdf: encrypted, not a PDF, broken, or without pages.
    """
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        # PDFium's last error may be that about another file: one without the word is not encrypted.
        encrypted = getattr(error, "err_code", None) == _PASSWORD_ERROR or "password" in str(error).lower()
        encrypted = encrypted and b"/Encrypt" in pdf
        raise UnreadablePdf("encrypted" if encrypted else f"corrupt: {error}") from None
    if not len(document):
        document.close()
        raise UnreadablePdf("no pages")
    return PdfiumFile(document)


class PdfiumFile:
    """An open file: `page.PdfFile`."""

    def __init__(self, document: pypdfium2.PdfDocument):
        self.document = document
        self.num_pages = len(document)
        said = {key: tidy(value) for key, value in document.get_metadata_dict().items()}
        self.facts = FileFacts(
            title=said.get("Title", ""),
            authors=said.get("Author", ""),
            language="",
            creator=said.get("Creator", ""),
            producer=said.get("Producer", ""),
            date=said.get("CreationDate", ""),
            form=document.get_formtype() != pdfium.FORMTYPE_NONE,
        )

    def pages(self) -> Iterator[Page]:
        """Yield the pages in order; one that cannot be read has a `problem` and no lines."""
        for index in range(self.num_pages):
            yield self.read_page(index + 1)

    def read_page(self, number: int) -> Page:
        """Read one page, counted from 1."""
        try:
            page = self.document[number - 1]
            try:
                return _read_page(page, number)
            finally:
                page.close()
        except pypdfium2.PdfiumError as error:
            return Page(number, 0, 0, problem=f"corrupt: {error}")

    def draw(self, number: int, pixels_per_point: float) -> bytes:
        """Return a picture of a page as PNG."""
        import io

        stream = io.BytesIO()
        self.document[number - 1].render(scale=pixels_per_point).to_pil().save(stream, "PNG")
        return stream.getvalue()

    def close(self) -> None:
        """Free what the library holds."""
        self.document.close()


def _read_page(page: pypdfium2.PdfPage, number: int) -> Page:
    width, height = page.get_size()
    result = Page(number, width, height, page.get_rotation())
    show = _to_shown(page, width, height)
    text_page = page.get_textpage()
    try:
        result.lines = [line for line in _read_lines(text_page, show) if line.text]
    finally:
        text_page.close()
    for k, item in enumerate(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_IMAGE])):
        if k > _MOST_OBJECTS:
            break
        box = show(*item.get_bounds())
        if item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            result.images.append(box)
        elif box[3] - box[1] <= _THIN < box[2] - box[0]:
            result.horizontal_rulings.append(box)
        elif box[2] - box[0] <= _THIN < box[3] - box[1]:
            result.vertical_rulings.append(box)
        elif box[2] - box[0] > _THIN:
            result.drawings.append(box)
    return result


class _Show:
    """Turns a box of PDF space (origin at the lower left, unrotated) into one of the page as shown."""

    def __init__(self, left: float, top: float, turns: int, width: float, height: float):
        self.left, self.top, self.turns, self.width, self.height = left, top, turns, width, height

    def __call__(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        box = (x0 - self.left, self.top - y1, x1 - self.left, self.top - y0)
        return turn_box(box, self.turns, self.width, self.height)


def _to_shown(page: pypdfium2.PdfPage, width: float, height: float) -> _Show:
    left, _, _, top = page.get_bbox()  # knows boxes that the page inherits, which get_cropbox does not
    turns = page.get_rotation() // 90
    return _Show(left, top, turns, *((height, width) if turns % 2 else (width, height)))


_Letter = tuple[int, str, Box]
"""Index on the page, character, box in PDF space."""


def _read_lines(text_page: pypdfium2.PdfTextPage, show: _Show) -> Iterator[Line]:
    """Yield the lines of a page: characters up to a line break, cut at wide gaps."""
    handle, rect = text_page.raw, pdfium.FS_RECTF()
    run: list[_Letter] = []
    for k in range(text_page.count_chars()):
        letter = chr(pdfium.FPDFText_GetUnicode(handle, k))
        if letter in "\r\n":
            yield from _cut(handle, run, show)
            run = []
        elif pdfium.FPDFText_GetLooseCharBox(handle, k, rect):
            letter = "-" if letter == _HYPHEN else LIGATURE_CODES.get(letter, letter)
            run.append((k, letter, (rect.left, rect.bottom, rect.right, rect.top)))
    yield from _cut(handle, run, show)


def _cut(handle: object, run: list[_Letter], show: _Show) -> Iterator[Line]:
    while run and run[-1][1].isspace():
        run.pop()
    if not run:
        return
    (fx0, fy0, fx1, fy1), (lx0, ly0, lx1, ly1) = run[0][2], run[-1][2]
    rise, advance = (ly0 + ly1 - fy0 - fy1) / 2, (lx0 + lx1 - fx0 - fx1) / 2
    if abs(rise) > 2 * abs(advance) and len(run) > 2:
        yield _line(handle, run, show, 3 if rise > 0 else 1)
        return
    if advance < 0 and len(run) > 3 and fx1 - fx0 < -advance:
        yield _line(handle, run, show, 2)
        return
    begin, end = 0, run[0][2][2]
    for k, (_, letter, box) in enumerate(run):
        if letter.isspace():
            continue
        if box[0] - end > _WIDE_GAP * (box[3] - box[1]):
            yield _line(handle, run[begin:k], show, 0)
            begin = k
        end = box[2]
    yield _line(handle, run[begin:], show, 0)


def _line(handle: object, run: list[_Letter], show: _Show, turn: int) -> Line:
    written = [(k, box) for k, letter, box in run if not letter.isspace() and box[2] > box[0]]
    if not written:
        written = [(run[0][0], run[0][2])]
    middle = written[len(written) // 2][0]
    name = _font_name(handle, middle)
    mono = is_mono_name(name)
    raw = "".join(letter for _, letter, _ in run)
    return Line(
        box=show(*union([box for _, box in written])),
        text=tidy(raw, keep_spaces=mono),
        size=round(pdfium.FPDFText_GetFontSize(handle, middle) * _scale(handle, middle), 1),
        font=name,
        bold=is_bold_name(name),
        italic=is_italic_name(name),
        mono=mono,
        turn=(turn + show.turns) % 4,
        hidden=pdfium.FPDFTextObj_GetTextRenderMode(pdfium.FPDFText_GetTextObject(handle, middle)) == _INVISIBLE,
        spans=_words(run, show, name),
    )


def _words(run: list[_Letter], show: _Show, font: str) -> list[Span]:
    """Return the words of a line as its spans."""
    spans: list[Span] = []
    word: list[_Letter] = []
    for letter in [*run, (0, " ", run[-1][2])]:
        if not letter[1].isspace():
            word.append(letter)
        elif word:
            box = show(*union([box for _, _, box in word]))
            text = "".join(character for _, character, _ in word) + " "
            bold, italic, mono = is_bold_name(font), is_italic_name(font), is_mono_name(font)
            spans.append(Span(box, text, round(box[3] - box[1], 1), font, bold, italic, mono, False))
            word = []
    return spans


def _font_name(handle: object, index: int) -> str:
    buffer = ctypes.create_string_buffer(128)
    length = pdfium.FPDFText_GetFontInfo(handle, index, buffer, 128, None)
    name = buffer.raw[: max(0, min(length, 128) - 1)].decode("utf-8", "replace")
    return name[7:] if name[6:7] == "+" else name


def _scale(handle: object, index: int) -> float:
    """Return by how much the text matrix enlarges the font: PDFium tells the size before it."""
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(handle, index, matrix):
        return 1.0
    return math.hypot(matrix.c, matrix.d) or 1.0
