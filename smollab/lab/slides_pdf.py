"""The figures of the slides of notebook 1.2."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from smollab.curate.pdf.triage_training import cross_validate
from smollab.lab.panels.pdf import PdfPanel
from smollab.lab.pdf import bootstrap_selection, load_labeled_pages
from smollab.lab.runs import Run
from smollab.plots.pdf import plot_threshold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def page_order(run: Run) -> "Figure":
    """A page in two columns with its blocks and their order."""
    return PdfPanel("latex-news", page=4).compute()[0]


def triage_threshold(run: Run) -> "Figure":
    """Precision and recall of the triage against its threshold."""
    labeled = load_labeled_pages()
    probabilities = cross_validate(labeled, folds=5)
    curves = {}
    for name, chosen in (("real", labeled.real), ("made", ~labeled.real)):
        rows = np.flatnonzero(chosen)
        files = [labeled.files[int(row)] for row in rows]
        for what in ("precision", "recall"):
            curves[f"{what}, {name} pages"] = [
                bootstrap_selection(probabilities[rows], labeled.scan[rows], files, threshold, what)
                for threshold in THRESHOLDS
            ]
    return plot_threshold(THRESHOLDS, curves, 0.2)


FIGURES: dict[str, Callable[[Run], "Figure"]] = {"page_order": page_order, "triage_threshold": triage_threshold}
