"""The way of each page: its embedded text, OCR, or neither.

    P(scan) below the threshold                  its text is taken as it is
    P(scan) at or above it, OCR at hand          the page is drawn and read
    P(scan) at or above it, no OCR               the page gives nothing and is counted: "needs OCR"

A file may be all three; its pages stay in order. A page whose letters are garbled (`garbled`) goes the same way as a
scan.

**Source**: FinePDFs sends a whole file to OCR when P(scan) >= 0.2 or one replacement character is among its letters.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smollab.curate.pdf.ocr import Drawable, Ocr, missing
from smollab.curate.pdf.page import FileFacts, Page
from smollab.curate.pdf.triage import load_triage, measure_page
from smollab.recipe import ExtractPdf

__all__ = ["NEEDS_OCR", "Router"]

NEEDS_OCR = "needs OCR"
"""The `problem` of a page that cannot be read without."""
_MOST_PAGES = 1000
"""Pages of one file that are recognized; what is beyond is counted as needing OCR."""


@dataclass
class Router:
    """Decides on the pages of one file, and reads the scanned ones."""

    settings: ExtractPdf
    file: Drawable
    facts: FileFacts
    before_ocr: Callable[[], None] = lambda: None
    """Called before a page is recognized: allows it CPU time of its own."""
    probabilities: list[float] = field(default_factory=list)
    """P(scan) of each page so far, in order."""
    recognized: list[int] = field(default_factory=list)
    """Numbers of the pages read by OCR."""
    unread: list[int] = field(default_factory=list)
    """Numbers of the pages that need OCR and did not get it."""
    _ocr: Ocr | None = None

    def route(self, page: Page, garbled: bool = False) -> None:
        """Decide on a page; a scan's lines are replaced by recognized ones, or it gets a `problem`."""
        if page.problem:
            return
        probability = float(load_triage().probability(measure_page(page, self.facts)))
        self.probabilities.append(probability)
        if probability < self.settings.scan_probability and not garbled:
            return
        page.lines = []
        if self.settings.ocr == "none" or missing(self.settings.ocr_languages) or len(self.recognized) >= _MOST_PAGES:
            page.problem = NEEDS_OCR
            self.unread.append(page.number)
            return
        self.before_ocr()
        self._ocr = self._ocr or Ocr(self._languages())
        page.lines = self._ocr.read(page, self.file)
        # The picture of the page is no figure on it.
        page.images, page.drawings, page.horizontal_rulings, page.vertical_rulings = [], [], [], []
        self.recognized.append(page.number)

    def _languages(self) -> tuple[str, ...]:
        """Return the declared language, if it is one of ours, or all of ours."""
        declared = self.facts.language[:2].lower()
        return (declared,) if declared in self.settings.ocr_languages else self.settings.ocr_languages

    def notes(self) -> dict[str, Any]:
        """Return what is worth keeping with the document: how many pages were scans, read or not."""
        notes: dict[str, Any] = {}
        if self.probabilities:
            notes["scan_probability"] = round(sum(self.probabilities) / len(self.probabilities), 4)
        if self.recognized:
            notes["pages_by_ocr"] = len(self.recognized)
        if self.unread:
            notes["pages_needing_ocr"] = len(self.unread)
        return notes
