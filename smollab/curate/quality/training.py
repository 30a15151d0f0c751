"""Fit the quality model to scored excerpts, and predict each excerpt by a model that never saw its site.

The method is FineWeb-Edu's in small: a text becomes a vector, a regression with squared loss learns a score from 0 to
5. Theirs takes the vector from a frozen encoder of 109 million parameters and 450,000 scores given by Llama 3 70B; ours
counts words and has a few hundred scores, so it learns words rather than meaning.

**Source**: Penedo et al. 2024, "The FineWeb Datasets", section 4, and the model card of
HuggingFaceFW/fineweb-edu-classifier; tf-idf and ridge regression by scikit-learn (BSD-3).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smollab.curate.errors import CurationError
from smollab.curate.quality.features import describe_shape, split_text
from smollab.curate.quality.model import QualityModel

__all__ = ["SCORES", "Scored", "cross_validate", "fit", "read_scored"]

SCORES = Path("data_samples") / "quality" / "educational_scores.jsonl"
MINIMUM_EXCERPTS = 3
"""A feature must occur in so many excerpts."""
SHAPE_SCALE = 0.1
"""Standard deviation that shapes get beside tf-idf vectors of length one; larger weighs them more."""
ALPHA = 0.3
"""Strength of ridge regression's penalty; between 0.1 and 3 it matters little."""


@dataclass(frozen=True, slots=True)
class Scored:
    """An excerpt and the educational value that an annotator gave it."""

    id: str
    language: str
    site: str
    """Excerpts of one site resemble each other; cross-validation keeps them together."""
    text: str
    score: int
    """0 to 5, first pass."""
    second_score: int | None = None
    """0 to 5, second pass; None where there was none."""


def read_scored(path: Path = SCORES) -> list[Scored]:
    """Read scored excerpts, one JSON object a line.

    Raises:
        CurationError: the file is missing, or a line lacks a field or has a score that is not 0 to 5.
    """
    excerpts = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CurationError(f"{path}: {error.strerror}; the scores are in the repository's data_samples/") from None
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            excerpt = Scored(
                row["id"], row["language"], row["site"], row["text"], row["score"], row.get("second_score")
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CurationError(f"{path}:{number}: not a scored excerpt ({error})") from None
        if excerpt.score not in range(6) or excerpt.second_score not in (None, *range(6)):
            raise CurationError(f"{path}:{number}: scores are whole numbers from 0 to 5")
        excerpts.append(excerpt)
    return excerpts


def fit(excerpts: Sequence[Scored], alpha: float = ALPHA) -> QualityModel:
    """Fit tf-idf and ridge regression.

    Args:
        excerpts: at least `MINIMUM_EXCERPTS` that share a word.
        alpha: strength of the penalty on the weights.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    texts = [excerpt.text for excerpt in excerpts]
    vectorizer = TfidfVectorizer(analyzer=split_text, sublinear_tf=True, min_df=MINIMUM_EXCERPTS)
    tf_idf = vectorizer.fit_transform(texts)
    shapes = np.array([describe_shape(text) for text in texts])
    means, deviations = shapes.mean(0), shapes.std(0) + 1e-9
    ridge = Ridge(alpha=alpha).fit(
        _join(tf_idf, (shapes - means) / deviations * SHAPE_SCALE), [excerpt.score for excerpt in excerpts]
    )
    weights = ridge.coef_.astype(np.float32)
    features = len(vectorizer.vocabulary_)
    return QualityModel(
        vocabulary={feature: int(column) for feature, column in vectorizer.vocabulary_.items()},
        idf=vectorizer.idf_.astype(np.float32),
        weights=weights[:features],
        shape_means=means.astype(np.float32),
        shape_deviations=deviations.astype(np.float32),
        shape_weights=weights[features:] * np.float32(SHAPE_SCALE),
        intercept=float(ridge.intercept_),
    )


def cross_validate(
    excerpts: Sequence[Scored],
    folds: int = 10,
    seed: int = 0,
    group: Callable[[Scored], str] = lambda excerpt: excerpt.site,
) -> NDArray[np.float64]:
    """Return a score (excerpts,) for each excerpt by a model that was fitted without its group.

    Args:
        excerpts: of at least as many groups as folds.
        folds: models that are fitted.
        seed: of the assignment of groups to folds.
        group: what must not be on both sides; its site by default, its id for ordinary cross-validation.
    """
    from sklearn.model_selection import GroupKFold

    predicted = np.zeros(len(excerpts))
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(excerpts, groups=[group(excerpt) for excerpt in excerpts]):
        model = fit([excerpts[i] for i in train])
        predicted[test] = [model.score(excerpts[i].text) for i in test]
    return predicted


def _join(tf_idf: object, shapes: NDArray[np.float64]) -> object:
    from scipy.sparse import csr_matrix, hstack

    return hstack([tf_idf, csr_matrix(shapes)]).tocsr()
