"""Adult and abusive pages, by the share of their words that stand on a list.

C4 drops a page for one word of its list. That takes pages about health, law and minorities with it, and FineWeb does
without. Here a page is dropped when such words are a considerable share of it and several different ones occur: a page
of an adult site repeats many, a page about the word quotes one.

FineWeb's own defense against adult pages is the URL filter; this step sees what addresses do not tell.

**Source**: the one-word rule is C4's (Raffel et al. 2020, section 2.2, in the reading of datatrove's
`C4BadWordsFilter`), off by default; lists and shares are ours.

**Cost**: a set of the page's words, tokenized once for all rules.

**Fails when**: words are misspelled on purpose or in a language without a list; and it hears words, not what is said
with them: hatred in polite words passes.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from smollab.curate.rules import Filter, Rule
from smollab.curate.toxicity_words import LISTS
from smollab.curate.words import words_of
from smollab.documents import Document
from smollab.recipe import Toxicity

__all__ = ["ListedWords", "toxicity"]


def toxicity(settings: Toxicity, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Filter:
    """Build the filter that drops adult and abusive pages."""

    def prepare(document: Document) -> tuple[Document, ListedWords]:
        return document, ListedWords(document.text, document.language, settings.minimum_different_words)

    return Filter("toxicity", RULES, prepare, settings, by_language, depends=("minimum_different_words",))


class ListedWords:
    """The words of a text that stand on a list.

    Args:
        text: of a document.
        language: ISO 639-1; in others than the seven only words that are used everywhere count.
        minimum_different: fewer different words of a list count as none.
    """

    def __init__(self, text: str, language: str = "", minimum_different: int = 1):
        self.words = words_of(text).words
        self.language = language
        self.minimum_different = minimum_different

    @cached_property
    def counts(self) -> Counter[str]:
        """Lower-case word -> how often."""
        return Counter(map(str.lower, self.words))

    def found(self, name: str) -> list[str]:
        """Return the different words of a list that occur, in alphabetical order."""
        lists = LISTS[name]
        return sorted(lists.get(self.language, lists[""]).intersection(self.counts))

    def share(self, name: str) -> float:
        """Return the share of all words that stand on a list; 0 where too few different ones do."""
        found = self.found(name)
        if len(found) < self.minimum_different:
            return 0.0
        return sum(self.counts[word] for word in found) / len(self.words)

    def any(self) -> bool:
        """Say whether one word of either list occurs."""
        return any(self.found(name) for name in LISTS)


RULES = (
    Rule(
        "adult_words",
        "adult words",
        "maximum",
        "maximum_adult_words",
        lambda listed: listed.share("adult"),
        " of words",
    ),
    Rule(
        "abusive_words",
        "abusive words",
        "maximum",
        "maximum_abusive_words",
        lambda listed: listed.share("abusive"),
        " of words",
    ),
    Rule("any_listed_word", "a listed word", "forbidden", "drop_any_word", ListedWords.any),
)
