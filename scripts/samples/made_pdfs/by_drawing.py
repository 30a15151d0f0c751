"""Documents drawn call by call, as programs of offices do: text in any order, words one by one, rules as thin boxes."""

from collections.abc import Callable
from pathlib import Path

import pymupdf

from samples.made_pdfs import content
from samples.made_pdfs.content import Texts
from samples.made_pdfs.elements import Element, MadePdf, expand

Made = tuple[pymupdf.Document, list[Element]]
WIDTH, HEIGHT, MARGIN, LEADING = 595.0, 842.0, 60.0, 13.0


class Sheet:
    """A page to write on, with a pen that moves down."""

    def __init__(self, document: pymupdf.Document, width: float = WIDTH, height: float = HEIGHT):
        self.page = document.new_page(width=width, height=height)
        self.y = MARGIN

    def text(self, x: float, y: float, text: str, size: float = 10, font: str = "tiro") -> None:
        """Draw a text with its base line at y."""
        self.page.insert_text((x, y), text, fontsize=size, fontname=font)

    def lines(self, element: Element, x: float, width: float, word_by_word: bool = False) -> None:
        """Break a paragraph into lines and draw them."""
        heading = element.kind in ("heading", "title")
        size, font = (13, "tibo") if heading else (10, "tiro")
        line: list[str] = []
        for word in [*element.text.split(), ""]:
            if word and _width(" ".join([*line, word]), size, font) <= width:
                line.append(word)
                continue
            if word_by_word:
                at = x
                for piece in line:
                    self.text(at, self.y, piece, size, font)
                    at += _width(piece + " ", size, font)
            else:
                self.text(x, self.y, " ".join(line), size, font)
            self.y += LEADING if not heading else 18
            line = [word]
        self.y += 5

    def table(self, element: Element, x: float, widths: list[float], by_column: bool, rules: str) -> None:
        """Draw a table, cells row by row or column by column; numbers stand on the right of their column."""
        grid = expand(element.rows)
        edges = [x + sum(widths[:i]) for i in range(len(widths) + 1)]
        top, height = self.y, 16.0
        order = [(r, c) for r in range(len(grid)) for c in range(len(widths))]
        for row, column in sorted(order, key=lambda place: place[::-1]) if by_column else order:
            text, font = grid[row][column], "hebo" if row == 0 else "helv"
            shift = widths[column] - 8 - _width(text, 8.5, font) if column else 0
            self.text(edges[column] + 4 + shift, top + row * height + 11, text, 8.5, font)
        bottom = top + height * len(grid)
        if rules == "boxes":  # rules as filled rectangles, as many office programs write them
            for row in range(len(grid) + 1):
                self._fill(edges[0], top + row * height, edges[-1], top + row * height + 0.6)
            for edge in edges:
                self._fill(edge, top, edge + 0.6, bottom)
        elif rules == "cells":  # a stroked rectangle for each cell
            for row, column in order:
                y = top + row * height
                self.page.draw_rect(pymupdf.Rect(edges[column], y, edges[column + 1], y + height), width=0.4)
        self.y = bottom + 22

    def _fill(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.page.draw_rect(pymupdf.Rect(x0, y0, x1, y1), color=None, fill=(0, 0, 0))


def _width(text: str, size: float, font: str) -> float:
    return pymupdf.get_text_length(text, fontname=font, fontsize=size)


def office(t: Texts, rules: str) -> Made:
    """A letter with a table, its cells drawn column by column."""
    document, table = pymupdf.open(), content.figures(t, 8, 3)
    above, below = [Element("title", "Water account"), *t.paragraphs(3)], t.paragraphs(3)
    sheet = Sheet(document)
    for element in above:
        sheet.lines(element, MARGIN, WIDTH - 2 * MARGIN)
    sheet.table(table, MARGIN, [190, 90, 90, 90], True, rules)
    for element in below:
        sheet.lines(element, MARGIN, WIDTH - 2 * MARGIN)
    return document, [*above, table, *below]


def words(t: Texts) -> Made:
    """Two columns drawn word by word, the right column first, the title last."""
    document, title = pymupdf.open(), Element("title", "A report in two columns")
    left, right = [t.heading(), *t.paragraphs(4, 90)], [t.heading(), *t.paragraphs(4, 90)]
    sheet = Sheet(document)
    for x, column in ((310, right), (MARGIN, left)):
        sheet.y = MARGIN + 40
        for element in column:
            sheet.lines(element, x, 225, word_by_word=True)
    sheet.y = MARGIN
    sheet.lines(title, MARGIN, 400)
    return document, [title, *left, *right]


def turned(t: Texts) -> Made:
    """A page set on its side and shown upright by `/Rotate`, with a table."""
    document, table = pymupdf.open(), content.figures(t, 7, 5)
    text = [t.heading(), *t.paragraphs(2), table, *t.paragraphs(2)]
    sheet = Sheet(document, HEIGHT, WIDTH)
    for element in text:
        if element.kind == "table":
            sheet.table(element, MARGIN, [190, 80, 80, 80, 80, 80], False, "cells")
        else:
            sheet.lines(element, MARGIN, HEIGHT - 2 * MARGIN)
    drawn = document[0]
    turned_ = pymupdf.open()
    page = turned_.new_page(width=WIDTH, height=HEIGHT)
    page.show_pdf_page(page.rect, document, 0, rotate=90)
    page.set_rotation(90)
    del drawn
    return turned_, text


def running_titles(t: Texts) -> Made:
    """Six pages with running titles and page numbers that are drawn after the text."""
    document, text = pymupdf.open(), []
    for number in range(1, 7):
        sheet = Sheet(document)
        sheet.y += 20
        for element in (t.heading(), *t.paragraphs(4)):
            sheet.lines(element, MARGIN, WIDTH - 2 * MARGIN)
            text.append(element)
        sheet.text(MARGIN, 40, f"Yearbook of Water — {['Wells', 'Springs'][number // 4]}", 8)
        sheet.text(WIDTH / 2, HEIGHT - 30, f"Page {number} of 6", 8)
    return document, text


LAYOUTS: tuple[tuple[str, str, Callable[[Texts], Made]], ...] = (
    ("drawn-boxes", "drawn by columns, rules as thin boxes", lambda t: office(t, "boxes")),
    ("drawn-unruled", "drawn by columns, unruled table", lambda t: office(t, "none")),
    ("drawn-words", "two columns drawn word by word, title last", words),
    ("drawn-turned", "a page turned by /Rotate, cells as boxes", turned),
    ("drawn-running-titles", "running titles and page numbers on six pages", running_titles),
)


def made(jargon: Path) -> list[MadePdf]:
    """Make all documents."""
    result = []
    for seed, (name, layout, make) in enumerate(LAYOUTS, start=200):
        document, elements = make(Texts("en", jargon, seed))
        result.append(MadePdf(name, layout, "en", document.tobytes(), elements))
        document.close()
    return result
