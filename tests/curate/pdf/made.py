"""Lines, pages and whole PDF files whose reading order is known, for the tests of layout."""

import re
from functools import lru_cache

import pymupdf

from smollab.curate.pdf.page import Line, Page
from smollab.curate.pdf.pymupdf_engine import open_pdf
from smollab.curate.pdf.read import read_document

WORDS = re.findall(
    r"\w+",
    "the harbor was built by engineers who measured every stone before it was lowered into cold water and "
    "recorded its weight depth and origin in long tables that nobody has read since the last war ended here",
)


def line(x0, y0, text, *, size=10.0, width=None, **features):
    """A line whose letters are half as wide as they are high."""
    width = 0.5 * size * len(text) if width is None else width
    given = {"font": "Serif", "bold": False, "italic": False, "mono": False} | features
    return Line(box=(x0, y0, x0 + width, y0 + size), text=text, size=size, **given)


def paragraph(x0, y0, texts, *, pitch=12.0, **features):
    return [line(x0, y0 + pitch * k, text, **features) for k, text in enumerate(texts)]


def page(*lines, number=1, width=600.0, height=800.0, **more):
    return Page(number, width, height, lines=list(lines), **more)


def sentences(seed, count):
    """Sentences that differ from one another and from those of other seeds."""
    return [
        f"Sentence {seed}.{k} says that "
        + " ".join(WORDS[(7 * seed + 5 * k + j) % len(WORDS)] for j in range(9 + k % 5))
        + "."
        for k in range(count)
    ]


FONTS = {name: pymupdf.Font(name) for name in ("tiro", "tibo", "tiit", "helv", "hebo", "cour")}
"""Times regular, bold and italic, Helvetica regular and bold, Courier."""


@lru_cache(maxsize=4096)
def word_width(word, font):
    """In font sizes."""
    return FONTS[font].text_length(word, 1)


class Paper:
    """Writes PDF pages with text in boxes; what is written is the truth that the layout must find."""

    def __init__(self, width=612, height=792):
        self.document = pymupdf.open()
        self.size = (width, height)
        self.writers = []

    def new_page(self):
        self.page = self.document.new_page(width=self.size[0], height=self.size[1])
        self.writers.append(pymupdf.TextWriter(self.page.rect))

    def text(self, x, y, text, size=10, font="tiro"):
        self.writers[-1].append((x, y), text, font=FONTS[font], fontsize=size)

    def flow(self, text, boxes, size=10, font="tiro", indent=12):
        """Set paragraphs, justified, one box after the other, over pages where a box is None; hyphens as they come."""
        pending = [(paragraph.split(), True) for paragraph in text]
        boxes = list(boxes)
        while pending and boxes:
            box = boxes.pop(0)
            if box is None:
                self.new_page()
                continue
            x0, y, x1, y1 = box
            y += size
            while pending and y <= y1:
                words, first = pending[0]
                left = x0 + (indent if first else 0)
                taken = 1
                while taken < len(words) and self._width(words[: taken + 1], size, font) <= x1 - left:
                    taken += 1
                self._set(words[:taken], left, y, x1, size, font, justify=taken < len(words))
                y += 1.2 * size
                pending[0] = (words[taken:], False)
                if not pending[0][0]:
                    pending.pop(0)
        assert not pending, "the boxes are too small"
        return boxes

    def _width(self, words, size, font):
        return size * (sum(map(word_width, words, [font] * len(words))) + (len(words) - 1) * word_width(" ", font))

    def _set(self, words, x, y, right, size, font, justify):
        space = size * word_width(" ", font)
        if justify and len(words) > 1:
            natural = sum(self._width([word], size, font) for word in words)
            space = (right - x - natural) / (len(words) - 1)
        for word in words:
            self.text(x, y, word, size, font)
            x += self._width([word], size, font) + space

    def tobytes(self):
        for page, writer in zip(self.document, self.writers, strict=True):
            writer.write_text(page)
            writer.__init__(page.rect)
        return self.document.tobytes()

    def read(self):
        file = open_pdf(self.tobytes())
        try:
            return read_document(file)
        finally:
            file.close()
