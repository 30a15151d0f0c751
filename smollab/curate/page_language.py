"""The language of a PDF: identified page by page, and averaged.

A PDF is long and often mixed: a title page in English, a report in French, an appendix of numbers. One look at a few
thousand characters of it would depend on where they are. So each page with enough letters gives its probabilities of
all languages, tables left out, and the language with the best average is the document's.

**Source**: FinePDFs (run_finepdfs_pipeline.py and its README, "Language filtering thresholds"): pages with at least 50
alphabetic bytes that make up at least a fifth; languages below 0.05 forgotten; thresholds by language.

**Deviations**: fastText's lid.176 instead of GlotLID, so the published thresholds, which are GlotLID's, only come near.
FinePDFs takes the first language above its threshold; here the best one must be above its own. A document without page
boundaries counts as one page; one whose pages are all too short is looked at as a whole.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace as replace_fields
from types import MappingProxyType
from typing import Any

from smollab.curate.language import rank_languages
from smollab.curate.rules import OTHER, Filter, Rule, Value
from smollab.documents import Document, replace
from smollab.recipe import PageLanguage

__all__ = ["average_languages", "identify_page_language", "split_pages"]

FLOOR = 0.05
"""Languages that a page gives less are forgotten (FinePDFs)."""


def identify_page_language(
    settings: PageLanguage,
    languages: tuple[str, ...],
    by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Filter:
    """Build the step that sets the language of a PDF, and drops it when that is uncertain or not one of ours.

    Args:
        settings: thresholds.
        languages: to keep, where the settings name none.
        by_language: thresholds that differ by language.
    """
    if settings.languages is None:
        settings = replace_fields(settings, languages=languages)

    def note(document: Document, values: Mapping[str, Value]) -> Document:
        found = str(values["language"])
        metadata = {**document.metadata, "language_score": values["score"]}
        if OTHER in (settings.languages or ()) and found not in (settings.languages or ()):
            found, metadata["language_found"] = OTHER, found
        return replace(document, language=found, metadata=metadata)

    return Filter(
        "page_language",
        RULES,
        lambda document: (document, _best(document, settings)),
        settings,
        by_language,
        depends=("minimum_alphabetic_bytes", "minimum_alphabetic_ratio"),
        note=note,
    )


RULES = (
    Rule("language", "not one of ours", "among", "languages", lambda found: found[0]),
    Rule("score", "uncertain", "minimum", "minimum_score", lambda found: round(found[1], 4)),
)


def split_pages(document: Document) -> Iterator[str]:
    """Yield the text of each page, by the `page_starts` that extraction has noted; the whole text without them."""
    starts = document.metadata.get("page_starts") or [0]
    for start, end in zip(starts, [*starts[1:], len(document.text)], strict=True):
        yield document.text[start:end]


def average_languages(pages: Iterator[str], settings: PageLanguage) -> dict[str, float]:
    """Return language -> mean probability over the pages that have a say."""
    sums: defaultdict[str, float] = defaultdict(float)
    count = 0
    for page in pages:
        text = "\n".join(line for line in page.split("\n") if not line.startswith("|"))
        letters = sum(len(letter.encode("utf-8", "replace")) for letter in text if letter.isalpha())
        size = len(text.encode("utf-8", "replace"))
        if letters < settings.minimum_alphabetic_bytes or letters < settings.minimum_alphabetic_ratio * size:
            continue
        count += 1
        for language, probability in rank_languages(text):
            if probability >= FLOOR:
                sums[language] += probability
    return {language: total / count for language, total in sums.items()}


def _best(document: Document, settings: PageLanguage) -> tuple[str, float]:
    averages = average_languages(split_pages(document), settings)
    if not averages:
        averages = dict(rank_languages(document.text))
    return max(averages.items(), key=lambda item: (item[1], item[0]), default=("und", 0.0))
