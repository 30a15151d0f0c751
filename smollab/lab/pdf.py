"""PDFs for notebook 1.2: sample files with their pages, text in the order of the file, and the same laid out.

Reading a page with PyMuPDF brings the program that does it under the AGPL; `engine="pypdfium2"` does not.
"""

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from PIL.Image import open as open_image

from smollab.curate.pdf.layout import arrange, finish_page, prepare_page
from smollab.curate.pdf.markdown import write_text
from smollab.curate.pdf.page import DROPPED, Block, Page
from smollab.curate.pdf.reading_order import MIN_GUTTER
from smollab.curate.pdf.running_titles import REPEAT_SHARE
from smollab.curate.pdf.tables import find_tables
from smollab.curate.pdf.triage import load_triage, measure_page
from smollab.curate.pdf.triage_training import LabeledPages, read_pages_table
from smollab.curate.quality import Selection, select
from smollab.recipe import resolve_place

__all__ = [
    "SAMPLES",
    "SamplePdf",
    "arrange_sample",
    "bootstrap_selection",
    "draw_page",
    "load_labeled_pages",
    "open_sample",
    "read_plainly",
    "route",
]

SAMPLES = {
    "LaTeX News: two columns": "latex-news",
    "Debian policy: one column": "policy.en",
    "reference card: three columns": "refcard.en",
    "Vietnamese manual: code and lists": "install.vi",
    "a manual as a scan": "scan.en",
}
"""What it is -> name of the file in data_samples/pdf."""
FIRST = {"latex-news": 5, "policy.en": 29, "install.vi": 5}
"""First page that is read, where the file begins with its contents."""
NUM_PAGES = 16
"""Pages that are read of a sample."""


@dataclass(frozen=True)
class SamplePdf:
    """Some pages of a PDF file, as an engine read them."""

    name: str
    data: bytes
    pages: Sequence[Page]
    """Prepared for layout, but not laid out: lines without roles."""
    plain: Sequence[str]
    """The text of each page in the order of the file."""
    probabilities: Sequence[float]
    """P(scan) of each page."""


@lru_cache(maxsize=8)
def open_sample(name: str, engine: str = "pymupdf") -> SamplePdf:
    """Read pages of a sample, `latex-news` for example."""
    data = resolve_place(f"data_samples/pdf/{name}.pdf").read_bytes()
    file = import_module(f"smollab.curate.pdf.{engine}_engine").open_pdf(data)
    pages, plain, probabilities = [], [], []
    try:
        first = FIRST.get(name, 1)
        for number in range(first, min(file.num_pages + 1, first + NUM_PAGES)):
            page = file.read_page(number)
            plain.append(read_plainly(page))
            probabilities.append(float(load_triage().probability(measure_page(page, file.facts))))
            prepare_page(page)
            page.tables = find_tables(page)
            finish_page(page)
            pages.append(page)
    finally:
        file.close()
    return SamplePdf(name, data, pages, plain, probabilities)


def read_plainly(page: Page) -> str:
    """Return the lines of a page from top to bottom, wherever they stand: what a reader without layout would do."""
    lines = sorted(page.lines, key=lambda line: (round(line.box[1]), line.box[0]))
    return "\n".join(line.text for line in lines)


def arrange_sample(
    sample: SamplePdf, min_gutter: float = MIN_GUTTER, repeat_share: float = REPEAT_SHARE
) -> tuple[list[Block], list[str]]:
    """Lay out the pages of a sample anew; returns the blocks of all, and the text of each page."""
    pages = copy.deepcopy(list(sample.pages))  # layout marks lines
    blocks, typography = arrange(pages, repeat_share, min_gutter)
    text, places = write_text(blocks, pages, typography)
    texts = []
    for page in pages:
        mine = [place for place in places if place.page == page.number]
        texts.append(text[mine[0].start : mine[-1].end] if mine else "")
    return blocks, texts


@lru_cache(maxsize=32)
def draw_page(name: str, number: int, pixels_per_point: float, engine: str = "pymupdf") -> Image:
    """Return a picture of a page of a sample."""
    file = import_module(f"smollab.curate.pdf.{engine}_engine").open_pdf(open_sample(name).data)
    try:
        return open_image(io.BytesIO(file.draw(number, pixels_per_point))).convert("RGB")
    finally:
        file.close()


def route(probability: float, threshold: float) -> str:
    """Say where a page goes."""
    return "OCR" if probability >= threshold else "embedded text"


def kept_blocks(blocks: Sequence[Block], number: int) -> tuple[list[Block], list[Block]]:
    """Return the blocks of a page that are text, in reading order, and those left out."""
    mine = [block for block in blocks if block.page == number]
    return [b for b in mine if b.kind not in DROPPED], [b for b in mine if b.kind in DROPPED]


def load_labeled_pages() -> LabeledPages:
    """Return the measured pages that the triage model was fitted to."""
    return read_pages_table(resolve_place("data_samples/triage/pages.csv"))


def bootstrap_selection(
    probabilities: NDArray[np.float64],
    scan: NDArray[np.bool_],
    files: Sequence[str],
    threshold: float,
    measure: str,
    repeats: int = 200,
) -> tuple[float, float, float]:
    """Return precision or recall of a threshold, and the middle 95 % when whole files are drawn anew.

    Args:
        probabilities: (pages,) P(scan) by a model that has not seen the page's file.
        scan: (pages,) the labels.
        files: of each page.
        threshold: pages at or above it are taken for scans.
        measure: `precision` or `recall`.
        repeats: draws.
    """
    by_file: dict[str, list[int]] = {}
    for row, name in enumerate(files):
        by_file.setdefault(name, []).append(row)
    counts = []
    for rows in by_file.values():
        found: Selection = select(probabilities[rows], scan[rows].astype(float), threshold, good_from=1)
        counts.append((found.hits, found.kept if measure == "precision" else found.good))
    table = np.array(counts)
    share = lambda part: float(part[:, 0].sum() / max(part[:, 1].sum(), 1))
    generator = np.random.default_rng(0)
    draws = [share(table[generator.integers(len(table), size=len(table))]) for _ in range(repeats)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return share(table), float(low), float(high)
