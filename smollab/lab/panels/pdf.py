"""A page of a PDF with its blocks and their order, and the thresholds that decide on both."""

from typing import TYPE_CHECKING

import numpy as np

from smollab.curate.pdf.page import Block
from smollab.curate.pdf.reading_order import MIN_GUTTER
from smollab.curate.pdf.running_titles import REPEAT_SHARE
from smollab.lab.panels.panel import Panel, dropdown, int_slider, slider
from smollab.lab.pdf import SAMPLES, arrange_sample, draw_page, kept_blocks, open_sample, route
from smollab.plots.pdf import plot_page
from smollab.recipe import ExtractPdf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXCERPT = 170
"""Characters of the text before and after that the readout shows."""


class PdfPanel(Panel):
    """Gutter, repetition and triage over pages of sample files.

    Args:
        first: name of the file at the beginning, one of `SAMPLES`' values.
        page: of those that are shown, counted from 1.
    """

    def __init__(self, first: str = "latex-news", page: int = 4) -> None:
        self.file = dropdown("file", list(SAMPLES.items()), first)
        self.page = int_slider("page shown", page, 1, len(open_sample(first).pages), live=False)
        self.gutter = slider("gutter is at least (points)", MIN_GUTTER, 2, 120, 2, ".0f", live=False)
        self.repeat = slider("titles on share of pages", REPEAT_SHARE, 0.05, 1, 0.05, ".2f", live=False)
        self.threshold = slider("scan from probability", ExtractPdf().scan_probability, 0, 1, 0.05, ".2f")
        self.file.observe(lambda change: self.offer(self.page, len(open_sample(self.file.value).pages)), "value")
        super().__init__(self.file, self.page, self.gutter, self.repeat, self.threshold)

    def compute(self) -> "tuple[Figure, str]":
        """Lay the pages out by the present thresholds."""
        sample = open_sample(self.file.value)
        index = min(self.page.value, len(sample.pages)) - 1
        page, probability = sample.pages[index], sample.probabilities[index]
        blocks, texts = arrange_sample(sample, self.gutter.value, self.repeat.value)
        kept, left_out = kept_blocks(blocks, page.number)
        shapes = lambda part: [(block.box, block.kind) for block in part]
        picture = np.asarray(draw_page(sample.name, page.number, 0.9))
        title = f"page {page.number}: {len(kept)} blocks in reading order, {len(left_out)} left out"
        figure = plot_page(picture, (page.width, page.height), shapes(kept), shapes(left_out), title)
        titles = sum(block.kind in ("running title", "page number") for block in blocks)
        to_ocr = sum(p >= self.threshold.value for p in sample.probabilities)
        lines = [
            f"Page {page.number}: P(scan) {probability:.3f}, goes to {route(probability, self.threshold.value)}; "
            f"{to_ocr} of {len(sample.pages)} pages go to OCR.",
            f"{len(kept)} blocks of text, {len(left_out)} left out ({_kinds(left_out)}); over all {len(sample.pages)} "
            f"pages {titles} running titles and page numbers are gone.",
            f"From top to bottom: {_excerpt(sample.plain[index])}",
            f"Laid out: {_excerpt(texts[index])}",
        ]
        return figure, "\n".join(lines)


def _kinds(blocks: list[Block]) -> str:
    names = sorted({block.kind for block in blocks})
    return ", ".join(names) if names else "none"


def _excerpt(text: str) -> str:
    """Return the middle of a text on one line: its beginning says little of the order."""
    words = " ".join(text.split())
    start = max(0, len(words) // 3)
    return f"… {words[start : start + EXCERPT]} …" if words else "(nothing)"
