"""Find documents that hold examples of the evaluation sets, word for word or nearly so.

A model that has read the questions and their answers is not tested by them. Two looks are taken at each document:

- *n-grams*: 13 words in a row of an example, as GPT-3 did; shorter examples must occur whole. One is enough.
- *similarity*: the share of an example's word triples that occur in a stretch of the document as long as the example.
  A changed word breaks 13 runs of 13 words but only 3 triples, so an edited copy is still found, while triples that lie
  scattered over a long document do not add up. Examples of fewer than 13 words are only looked for whole.

Words are compared in lower case without punctuation. The most similar example is named in the drop.

**Source**: Brown et al. 2020 ("Language Models are Few-Shot Learners"), appendix C: 13-grams, at least 8 for short
examples. Overlap in a window, to be robust against edits: ours.

**Deviation**: GPT-3 cuts 200 characters around a match out of the document and ignores n-grams that are frequent in the
training data; here the whole document is dropped, and examples that are common sayings should not be in the set.

**Cost**: one pass over the document's words, independent of the number of examples unless they match.

**Fails when**: an example was translated or said in other words; a test shows that translations pass. Examples with
fewer words than `minimum_words` are not looked for: they occur by chance.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smollab.curate.evaluation_sets import Example, read_examples, split_words
from smollab.curate.rules import Filter, Rule, Value
from smollab.curate.words import mix
from smollab.documents import Document, Drop
from smollab.recipe import Decontaminate

__all__ = ["ExampleIndex", "Match", "decontaminate", "find_contamination"]

TRIPLE = 3
WINDOW = 1.25
"""A stretch of the document is so much longer than the example, to leave room for inserted words."""
LEAST_SIMILARITY = 0.3
"""Below it similarities count as 0: that many triples of a text occur anywhere."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Match:
    """How much of an example a document holds."""

    example: str
    """Id of the example; empty where nothing matches."""
    n_grams: int
    """Of the example that occur in the document."""
    longest: float
    """Longest run of the example's words that occurs, as a share of its words; 0 below n_gram words."""
    similarity: float
    """Largest share of the example's word triples in a stretch as long as it."""


NOTHING = Match("", 0, 0.0, 0.0)


class ExampleIndex:
    """The n-grams and triples of all examples, as sorted numbers.

    Args:
        examples: texts to look for; those with fewer than `minimum_words` words are left out.
        n_gram: words in a row that count as the same text.
        minimum_words: of an example.
    """

    def __init__(self, examples: Iterable[Example], n_gram: int = 13, minimum_words: int = 8):
        self._numbers: dict[str, int] = {}
        self.examples: list[Example] = []
        self._lengths: list[int] = []
        self._triples: list[int] = []
        n_grams: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        triples: dict[int, list[int]] = defaultdict(list)
        for example in examples:
            words = split_words(example.text)
            if len(words) < minimum_words:
                continue
            number = len(self.examples)
            mixed = mix(np.array([self._numbers.setdefault(w, len(self._numbers) + 1) for w in words], dtype=np.uint64))
            for hashed in dict.fromkeys(hash_runs(mixed, min(n_gram, len(words))).tolist()):
                n_grams[min(n_gram, len(words))][hashed].append(number)
            # In a short example a few triples are most of it, and a few triples occur anywhere.
            different = dict.fromkeys(hash_runs(mixed, TRIPLE).tolist()) if len(words) >= n_gram else {}
            for hashed in different:
                triples[hashed].append(number)
            self.examples.append(example)
            self._lengths.append(len(words))
            self._triples.append(len(different))
        self._by_n_gram = {n: _Lookup(found) for n, found in n_grams.items()}
        self._by_triple = _Lookup(triples)

    def find(self, text: str) -> Match:
        """Return the example that a text holds most of: by n-grams, then by similarity."""
        words = split_words(text)
        # Words that no example has become 0; a run with such a word cannot match.
        mixed = mix(np.fromiter((self._numbers.get(w, 0) for w in words), dtype=np.uint64, count=len(words)))
        n_grams, longest = self._count_n_grams(mixed)
        similar = self._measure_similarity(mixed)
        best = max(
            n_grams.keys() | similar.keys(),
            key=lambda number: (n_grams.get(number, 0), similar.get(number, 0.0), -number),
            default=None,
        )
        if best is None:
            return NOTHING
        return Match(
            self.examples[best].id,
            n_grams.get(best, 0),
            longest.get(best, 0) / self._lengths[best],
            similar.get(best, 0.0),
        )

    def _count_n_grams(self, mixed: NDArray[np.uint64]) -> tuple[dict[int, int], dict[int, int]]:
        """Return example -> n-grams found, and example -> words of the longest run."""
        counts: dict[int, int] = {}
        longest: dict[int, int] = {}
        for n, lookup in self._by_n_gram.items():
            runs: dict[int, tuple[int, int]] = {}
            seen: dict[int, set[int]] = defaultdict(set)
            for position, row, example in lookup.matches(hash_runs(mixed, n)):
                seen[example].add(row)
                last, length = runs.get(example, (-2, 0))
                length = length + 1 if position == last + 1 else n
                runs[example] = (position, length)
                longest[example] = max(longest.get(example, 0), min(length, self._lengths[example]))
            counts |= {example: len(rows) for example, rows in seen.items()}
        return counts, longest

    def _measure_similarity(self, mixed: NDArray[np.uint64]) -> dict[int, float]:
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for position, row, example in self._by_triple.matches(hash_runs(mixed, TRIPLE)):
            places[example].append((position, row))
        similar = {}
        for example, found in places.items():
            least = LEAST_SIMILARITY * self._triples[example]
            if len(found) >= least:
                most = count_in_window(found, round(WINDOW * self._lengths[example]))
                if most >= least:
                    similar[example] = most / self._triples[example]
        return similar


class _Lookup:
    """Numbers -> the examples that have them, searched for many numbers at once."""

    def __init__(self, examples: Mapping[int, list[int]]):
        self._numbers = np.array(sorted(examples), dtype=np.uint64)
        self._examples = [examples[number] for number in self._numbers.tolist()]

    def matches(self, numbers: NDArray[np.uint64]) -> Iterator[tuple[int, int, int]]:
        """Yield (position, row of the number here, example) of the numbers that are here, in order of position."""
        if not len(self._numbers) or not len(numbers):
            return
        rows = np.searchsorted(self._numbers, numbers)
        rows[rows == len(self._numbers)] = 0
        positions = np.flatnonzero(self._numbers[rows] == numbers)
        for position, row in zip(positions.tolist(), rows[positions].tolist(), strict=True):
            for example in self._examples[row]:
                yield position, row, example


def hash_runs(mixed: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Return a 64-bit number for each run of n words, equal where the runs are equal."""
    count = len(mixed) - n + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    numbers = mixed[:count].copy()
    for offset in range(1, n):
        numbers *= _MULTIPLIER
        numbers += mixed[offset : offset + count]
    return numbers


def count_in_window(found: list[tuple[int, int]], width: int) -> int:
    """Return the most different rows among (position, row) pairs, sorted by position, in a window of positions."""
    inside: Counter[int] = Counter()
    most = start = 0
    for position, row in found:
        inside[row] += 1
        while found[start][0] <= position - width:
            gone = found[start][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        most = max(most, len(inside))
    return most


class Reported(Rule):
    """A value that is kept in the ledger and never judged."""

    def passes(self, value: Value, threshold: Any) -> bool:
        """Say yes."""
        return True


class Decontamination(Filter):
    """The filter; its drops name the example."""

    def __call__(self, document: Document) -> Document | Drop:
        """Return the document, or the drop with the example that it holds."""
        _, values = self.measure(document)
        return self.judge(values, document.language) or document

    def judge(self, values: Mapping[str, Value], language: str = "") -> Drop | None:
        """Return the drop of the first rule whose value fails, or None."""
        drop = super().judge(values, language)
        return drop and Drop(drop.reason, f"{drop.detail}: {values.get('example')}")


RULES = (
    Rule("n_grams", "n-grams of an example", "maximum", "maximum_n_grams", lambda match: match.n_grams),
    Rule(
        "similarity",
        "nearly an example",
        "maximum",
        "maximum_similarity",
        lambda match: round(match.similarity, 4),
    ),
    Reported("longest_match", "", "maximum", "", lambda match: round(match.longest, 4)),
    Reported("example", "", "maximum", "", lambda match: match.example or None),
)


def decontaminate(
    settings: Decontaminate, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> Filter:
    """Build the filter that drops documents which hold examples of the evaluation sets.

    Raises:
        CurationError: no evaluation set is named, or one cannot be read.
    """
    index = load_index(tuple(sorted(settings.evaluations.items())), settings.n_gram, settings.minimum_words)
    return Decontamination(
        "decontaminate",
        RULES,
        lambda document: (document, index.find(document.text)),
        settings,
        by_language,
        depends=("evaluations", "n_gram", "minimum_words"),
    )


@lru_cache(maxsize=4)
def load_index(evaluations: tuple[tuple[str, tuple[str, ...]], ...], n_gram: int, minimum_words: int) -> ExampleIndex:
    """Read the evaluation sets and index their examples; the last few are remembered."""
    return ExampleIndex(read_examples(dict(evaluations)), n_gram, minimum_words)


def find_contamination(documents: Iterable[Document], settings: Decontaminate) -> Iterator[tuple[Document, Match]]:
    """Yield the documents that the settings would drop, each with the example it holds most of."""
    step = decontaminate(settings)
    index = load_index(tuple(sorted(settings.evaluations.items())), settings.n_gram, settings.minimum_words)
    for document in documents:
        if isinstance(step(document), Drop):
            yield document, index.find(document.text)
