"""Scored excerpts for notebook 1.4, what models say of them, and of translations of the same page."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from smollab.curate.quality import (
    QualityModel,
    Scored,
    bootstrap_interval,
    cross_validate,
    fit,
    mean_absolute_error,
    read_scored,
    select,
)
from smollab.curate.quality.training import SCORES
from smollab.lab.pages import Page
from smollab.lab.rule_counts import share_with_interval
from smollab.recipe.toml import resolve_place

__all__ = ["FOLDS", "JUDGES", "compare_folds", "compare_translations", "load_excerpts", "predict", "worst_excerpts"]

FOLDS = 5
JUDGES = ("a model that never saw its site", "a model that saw its site", "a model that saw the excerpt itself")
"""Ways to predict an excerpt's score, from honest to useless as a test."""


def load_excerpts() -> list[Scored]:
    """Read the scored excerpts of the samples."""
    return read_scored(resolve_place(str(SCORES)))


def predict(excerpts: Sequence[Scored], judge: str, seed: int = 0) -> NDArray[np.float64]:
    """Return a score (excerpts,) for each excerpt, predicted in one of the ways of `JUDGES`."""
    if judge == JUDGES[0]:
        return cross_validate(excerpts, FOLDS, seed)
    if judge == JUDGES[1]:
        return cross_validate(excerpts, FOLDS, seed, group=lambda excerpt: excerpt.id)
    model = fit(excerpts)
    return np.array([model.score(excerpt.text) for excerpt in excerpts])


def compare_folds(
    excerpts: Sequence[Scored], predicted: Sequence[NDArray[np.float64]], threshold: float
) -> dict[str, tuple[float, float, float]]:
    """Return precision, recall, F1 and mean absolute error with 95 % intervals over sites; means over the seeds.

    Args:
        excerpts: with their true scores.
        predicted: (excerpts,) for each seed.
        threshold: least predicted score that is kept.
    """
    true, sites = np.array([e.score for e in excerpts]), [e.site for e in excerpts]
    measures: dict[str, Callable[[NDArray[np.float64], NDArray[np.int64]], float]] = {
        "precision": lambda scores, rows: select(scores[rows], true[rows], threshold).precision,
        "recall": lambda scores, rows: select(scores[rows], true[rows], threshold).recall,
        "F1": lambda scores, rows: select(scores[rows], true[rows], threshold).f1,
        "mean absolute error": lambda scores, rows: mean_absolute_error(scores[rows], true[rows]),
    }
    everything = np.arange(len(true))
    results = {}
    for name, measure in measures.items():
        mean = lambda rows, measure=measure: float(np.mean([measure(scores, rows) for scores in predicted]))
        results[name] = (mean(everything), *bootstrap_interval(mean, sites, repeats=200))
    return results


def worst_excerpts(
    excerpts: Sequence[Scored], predicted: NDArray[np.float64], count: int = 3
) -> tuple[list[int], list[int]]:
    """Return the places of the excerpts that are most overrated, and of those most underrated, one for each site."""
    error = predicted - np.array([excerpt.score for excerpt in excerpts])
    over = _one_per_site(excerpts, np.argsort(-error, kind="stable"), count)
    under = _one_per_site(excerpts, np.argsort(error, kind="stable"), count)
    return over, under


def compare_translations(
    pages: Sequence[Page], model: QualityModel, base: str = "en"
) -> dict[str, tuple[int, float, float, float]]:
    """Return language -> (pairs, mean, low, high): how much higher a page scores than the same page in English.

    A fair model gives a translation the score of the original. Intervals come from drawing topics anew.
    """
    original = {page.topic: model.score(page.document.text) for page in pages if page.document.language == base}
    differences = {}
    for language in sorted({page.document.language for page in pages} - {base}):
        mine = [page for page in pages if page.document.language == language and page.topic in original]
        scores = [model.score(page.document.text) - original[page.topic] for page in mine]
        differences[language] = (len(mine), *share_with_interval(mine, scores.__getitem__))
    return differences


def _one_per_site(excerpts: Sequence[Scored], order: NDArray[np.int64], count: int) -> list[int]:
    chosen: dict[str, int] = {}
    for place in order.tolist():
        chosen.setdefault(excerpts[place].site, place)
        if len(chosen) == count:
            break
    return list(chosen.values())
