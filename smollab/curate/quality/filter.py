"""The step `edu_quality`: score every document, keep those that teach.

FineWeb-Edu is FineWeb with this one step more. The score is kept with the document, so that a mixture can weigh by
it and the threshold can be moved later without scoring again.

**Source**: Penedo et al. 2024, section 4: a rounded score of 3 or more stays.

**Deviation**: without a network there is no encoder; the built-in model counts words (see `training.py`). On sites it
has not seen its scores lie close together, so its threshold is lower.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace as replace_fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smollab.curate.quality.features import MAXIMUM_CHARACTERS
from smollab.curate.quality.model import load_model
from smollab.curate.quality.transformer import TransformerScorer
from smollab.curate.rules import Filter, Rule, Value
from smollab.documents import Document, replace
from smollab.recipe import EduQuality

__all__ = ["MINIMUM_SCORES", "edu_quality", "split_chunks"]

MINIMUM_SCORES = {"built-in": 1.5, "transformers": 2.5}
"""Thresholds where the recipe gives none: the best F1 in cross-validation over sites; FineWeb-Edu's rounded 3."""


def edu_quality(settings: EduQuality, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Filter:
    """Build the filter that drops documents of little educational value and notes the score of the rest.

    Raises:
        CurationError: the model cannot be read or loaded.
    """
    if settings.model and Path(settings.model).suffix != ".npz":
        score: Callable[[str], float] = TransformerScorer(settings.model).score
        default = MINIMUM_SCORES["transformers"]
    else:
        score = (load_model(Path(settings.model)) if settings.model else load_model()).score
        default = MINIMUM_SCORES["built-in"]
    if settings.minimum_score is None:
        settings = replace_fields(settings, minimum_score=default)
    return Filter(
        "edu_quality",
        RULES,
        lambda document: (document, round(max(map(score, split_chunks(document.text, settings.chunks))), 4)),
        settings,
        by_language,
        depends=("model", "chunks"),
        note=_note,
    )


def split_chunks(text: str, count: int) -> list[str]:
    """Return at most `count` equal parts of a text, none shorter than what the built-in model reads of one."""
    count = max(1, min(count, len(text) // MAXIMUM_CHARACTERS))
    return [text[i * len(text) // count : (i + 1) * len(text) // count] for i in range(count)]


RULES = (Rule("score", "little educational value", "minimum", "minimum_score", lambda score: score),)


def _note(document: Document, values: Mapping[str, Value]) -> Document:
    return replace(document, metadata={**document.metadata, "quality_score": values["score"]})
