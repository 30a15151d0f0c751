"""Embedded text or scan? A probability for each page, from what the engine read of it anyway.

A scan is a picture of a page: one image, or a stack of strips, covers nearly all of it, and there is no text, or text
that is not painted because OCR put it behind the picture. A page that a program wrote has text in fonts, strokes and
small images. Seventeen numbers tell the two apart, and a logistic regression weighs them:

    P(scan) = 1 / (1 + exp(-(intercept + sum of weight * (feature - mean) / deviation)))

**Source**: the features are those that FinePDFs lists (github.com/huggingface/finepdfs, blocks/predictor); the code is
AGPL and was not used. Its model is an XGBoost over eight random pages of a file; its threshold, 0.2, is ours too.

**Deviations**: one decision for each page, so that a file may be both; a linear model, trained on other data
(`data_samples/triage/README.md`); a file's probability is the mean over at most eight pages spread evenly.

**Cost**: some 20 microseconds for a page that the engine has read.

**Fails when**: text lies visibly below a picture of itself (drawn over, not marked as hidden); letters are outlines
with few fonts, as in maps and posters.
"""

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smollab.curate.errors import CurationError
from smollab.curate.pdf.page import Box, FileFacts, Line, Page

__all__ = [
    "BUILT_IN",
    "FEATURES",
    "SAMPLED_PAGES",
    "TriageModel",
    "load_triage",
    "measure_page",
    "sample_pages",
    "save_triage",
]

BUILT_IN = Path(__file__).with_name("triage.npz")
"""The model that comes with the package; `scripts/fit_pdf_triage.py` fits it anew."""
SAMPLED_PAGES = 8
"""Pages that speak for a file (FinePDFs: eight random ones)."""
FEATURES = (
    "fonts",
    "characters",
    "lines",
    "characters per line",
    "text area",
    "hidden fonts",
    "hidden characters",
    "hidden lines",
    "hidden characters per line",
    "hidden text area",
    "images",
    "images of some size",
    "image area",
    "largest strip",
    "strokes",
    "drawings",
    "garbled characters",
    "form",
    "made by a scanner",
)
"""What `measure_page` returns, in order: counts as ln(1 + count), areas and shares from 0 to 1, the rest 0 or 1."""

_SMALL = 20.0
"""An image with a shorter side is a bullet, a rule or a logo; points."""
_STRIP_GAP = 2.0
"""Images that lie above one another this closely are strips of one; points."""
_SCANNERS = (
    "scan",
    "xerox",
    "ricoh",
    "kofax",
    "canon ",
    "konica",
    "kyocera",
    "lexmark",
    "paper capture",
    "finereader",
    "tesseract",
    "ocrmypdf",
    "twain",
    "digital sender",
    "luradocument",
    "internet archive",
)
"""In the name of the program that made the file, in lower case."""


def measure_page(page: Page, facts: FileFacts) -> NDArray[np.float64]:
    """Return the numbers of `FEATURES` for a page: (features,)."""
    area = max(page.width * page.height, 1.0)
    whole = (0.0, 0.0, page.width, page.height)
    images = [clipped for image in page.images if (clipped := _clip(image, whole))]
    large = [box for box in images if min(box[2] - box[0], box[3] - box[1]) >= _SMALL]
    characters = "".join([line.text for line in page.lines])
    made_by = f"{facts.creator} {facts.producer}".lower()
    return np.array(
        [
            *_measure_text([line for line in page.lines if not line.hidden], area),
            *_measure_text([line for line in page.lines if line.hidden], area),
            math.log1p(len(images)),
            math.log1p(len(large)),
            min(sum(map(_area, images)) / area, 1.0),
            max(map(_area, merge_strips(images)), default=0.0) / area,
            math.log1p(len(page.horizontal_rulings) + len(page.vertical_rulings)),
            math.log1p(len(page.drawings)),
            characters.count("\ufffd") / max(len(characters), 1),
            float(facts.form),
            float(any(name in made_by for name in _SCANNERS)),
        ]
    )


def _measure_text(lines: Sequence[Line], area: float) -> tuple[float, ...]:
    """Return fonts, characters, lines, characters per line, area."""
    characters = sum(len(line.text) for line in lines)
    return (
        math.log1p(len({line.font for line in lines})),
        math.log1p(characters),
        math.log1p(len(lines)),
        math.log1p(characters / max(len(lines), 1)),
        min(sum(_area(line.box) for line in lines) / area, 1.0),
    )


def merge_strips(images: Sequence[Box]) -> list[Box]:
    """Join images of the same width that lie above one another, as scanners cut a page into strips."""
    merged: list[Box] = []
    for box in sorted(images, key=lambda box: (round(box[0]), round(box[2]), box[1])):
        last = merged[-1] if merged else None
        if (
            last
            and abs(last[0] - box[0]) < _STRIP_GAP
            and abs(last[2] - box[2]) < _STRIP_GAP
            and box[1] - last[3] < _STRIP_GAP
        ):
            merged[-1] = (last[0], last[1], last[2], max(last[3], box[3]))
        else:
            merged.append(box)
    return merged


def _clip(box: Box, whole: Box) -> Box | None:
    x0, y0, x1, y1 = max(box[0], whole[0]), max(box[1], whole[1]), min(box[2], whole[2]), min(box[3], whole[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def sample_pages(num_pages: int, count: int = SAMPLED_PAGES) -> list[int]:
    """Return the numbers, from 1, of at most `count` pages spread evenly over a file."""
    if num_pages <= count:
        return list(range(1, num_pages + 1))
    return [int((i + 0.5) * num_pages / count) + 1 for i in range(count)]


@dataclass(frozen=True, eq=False)
class TriageModel:
    """Weights of a logistic regression over `FEATURES`."""

    means: NDArray[np.float64]
    """(features,)"""
    deviations: NDArray[np.float64]
    """(features,)"""
    weights: NDArray[np.float64]
    """(features,)"""
    intercept: float
    """Log-odds of an average page."""

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return P(scan) for (..., features); (...)."""
        logits = self.intercept + ((features - self.means) / self.deviations) @ self.weights
        result: NDArray[np.float64] = 0.5 * (1 + np.tanh(logits / 2))
        return result

    def explain(self, features: NDArray[np.float64]) -> list[tuple[str, float]]:
        """Return what each feature adds to the log-odds, the strongest first."""
        parts = (features - self.means) / self.deviations * self.weights
        return sorted(zip(FEATURES, parts.tolist(), strict=True), key=lambda item: -abs(item[1]))


def save_triage(model: TriageModel, path: Path) -> None:
    """Write a model as a numpy archive of plain numbers."""
    np.savez(
        path,
        features=np.frombuffer("\n".join(FEATURES).encode(), dtype=np.uint8),
        means=model.means,
        deviations=model.deviations,
        weights=model.weights,
        intercept=np.array(model.intercept),
    )


@lru_cache(maxsize=1)
def load_triage(path: Path = BUILT_IN) -> TriageModel:
    """Read a model; the file is read without pickle.

    Raises:
        CurationError: the file is missing, damaged, or made for other features.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive["features"].tobytes().decode().split("\n")
            means, deviations, weights = (archive[name] for name in ("means", "deviations", "weights"))
            intercept = float(archive["intercept"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CurationError(
            f"{path}: cannot be read as a triage model ({error}); make one with scripts/fit_pdf_triage.py"
        ) from None
    if tuple(names) != FEATURES:
        raise CurationError(f"{path}: made for other features; make it anew with scripts/fit_pdf_triage.py")
    return TriageModel(means, deviations, weights, intercept)
