"""Letters from pictures of pages: Tesseract, an optional extra (`pip install "smollab[ocr]"` and its language data).

A page is drawn as a gray picture, Tesseract finds its lines, and the lines go the way of all others: columns,
paragraphs and hyphens are the layout's business, not Tesseract's. Three things are put right before:

- *Skew.* Lines of a page that lies askew overlap; they are turned back by the median slope of their base lines.
- *Size.* The height of a line depends on its letters; all within a third of the page's median count as that.
- *Language.* Tesseract reads with one language's letters and words. Where none is declared, the first page is read
  with all of them, its language is identified, and the other pages are read with that one.

**Source**: Smith 2007, "An Overview of the Tesseract OCR Engine"; the LSTM models are of Tesseract 4 and later
(Apache-2.0), tesserocr (MIT) binds them. FinePDFs uses RolmOCR, a vision-language model, on GPUs instead; the loops
that such a model can fall into do not occur here, so nothing stops them.

**Cost**: 1 to 3 CPU seconds for a page of text, a hundred times what embedded text costs.

**Fails when**: handwriting; formulas; tables with rulings through the letters.
"""

import importlib.util
import io
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from smollab.curate.language import detect
from smollab.curate.pdf.page import Box, Line, Page

__all__ = ["LANGUAGES", "Ocr", "find_language_data", "missing"]

LANGUAGES = {"en": "eng", "fr": "fra", "es": "spa", "de": "deu", "it": "ita", "pt": "por", "vi": "vie"}
"""ISO 639-1 -> Tesseract's name."""
_FOLDERS = ("/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata")
"""Where Debian, Ubuntu, Fedora and Arch put language data; `TESSDATA_PREFIX` and conda's folder come first."""
_DPI = 300
"""Tesseract was trained on 300 dots per inch."""
_MOST_PIXELS = 40_000_000
"""A larger page is drawn smaller."""
_SAME_SIZE = 0.35
"""Heights that differ by less than this share of the median count as it."""
_LEAST_CONFIDENCE = 30
"""Percent; lines with less are specks and rulings."""


class Drawable(Protocol):
    """An open file that can draw its pages: what both engines give."""

    def draw(self, number: int, pixels_per_point: float) -> bytes:
        """Return a picture of a page, counted from 1, as PNG."""
        ...


def find_language_data() -> Path | None:
    """Return the folder with Tesseract's language data, or None."""
    conda = os.environ.get("CONDA_PREFIX")
    candidates = [os.environ.get("TESSDATA_PREFIX"), f"{conda}/share/tessdata" if conda else None, *_FOLDERS]
    return next((Path(place) for place in candidates if place and any(Path(place).glob("*.traineddata"))), None)


def missing(languages: Sequence[str]) -> str:
    """Return what keeps OCR from working, and the way out; empty if nothing does."""
    if importlib.util.find_spec("tesserocr") is None:
        return 'tesserocr is not installed: pip install "smollab[ocr]"'
    folder = find_language_data()
    if folder is None:
        return "no language data for Tesseract: apt-get install tesseract-ocr-eng, or set TESSDATA_PREFIX"
    lacking = [LANGUAGES.get(name, name) for name in languages]
    lacking = [name for name in lacking if not (folder / f"{name}.traineddata").exists()]
    return f"{folder} has no {lacking[0]}.traineddata: apt-get install tesseract-ocr-{lacking[0]}" if lacking else ""


class Ocr:
    """Reads the scanned pages of one file."""

    def __init__(self, languages: Sequence[str]):
        """Prepare for a file.

        Args:
            languages: that it may be in, ISO 639-1; with a single one nothing has to be found out.

        Raises:
            RuntimeError: what `missing` says.
        """
        problem = missing(languages)
        if problem:
            raise RuntimeError(problem)
        self._languages = tuple(languages)
        self._found = languages[0] if len(languages) == 1 else ""

    def read(self, page: Page, file: Drawable) -> list[Line]:
        """Return the lines of text in a picture of a page; their order is Tesseract's."""
        scale = min(_DPI / 72, (_MOST_PIXELS / max(page.width * page.height, 1.0)) ** 0.5)
        png = file.draw(page.number, scale)
        lines = self._recognize(png, scale, (self._found,) if self._found else self._languages)
        if not self._found and sum(len(line.text) for line in lines) > 200:
            found, _ = detect("\n".join(line.text for line in lines))
            self._found = found if found in self._languages else self._languages[0]
            lines = self._recognize(png, scale, (self._found,))
        return lines

    def _recognize(self, png: bytes, scale: float, languages: Sequence[str]) -> list[Line]:
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # else it starts four threads in each of our processes
        import tesserocr
        from PIL import Image

        names = "+".join(LANGUAGES.get(name, name) for name in languages)
        raw: list[tuple[Box, str, float, tuple[float, float]]] = []
        with (
            tesserocr.PyTessBaseAPI(path=f"{find_language_data()}/", lang=names, psm=tesserocr.PSM.AUTO) as reader,
            Image.open(io.BytesIO(png)) as picture,
        ):
            reader.SetImage(picture.convert("L"))
            reader.SetSourceResolution(round(scale * 72))
            if not reader.Recognize():
                return []
            level = tesserocr.RIL.TEXTLINE
            for item in tesserocr.iterate_level(reader.GetIterator(), level):
                raw += _read_item(item, level)
        return _straighten(raw, scale)


def _read_item(item: Any, level: Any) -> list[tuple[Box, str, float, tuple[float, float]]]:
    """Return a line's box, text, slope and the middle of its base line, all in pixels; none of a speck."""
    if item.Empty(level) or item.Confidence(level) < _LEAST_CONFIDENCE:
        return []
    text, box, base = item.GetUTF8Text(level), item.BoundingBox(level), item.Baseline(level)
    if not (text and text.strip() and box and base):
        return []
    (x0, y0), (x1, y1) = base
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    left, top, right, bottom = map(float, box)
    return [((left, top, right, bottom), text.strip(), slope, ((x0 + x1) / 2, (y0 + y1) / 2))]


def _straighten(raw: Sequence[tuple[Box, str, float, tuple[float, float]]], scale: float) -> list[Line]:
    """Turn lines in pixels of a page that lies askew into lines in points of a straight one."""
    if not raw:
        return []
    slope = statistics.median(slope for _, _, slope, _ in raw)
    # What a slope adds to the height of a box, taken off again.
    heights = [max((box[3] - box[1]) - abs(slope) * (box[2] - box[0]), 1.0) for box, *_ in raw]
    usual = statistics.median(heights)
    lines = []
    for (box, text, _, (x, y)), height in zip(raw, heights, strict=True):
        size = usual if abs(height - usual) < _SAME_SIZE * usual else height
        base = (y - slope * x) / scale  # where the base line meets the left edge, once it is level
        top, bottom = base - 0.8 * size / scale, base + 0.2 * size / scale
        shift = slope * y / scale
        place = (box[0] / scale + shift, top, box[2] / scale + shift, bottom)
        lines.append(Line(place, text, round(size / scale, 1), "", False, False, False))
    return lines
