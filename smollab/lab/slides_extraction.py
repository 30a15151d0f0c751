"""The figures of the slides of notebook 1.1."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from smollab.curate.html.reader import read_page
from smollab.lab.extraction import (
    EVIDENCE,
    EXTRACTORS,
    extract_without,
    is_gold,
    load_gold_pages,
    mean_with_interval,
    score_pages,
)
from smollab.lab.panels.extraction import ExtractionPanel
from smollab.lab.runs import Run
from smollab.plots.extraction import plot_density
from smollab.plots.rules import plot_shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_PAGE = "css-modules"


def block_density(run: Run) -> "Figure":
    """Length and links of all blocks of the gold pages."""
    gold: list[tuple[int, float]] = []
    other: list[tuple[int, float]] = []
    for page in load_gold_pages():
        for block in read_page(page.html, whole=True).blocks:
            (gold if is_gold(block, page.text) else other).append((block.size, block.link_density))
    return plot_density(gold, other, 80, 1 / 3)


def block_fates(run: Run) -> "Figure":
    """The blocks of one page and what becomes of them."""
    return ExtractionPanel(load_gold_pages(), SHOWN_PAGE).compute()[0]


def extractors(run: Run) -> "Figure":
    """F1 of five ways to extract, on both halves of the gold pages."""
    rows = {}
    for split in ("development", "held-out"):
        pages = [page for page in load_gold_pages() if page.split == split]
        scores = [[score.f1 for score in score_pages(extract, pages)] for extract in EXTRACTORS.values()]
        rows[f"{split} ({len(pages)} pages)"] = [mean_with_interval(values) for values in scores]
    return plot_shares(list(EXTRACTORS), rows, "mean F1 over words")


def evidence(run: Run) -> "Figure":
    """What is lost when one kind of evidence is taken away."""
    pages = load_gold_pages()
    whole = score_pages(lambda html: extract_without(html, ""), pages)
    losses: dict[str, list[tuple[float, float, float]]] = {"precision": [], "recall": [], "F1": []}
    for name in EVIDENCE:
        less = score_pages(lambda html, name=name: extract_without(html, name), pages)  # type: ignore[misc]
        for label, field in zip(losses, ("precision", "recall", "f1"), strict=True):
            change = [getattr(b, field) - getattr(a, field) for a, b in zip(whole, less, strict=True)]
            losses[label].append(mean_with_interval(change))
    return plot_shares([f"without {name}" for name in EVIDENCE], losses, "change of the mean")


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    "block_density": block_density,
    "block_fates": block_fates,
    "extractors": extractors,
    "evidence": evidence,
}
