"""A linear model of a text's educational value, in numpy: load, score, explain.

    score = intercept + sum over features of weight * tf-idf + sum over shapes of weight * (shape - mean) / deviation

with tf-idf = (1 + ln count) * idf, divided by the Euclidean norm over all features of the text. That is what
scikit-learn computes in training; a test holds the two against each other.

The file is a numpy archive of plain numbers and UTF-8 bytes, read without pickle: a model from a stranger can be
wrong but cannot run code.

**Cost**: well under a millisecond for a text; the file is a few hundred kilobytes.

**Fails when**: a text is about something that no scored excerpt was about, or speaks another language; the score is
then near the mean of all.
"""

import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smollab.curate.errors import CurationError
from smollab.curate.quality.features import SHAPES, describe_shape, split_text, split_word, tokenize

__all__ = ["BUILT_IN", "QualityModel", "load_model", "save_model"]

BUILT_IN = Path(__file__).with_name("educational.npz")
"""The model that comes with the package; `make quality` fits it anew."""
ARRAYS = ("features", "idf", "weights", "shape_means", "shape_deviations", "shape_weights", "intercept")
LOWEST, HIGHEST = 0.0, 5.0


@dataclass(frozen=True, eq=False)
class QualityModel:
    """Weights of a linear model over words, pieces of words and the shape of a text."""

    vocabulary: dict[str, int]
    """Feature -> its column."""
    idf: NDArray[np.float32]
    """(features,) inverse document frequency, ln((1 + documents) / (1 + documents with it)) + 1."""
    weights: NDArray[np.float32]
    """(features,)"""
    shape_means: NDArray[np.float32]
    """(shapes,)"""
    shape_deviations: NDArray[np.float32]
    """(shapes,)"""
    shape_weights: NDArray[np.float32]
    """(shapes,)"""
    intercept: float
    """Score of a text without any feature."""

    def score(self, text: str) -> float:
        """Return the educational value of a text, 0 to 5."""
        value = self.intercept + sum(self._feature_parts(text).values()) + float(self._shape_parts(text).sum())
        return float(np.clip(value, LOWEST, HIGHEST))

    def explain(self, text: str, count: int = 8) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """Return the words (with their pieces) and shapes that raise the score most, and those that lower it most."""
        parts = self._feature_parts(text)
        uses: Counter[str] = Counter(feature for word in set(tokenize(text)) for feature in split_word(word))
        # A piece that several words share is divided among them, so that all parts add up to the score.
        words = {
            word: sum(parts.get(feature, 0.0) / uses[feature] for feature in split_word(word))
            for word in set(tokenize(text))
        }
        words |= {f"[{name}]": float(part) for name, part in zip(SHAPES, self._shape_parts(text), strict=True)}
        ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
        return [item for item in ranked[:count] if item[1] > 0], [item for item in ranked[::-1][:count] if item[1] < 0]

    def _feature_parts(self, text: str) -> dict[str, float]:
        counts = Counter(feature for feature in split_text(text) if feature in self.vocabulary)
        if not counts:
            return {}
        columns = np.fromiter((self.vocabulary[feature] for feature in counts), dtype=np.int64, count=len(counts))
        tf_idf = (1.0 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * self.idf[columns]
        parts = tf_idf / np.linalg.norm(tf_idf) * self.weights[columns]
        return dict(zip(counts, parts.tolist(), strict=True))

    def _shape_parts(self, text: str) -> NDArray[np.float64]:
        shape = np.array(describe_shape(text), dtype=np.float64)
        parts: NDArray[np.float64] = (shape - self.shape_means) / self.shape_deviations * self.shape_weights
        return parts


def save_model(model: QualityModel, path: Path) -> None:
    """Write a model as a numpy archive."""
    features = "\n".join(sorted(model.vocabulary, key=model.vocabulary.__getitem__))
    arrays = {name: getattr(model, name) for name in ARRAYS[1:-1]}
    np.savez_compressed(
        path,
        features=np.frombuffer(features.encode(), dtype=np.uint8),
        intercept=np.array(model.intercept),
        **arrays,
    )


@lru_cache(maxsize=2)
def load_model(path: Path = BUILT_IN) -> QualityModel:
    """Read a model; the last two are remembered.

    Raises:
        CurationError: the file is missing, damaged, or no quality model.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS}
        features = arrays["features"].tobytes().decode().split("\n")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CurationError(
            f"{path}: cannot be read as a quality model ({error}); make one with `make quality`"
        ) from None
    if not len(features) == len(arrays["idf"]) == len(arrays["weights"]):
        raise CurationError(f"{path}: {len(features)} features but {len(arrays['weights'])} weights; it is damaged")
    return QualityModel(
        vocabulary={feature: column for column, feature in enumerate(features)},
        intercept=float(arrays["intercept"]),
        **{name: arrays[name] for name in ARRAYS[1:-1]},
    )
