"""The figures of the slides on quality models: the scored excerpts of notebook 1.4, judged on the spot."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smollab.curate.quality import calibrate, load_model, select
from smollab.lab.educational import JUDGES, compare_folds, compare_translations, load_excerpts, predict
from smollab.lab.ledger import curate_sample, read_pages
from smollab.lab.runs import Run
from smollab.plots.quality import plot_calibration, plot_parts, plot_selection
from smollab.plots.rules import plot_shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLD = 1.5
EXAMPLE = (
    "The earth turns around its axis once a day, so the sun seems to rise and to set. Order your earth globe now, best "
    "price online, free shipping, top 10 offers near you!"
)


@cache
def _predictions(judge: str, seed: int = 0) -> NDArray[np.float64]:
    return predict(load_excerpts(), judge, seed)


def _true() -> list[int]:
    return [excerpt.score for excerpt in load_excerpts()]


def quality_words(run: Run) -> "Figure":
    """What raises and what lowers the score of a text."""
    up, down = load_model().explain(EXAMPLE, count=8)
    return plot_parts(up + down[::-1], "points added to the score")


def quality_selection(run: Run) -> "Figure":
    """Excerpts of new sites against the threshold."""
    scores, true = _predictions(JUDGES[0]), _true()
    found = [select(scores, true, threshold) for threshold in np.arange(0, 4.01, 0.1)]
    curve = [(s.threshold, s.precision if s.kept else np.nan, s.recall) for s in found]
    return plot_selection(scores.tolist(), true, THRESHOLD, 3, curve)


def quality_folds(run: Run) -> "Figure":
    """Precision, recall and F1 on new sites and on known ones."""
    names = ["precision", "recall", "F1"]
    rows = {}
    for judge in JUDGES[:2]:
        found = compare_folds(load_excerpts(), [_predictions(judge, seed) for seed in range(3)], THRESHOLD)
        rows[judge] = [found[name] for name in names]
    return plot_shares(names, rows, f"at a threshold of {THRESHOLD:g}")


def quality_calibration(run: Run) -> "Figure":
    """Predicted against annotated scores, for three judges."""
    return plot_calibration({judge: calibrate(_predictions(judge), _true()) for judge in JUDGES})


def quality_languages(run: Run) -> "Figure":
    """Scores of translations minus those of their English originals."""
    real = [page for page in read_pages(curate_sample()) if page.kind == "real"]
    found = compare_translations(real, load_model())
    names = [f"{language} ({number} pages)" for language, (number, *_) in found.items()]
    rows = {"translation minus English": [row[1:] for row in found.values()]}
    return plot_shares(names, rows, "difference of the scores")


FIGURES = {
    figure.__name__: figure
    for figure in (quality_words, quality_selection, quality_folds, quality_calibration, quality_languages)
}
"""Name of the file, without its ending -> what draws it."""
