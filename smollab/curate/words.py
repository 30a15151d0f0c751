"""One tokenization per document, shared by every rule.

Splitting a text into words costs more than most rules that look at the words, and the classic pipelines do
it again in each rule. Here it is done once: `words_of(text)` keeps the last few texts, so the rules that
follow one another on a document all see the same `Words`.

What a word is depends on the language and follows spaCy, whose words FineWeb counted: see `word_affixes.py`. Chinese
and Japanese characters count as one word each.

Cost: one look into a dictionary for each word.

Fails when: a script writes no spaces and is not Chinese or Japanese (Thai, Khmer): a phrase is then a word.
"""

import unicodedata
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from smollab.curate.word_affixes import CJK, splitter

__all__ = ["CJK", "Words", "mix", "words_of"]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Words:
    """The words of one text, and what several rules derive from them."""

    def __init__(self, text: str, language: str = "en"):
        self.text = text
        self.words: list[str] = splitter(language)(text)
        self._recurring: dict[int, tuple[NDArray[np.int64], NDArray[np.uint64]]] = {}

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters of each word."""
        return np.fromiter(map(len, self.words), dtype=np.int64, count=len(self.words))

    @cached_property
    def proper(self) -> list[str]:
        """Words that are not only punctuation and signs."""
        return [word for word in self.words if word.isalnum() or not all(map(_is_sign, word))]

    @cached_property
    def _mixed(self) -> NDArray[np.uint64]:
        numbers: dict[str, int] = {}
        ids = [numbers.setdefault(word, len(numbers)) for word in self.words]
        return mix(np.array(ids, dtype=np.uint64))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Characters before each word and after the last, spaces not counted: (words + 1,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def recurring(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return the runs of n words that occur at least twice.

        A run can only recur where its beginning does, so each n looks only at what recurs for n - 1: all
        rules from 2 to 10 together cost little more than the first.

        Returns:
            Their positions, ascending, and a 64-bit number for each, equal where the runs are equal (a
            polynomial over mixed word numbers; two different runs share one with a probability near 2^-64).
        """
        if n not in self._recurring:
            if n == 1:
                positions, numbers = np.arange(len(self), dtype=np.int64), self._mixed
            else:
                positions, numbers = self.recurring(n - 1)
                inside = int(np.searchsorted(positions, len(self) - n + 1))  # the run must not cross the end
                positions = positions[:inside]
                numbers = numbers[:inside] * _MULTIPLIER + self._mixed[positions + (n - 1)]
            mask = _mark_recurring(numbers)
            self._recurring[n] = positions[mask], numbers[mask]
        return self._recurring[n]


@lru_cache(maxsize=4)
def words_of(text: str, language: str = "en") -> Words:
    """Return the words of a text in a language; the last few texts are remembered."""
    return Words(text, language)


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter numbers over all 64 bits, one to one (the finalizer of SplitMix64; Steele et al. 2014)."""
    numbers = numbers + _MULTIPLIER
    numbers ^= numbers >> np.uint64(30)
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> np.uint64(31)
    return numbers


def _mark_recurring(numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return a mask of the numbers that occur at least twice."""
    recurring = np.zeros(len(numbers), dtype=bool)
    if len(numbers) < 2:
        return recurring
    order = np.argsort(numbers, kind="stable")
    sorted_ = numbers[order]
    same = sorted_[1:] == sorted_[:-1]
    recurring[order[1:]] = same
    recurring[order[:-1][same]] = True
    return recurring


@lru_cache(maxsize=4096)
def _is_sign(character: str) -> bool:
    """Tell punctuation and ASCII's mathematical signs from what makes a word."""
    return unicodedata.category(character)[0] in "PC" or character in "$+<=>^`|~"
