"""Samples, panel, the refetched copy and the checks of notebook 1.2."""

import re
from itertools import pairwise

import numpy as np
import pytest

from smollab.lab.checks import pdf
from smollab.lab.panels import PdfPanel
from smollab.lab.pdf import (
    arrange_sample,
    bootstrap_selection,
    kept_blocks,
    load_labeled_pages,
    open_sample,
    route,
)
from smollab.lab.refetching import cut_off, refetch_here


@pytest.fixture(scope="module")
def panel():
    return PdfPanel()


def test_layout_reads_columns_one_after_the_other():
    sample = open_sample("latex-news")
    _, texts = arrange_sample(sample)
    before, after = sample.plain[3], texts[3]
    assert "as we did for LATEX News 4" not in before  # nothing is made up
    index = lambda text, part: " ".join(text.split()).index(part)
    # Left column: the concurrent docstrip; right column: more robust commands, at the same height.
    assert index(before, "More robust commands") < index(before, "New T1 encoded fonts")
    assert index(after, "New T1 encoded fonts") < index(after, "More robust commands")


def test_laying_out_twice_gives_the_same(panel):
    sample = open_sample("latex-news")
    assert arrange_sample(sample)[1] == arrange_sample(sample)[1]
    kept, left_out = kept_blocks(arrange_sample(sample)[0], sample.pages[3].number)
    assert kept and {block.kind for block in left_out} == {"running title", "page number"}


@pytest.mark.parametrize(
    ("control", "value", "file"),
    [
        ("gutter", 120.0, "latex-news"),
        ("repeat", 1.0, "latex-news"),
        ("threshold", 0.0, "latex-news"),
        ("page", 2, "scan.en"),
    ],
)
def test_each_slider_changes_the_picture_or_the_words(panel, control, value, file):
    panel.file.value = file
    slider = getattr(panel, control)
    default, before = slider.value, panel.readout
    if slider.value == value:
        slider.value = value - 1
        before = panel.readout
    slider.value = value
    assert panel.readout != before
    slider.value = default


def test_the_readout_names_the_route(panel):
    panel.file.value = "scan.en"
    assert "goes to OCR; 6 of 6 pages go to OCR" in panel.readout
    panel.file.value = "latex-news"
    assert "goes to embedded text; 0 of 16" in panel.readout
    assert len(panel.picture) < 80_000
    assert route(0.2, 0.2) == "OCR" and route(0.19, 0.2) == "embedded text"


def test_bootstrap_over_files():
    pages = load_labeled_pages()
    rows = np.flatnonzero(pages.real)
    probabilities = np.where(pages.scan, 0.9, 0.1)  # a perfect model
    files = [pages.files[row] for row in rows]
    assert bootstrap_selection(probabilities[rows], pages.scan[rows], files, 0.2, "recall", 20) == (1, 1, 1)
    everything = bootstrap_selection(probabilities[rows], pages.scan[rows], files, 0.0, "precision", 50)
    assert everything[0] == pytest.approx(pages.scan[rows].mean()) and everything[1] < everything[0] < everything[2]


def test_a_truncated_copy_is_fetched_again():
    whole = open_sample("refcard.en").data
    piece, signs = cut_off(whole, 20_000)
    assert len(piece) == 20_000 and "no %%EOF" in signs
    fetched = refetch_here(whole, 20_000)
    assert fetched.body == whole and fetched.outcomes == ["extends"]
    assert fetched.asked == ["/robots.txt", "/manual.pdf"]
    refused = refetch_here(whole, 20_000, "User-agent: *\nDisallow: /")
    assert refused.body == b"" and refused.asked == ["/robots.txt"]
    assert refused.outcomes == ["failed: refused by robots.txt"]


def widest_gap(boxes):
    best, reached = (0, 0), None
    for left, right in sorted(boxes):
        if reached is not None and left - reached > best[1] - best[0]:
            best = (reached, left)
        reached = right if reached is None else max(reached, right)
    return best


def shape(line):
    return "".join(re.sub(r"\d+", "0", line).split())


def join(first, second, known):
    if not first.endswith("-"):
        return f"{first} {second}"
    whole = first.split()[-1][:-1] + second.split()[0]
    return (first[:-1] if whole in known else first) + second


def count_routes(pages, threshold):
    chosen = [scan for probability, scan in pages if probability >= threshold]
    return len(chosen), chosen.count(False)


REFERENCES = {
    "1.2.1": (pdf.check_1_2_1, widest_gap),
    "1.2.2": (pdf.check_1_2_2, shape),
    "1.2.3": (pdf.check_1_2_3, join),
    "1.2.4": (pdf.check_1_2_4, count_routes),
}


def neighbors(boxes):
    gaps = [(a[1], b[0]) for a, b in pairwise(boxes)]
    return max(gaps, key=lambda gap: gap[1] - gap[0])


MISTAKES = [
    ("1.2.1", neighbors, "order of the list"),
    ("1.2.1", lambda boxes: (0, min(left for left, _ in boxes)), "margin"),
    ("1.2.2", lambda line: "".join(line.split()), "17 and 18 still differ"),
    ("1.2.2", lambda line: "".join(re.sub(r"\d", "0", line).split()), "single 0"),
    ("1.2.3", lambda a, b, known: a + b if a.endswith("-") else f"{a} {b}", "take it out"),
    ("1.2.3", lambda a, b, known: a[:-1] + b if a.endswith("-") else f"{a} {b}", "keep it"),
    ("1.2.4", lambda pages, t: (sum(p > t for p, _ in pages), sum(p > t and not s for p, s in pages)), "at or above"),
    ("1.2.4", lambda pages, t: (sum(p >= t for p, _ in pages), sum(p < t and s for p, s in pages)), "missed"),
]
