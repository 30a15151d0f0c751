"""Fit the triage model to labeled pages, and say by cross-validation over files how far it can be trusted.

Pages of one file look alike, and a scan made of a page looks like its neighbors, so a file with all that was made of it
is either in the training or in the test part of a fold: a random split would flatter.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smollab.curate.errors import CurationError
from smollab.curate.pdf.triage import FEATURES, TriageModel

__all__ = ["LabeledPages", "cross_validate", "fit_triage", "read_pages_table"]

_STRENGTH = 10.0
"""Inverse strength of the quadratic penalty (scikit-learn's C)."""


@dataclass(frozen=True, eq=False)
class LabeledPages:
    """Measured pages and what they are."""

    features: NDArray[np.float64]
    """(pages, features)"""
    scan: NDArray[np.bool_]
    """(pages,) whether the page is a scan."""
    files: Sequence[str]
    """File of each page; of a made page, the file that it was made of."""
    numbers: Sequence[int]
    """Page of the file, from 1."""
    kinds: Sequence[str]
    """`text` and `scan` are real pages; the others were made by us."""

    @property
    def real(self) -> NDArray[np.bool_]:
        """(pages,) whether nobody made the page for this table."""
        return np.array([kind in ("text", "scan") for kind in self.kinds])


def read_pages_table(path: Path) -> LabeledPages:
    """Read a table as `scripts/measure_triage_pages.py` writes it.

    Raises:
        CurationError: the file is missing or has other columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return LabeledPages(
            np.array([[float(row[name]) for name in FEATURES] for row in rows]),
            np.array([row["scan"] == "1" for row in rows]),
            [row["file"] for row in rows],
            [int(row["page"]) for row in rows],
            [row["kind"] for row in rows],
        )
    except (OSError, KeyError, ValueError) as error:
        raise CurationError(f"{path}: cannot be read as a table of labeled pages ({error!r})") from None


def fit_triage(features: NDArray[np.float64], scan: NDArray[np.bool_]) -> TriageModel:
    """Fit the logistic regression.

    Args:
        features: (pages, features)
        scan: (pages,) the labels; both must occur.
    """
    from sklearn.linear_model import LogisticRegression

    means, deviations = features.mean(axis=0), features.std(axis=0)
    deviations[deviations == 0] = 1.0
    regression = LogisticRegression(C=_STRENGTH, max_iter=5000).fit((features - means) / deviations, scan)
    return TriageModel(means, deviations, regression.coef_[0], float(regression.intercept_[0]))


def cross_validate(pages: LabeledPages, folds: int = 10) -> NDArray[np.float64]:
    """Return P(scan) of each page by a model that has seen no page of its file: (pages,)."""
    from sklearn.model_selection import GroupKFold

    probabilities = np.zeros(len(pages.scan))
    for train, test in GroupKFold(folds).split(pages.features, pages.scan, pages.files):
        model = fit_triage(pages.features[train], pages.scan[train])
        probabilities[test] = model.probability(pages.features[test])
    return probabilities
