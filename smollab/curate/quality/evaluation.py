"""How far a quality score can be trusted: error, precision and recall of a threshold, calibration, agreement.

An interval is a bootstrap over sites, not over excerpts: excerpts of one site are not independent, and an interval
that forgets it is too narrow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Selection", "bootstrap_interval", "calibrate", "mean_absolute_error", "select", "weighted_kappa"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a threshold on the predicted score selects."""

    threshold: float
    kept: int
    """Texts at or above the threshold."""
    good: int
    """Texts that should be kept."""
    hits: int
    """Texts that are kept and should be."""

    @property
    def precision(self) -> float:
        """Share of the kept that should be kept; 1 where nothing is kept."""
        return self.hits / self.kept if self.kept else 1.0

    @property
    def recall(self) -> float:
        """Share of those that should be kept which are; 1 where there are none."""
        return self.hits / self.good if self.good else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / (self.kept + self.good) if self.kept + self.good else 1.0


def select(predicted: ArrayLike, true: ArrayLike, threshold: float, good_from: float = 3) -> Selection:
    """Count what a threshold keeps.

    Args:
        predicted: (n,) scores of a model.
        true: (n,) scores of an annotator.
        threshold: least predicted score that is kept.
        good_from: least true score that should be kept (FineWeb-Edu: 3).
    """
    kept, good = np.asarray(predicted) >= threshold, np.asarray(true) >= good_from
    return Selection(threshold, int(kept.sum()), int(good.sum()), int((kept & good).sum()))


def mean_absolute_error(predicted: ArrayLike, true: ArrayLike) -> float:
    """Return the mean distance between predicted and true scores."""
    return float(np.abs(np.asarray(predicted) - np.asarray(true)).mean())


def calibrate(predicted: ArrayLike, true: ArrayLike, bins: int = 6) -> list[tuple[float, float, int]]:
    """Return (mean predicted, mean true, texts) for bins of equally many texts, from low to high predictions."""
    predicted, true = np.asarray(predicted), np.asarray(true)
    parts = np.array_split(np.argsort(predicted, kind="stable"), bins)
    return [(float(predicted[part].mean()), float(true[part].mean()), len(part)) for part in parts if len(part)]


def weighted_kappa(first: Sequence[int], second: Sequence[int], levels: int = 6) -> float:
    """Return Cohen's kappa with quadratic weights: agreement beyond chance, where near misses count little.

    1 is full agreement, 0 what two annotators reach who only share how often they give each score.
    **Source**: Cohen 1968, "Weighted kappa".

    Args:
        first: scores of one pass, 0 to levels - 1.
        second: scores of the other, in the same order.
        levels: how many scores there are.
    """
    a, b = np.asarray(first), np.asarray(second)
    distance = np.subtract.outer(np.arange(levels), np.arange(levels)) ** 2
    chance = np.outer(np.bincount(a, minlength=levels), np.bincount(b, minlength=levels)) / len(a) ** 2
    expected = float((distance * chance).sum())
    return 1.0 - float(((a - b) ** 2).mean()) / expected if expected else 1.0


def bootstrap_interval(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: Sequence[str],
    repeats: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the middle 95 % of a statistic when whole groups are drawn anew, with replacement.

    Args:
        statistic: takes row numbers (n,), some more than once, and returns a number.
        groups: of each row.
        repeats: draws.
        seed: of the draws.
    """
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(len(names))]
    generator = np.random.default_rng(seed)
    values = [
        statistic(np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))]))
        for _ in range(repeats)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
