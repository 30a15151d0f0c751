"""Gopher's rules: a page that repeats itself, and a page that is not made of ordinary sentences.

**Source**: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
section A.1.1 and table A1, in the reading of datatrove's `GopherRepetitionFilter` and `GopherQualityFilter`
(Apache-2.0), which FineWeb was made with. The order of the rules is datatrove's, so that the first failing
rule, which is the reason given, is the same.

**Deviation**: words come from one shared regular expression instead of spaCy (see `words.py`), and the stop
words of languages other than English are ours.
"""

import re

from smollab.curate.filters.repeats import (
    count_repeated_n_gram_characters,
    count_repeats,
    count_top_n_gram_characters,
)
from smollab.curate.stop_words import STOP_WORDS
from smollab.curate.words import Words, words_of
from smollab.documents import Document, Drop
from smollab.recipe import GopherQuality, GopherRepetition

_PARAGRAPH_BREAK = re.compile(r"\n{2,}")
_LINE_BREAK = re.compile(r"\n+")


def gopher_repetition(document: Document, settings: GopherRepetition) -> Document | Drop:
    """Drop a document that repeats its lines, paragraphs or n-grams."""
    text = document.text
    if not text.strip():
        return Drop("gopher_repetition: empty")
    paragraphs = _PARAGRAPH_BREAK.split(text.strip())
    lines = _LINE_BREAK.split(text)
    for name, pieces, most, most_characters in (
        (
            "paragraphs",
            paragraphs,
            settings.duplicate_paragraph_fraction,
            settings.duplicate_paragraph_character_fraction,
        ),
        ("lines", lines, settings.duplicate_line_fraction, settings.duplicate_line_character_fraction),
    ):
        repeats, characters = count_repeats(pieces)
        if repeats / len(pieces) > most:
            return Drop(f"gopher_repetition: duplicate {name}", f"{repeats / len(pieces):.4g} > {most}")
        if characters / len(text) > most_characters:
            share = characters / len(text)
            return Drop(f"gopher_repetition: characters in duplicate {name}", f"{share:.4g} > {most_characters}")
    return _judge_n_grams(words_of(text), settings) or document


def _judge_n_grams(words: Words, settings: GopherRepetition) -> Drop | None:
    size = len(words.text)
    for n, most in settings.top_n_grams.items():
        share = count_top_n_gram_characters(words, int(n)) / size
        if share > most:
            return Drop(f"gopher_repetition: top {n}-gram", f"{share:.4g} > {most}")
    for n, most in settings.duplicate_n_grams.items():
        share = count_repeated_n_gram_characters(words, int(n)) / size
        if share > most:
            return Drop(f"gopher_repetition: duplicate {n}-grams", f"{share:.4g} > {most}")
    return None


def gopher_quality(document: Document, settings: GopherQuality) -> Document | Drop:
    """Drop a document whose words and lines are not those of prose."""
    words = words_of(document.text)
    return (
        _judge_size(words, settings)
        or _judge_signs(words, settings)
        or _judge_words(words, document.language, settings)
        or document
    )


def _judge_size(words: Words, settings: GopherQuality) -> Drop | None:
    count = len(words.proper)
    if count < settings.minimum_words:
        return Drop("gopher_quality: too few words", f"{count} < {settings.minimum_words}")
    if count > settings.maximum_words:
        return Drop("gopher_quality: too many words", f"{count} > {settings.maximum_words}")
    mean = sum(map(len, words.proper)) / count if count else 0.0
    if mean < settings.minimum_mean_word_length:
        return Drop("gopher_quality: short words", f"{mean:.2f} characters < {settings.minimum_mean_word_length}")
    if mean > settings.maximum_mean_word_length:
        return Drop("gopher_quality: long words", f"{mean:.2f} characters > {settings.maximum_mean_word_length}")
    return None


def _judge_signs(words: Words, settings: GopherQuality) -> Drop | None:
    text, count = words.text, max(len(words), 1)
    hashes = text.count("#") / count
    if hashes > settings.maximum_symbol_ratio:
        return Drop("gopher_quality: hash signs", f"{hashes:.4g} per word > {settings.maximum_symbol_ratio}")
    ellipses = (text.count("...") + text.count("…")) / count
    if ellipses > settings.maximum_symbol_ratio:
        return Drop("gopher_quality: ellipses", f"{ellipses:.4g} per word > {settings.maximum_symbol_ratio}")
    lines = text.splitlines() or [""]
    bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines)
    if bullets > settings.maximum_bullet_lines:
        return Drop("gopher_quality: bullet lines", f"{bullets:.4g} > {settings.maximum_bullet_lines}")
    ended = sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines)
    if ended > settings.maximum_ellipsis_lines:
        return Drop("gopher_quality: lines end in ellipsis", f"{ended:.4g} > {settings.maximum_ellipsis_lines}")
    return None


def _judge_words(words: Words, language: str, settings: GopherQuality) -> Drop | None:
    with_letter = sum(word.isalpha() or any(map(str.isalpha, word)) for word in words.words) / max(len(words), 1)
    if with_letter < settings.minimum_alphabetic_words:
        return Drop(
            "gopher_quality: words without letters",
            f"{with_letter:.4g} < {settings.minimum_alphabetic_words}",
        )
    stop_words = STOP_WORDS.get(language)
    if stop_words is None:  # no list for this language: the rule says nothing
        return None
    found = len(stop_words.intersection(words.words))
    if found < settings.minimum_stop_words:
        return Drop("gopher_quality: too few stop words", f"{found} < {settings.minimum_stop_words}")
    return None
