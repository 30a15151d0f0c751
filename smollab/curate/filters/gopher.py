"""Gopher's rules: a page that repeats itself, and a page that is not made of ordinary sentences.

**Source**: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
section A.1.1 and table A1, in the reading of datatrove's `GopherRepetitionFilter` and `GopherQualityFilter`
(Apache-2.0), which FineWeb was made with. The order of the rules is datatrove's, so that the first failing
rule, which is the reason given, is the same.

**Deviations**: words are split once for all rules, by spaCy's rules but not by spaCy (see `word_affixes.py`); bounds
hold inclusively, and a threshold of 0 is a threshold, where datatrove takes it to mean that the rule is off.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from smollab.curate.filters.repeats import (
    count_repeated_n_gram_characters,
    count_repeats,
    count_top_n_gram_characters,
)
from smollab.curate.rules import Filter, Rule
from smollab.curate.stop_words import STOP_WORDS
from smollab.curate.words import Words, words_of
from smollab.recipe import GopherQuality, GopherRepetition

_PARAGRAPH_BREAK = re.compile(r"\n{2,}")
_LINE_BREAK = re.compile(r"\n+")
NO_LANGUAGES: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def gopher_repetition(
    settings: GopherRepetition, by_language: Mapping[str, Mapping[str, Any]] = NO_LANGUAGES
) -> Filter:
    """Build the filter that drops documents which repeat their lines, paragraphs or n-grams."""
    rules = [
        *REPETITION_RULES,
        *(_top_n_gram_rule(int(n)) for n in settings.top_n_grams),
        *(_duplicate_n_gram_rule(int(n)) for n in settings.duplicate_n_grams),
    ]
    return Filter("gopher_repetition", rules, lambda d: (d, Repetition(d.text, d.language)), settings, by_language)


def gopher_quality(settings: GopherQuality, by_language: Mapping[str, Mapping[str, Any]] = NO_LANGUAGES) -> Filter:
    """Build the filter that drops documents whose words and lines are not those of prose."""
    return Filter(
        "gopher_quality",
        QUALITY_RULES,
        lambda d: (d, Prose(words_of(d.text, d.language), d.language)),
        settings,
        by_language,
    )


class Repetition:
    """What the repetition rules measure of a text; each value is computed when it is first asked for."""

    def __init__(self, text: str, language: str):
        self.text, self.language = text, language

    @cached_property
    def words(self) -> Words:
        """The words, shared with other rules."""
        return words_of(self.text, self.language)

    @cached_property
    def paragraphs(self) -> tuple[float, float]:
        """Share of paragraphs that repeat an earlier one, and their share of the characters."""
        return self._repeats(_PARAGRAPH_BREAK.split(self.text.strip()))

    @cached_property
    def lines(self) -> tuple[float, float]:
        """Share of lines that repeat an earlier one, and their share of the characters."""
        return self._repeats(_LINE_BREAK.split(self.text))

    def _repeats(self, pieces: list[str]) -> tuple[float, float]:
        repeats, characters = count_repeats(pieces)
        return repeats / len(pieces), characters / max(len(self.text), 1)


REPETITION_RULES = (
    Rule("empty", "empty", "forbidden", "", lambda r: not r.text.strip()),
    Rule("paragraphs", "duplicate paragraphs", "maximum", "duplicate_paragraph_fraction", lambda r: r.paragraphs[0]),
    Rule(
        "paragraph_characters",
        "characters in duplicate paragraphs",
        "maximum",
        "duplicate_paragraph_character_fraction",
        lambda r: r.paragraphs[1],
    ),
    Rule("lines", "duplicate lines", "maximum", "duplicate_line_fraction", lambda r: r.lines[0]),
    Rule(
        "line_characters",
        "characters in duplicate lines",
        "maximum",
        "duplicate_line_character_fraction",
        lambda r: r.lines[1],
    ),
)
"""Judged first; the n-gram rules of the recipe follow."""


def _top_n_gram_rule(n: int) -> Rule:
    def measure(text: Repetition) -> float:
        return count_top_n_gram_characters(text.words, n) / max(len(text.text), 1)

    return Rule(f"top_{n}_gram", f"top {n}-gram", "maximum", f"top_n_grams.{n}", measure)


def _duplicate_n_gram_rule(n: int) -> Rule:
    def measure(text: Repetition) -> float:
        return count_repeated_n_gram_characters(text.words, n) / max(len(text.text), 1)

    return Rule(f"duplicate_{n}_grams", f"duplicate {n}-grams", "maximum", f"duplicate_n_grams.{n}", measure)


class Prose:
    """What the quality rules measure of a text; each value is computed when it is first asked for."""

    def __init__(self, words: Words, language: str):
        self.words = words
        self.language = language

    @cached_property
    def mean_word_length(self) -> float:
        """Characters per word that is not a symbol."""
        proper = self.words.proper
        return sum(map(len, proper)) / len(proper) if proper else 0.0

    @cached_property
    def lines(self) -> list[str]:
        """Lines, empty ones included."""
        return self.words.text.splitlines() or [""]

    def per_word(self, *signs: str) -> float:
        """Return how often any of the signs stands in the text, per word."""
        return sum(map(self.words.text.count, signs)) / max(len(self.words), 1)

    def bullet_lines(self) -> float:
        """Return the share of lines that begin with a bullet or a dash."""
        return sum(line.lstrip().startswith(("•", "-")) for line in self.lines) / len(self.lines)

    def ellipsis_lines(self) -> float:
        """Return the share of lines that end with an ellipsis."""
        return sum(line.rstrip().endswith(("...", "…")) for line in self.lines) / len(self.lines)

    def alphabetic_words(self) -> float:
        """Return the share of words with at least one letter."""
        with_letter = sum(word.isalpha() or any(map(str.isalpha, word)) for word in self.words.words)
        return with_letter / max(len(self.words), 1)

    def stop_words(self) -> int | None:
        """Return how many different stop words occur; None where no list is known for the language."""
        stop_words = STOP_WORDS.get(self.language)
        return None if stop_words is None else len(stop_words.intersection(self.words.words))


QUALITY_RULES = (
    Rule("words", "too few words", "minimum", "minimum_words", lambda p: len(p.words.proper)),
    Rule("words", "too many words", "maximum", "maximum_words", lambda p: len(p.words.proper)),
    Rule(
        "mean_word_length",
        "short words",
        "minimum",
        "minimum_mean_word_length",
        lambda p: p.mean_word_length,
        " characters",
    ),
    Rule(
        "mean_word_length",
        "long words",
        "maximum",
        "maximum_mean_word_length",
        lambda p: p.mean_word_length,
        " characters",
    ),
    Rule("hash_signs", "hash signs", "maximum", "maximum_symbol_ratio", lambda p: p.per_word("#"), " per word"),
    Rule("ellipses", "ellipses", "maximum", "maximum_symbol_ratio", lambda p: p.per_word("...", "…"), " per word"),
    Rule("bullet_lines", "bullet lines", "maximum", "maximum_bullet_lines", Prose.bullet_lines),
    Rule("ellipsis_lines", "lines end in ellipsis", "maximum", "maximum_ellipsis_lines", Prose.ellipsis_lines),
    Rule("alphabetic_words", "words without letters", "minimum", "minimum_alphabetic_words", Prose.alphabetic_words),
    Rule("stop_words", "too few stop words", "minimum", "minimum_stop_words", Prose.stop_words),
)
