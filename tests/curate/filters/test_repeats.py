"""Against plain readings of the definitions, written without numpy or hashes."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from smollab.curate.filters.repeats import (
    count_repeated_n_gram_characters,
    count_repeats,
    count_top_n_gram_characters,
)
from smollab.curate.words import Words

texts = st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), max_size=60).map(" ".join)


def top_by_definition(words, n):
    joined = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not joined:
        return 0
    counts = Counter(joined)
    most = max(counts.values())
    return next(len(gram) * most for gram in joined if counts[gram] == most)


def repeated_by_definition(words, n):
    seen, characters, i = set(), 0, 0
    while i + n <= len(words):
        gram = tuple(words[i : i + n])
        if gram in seen:
            characters += sum(map(len, gram))
            i += n
        else:
            seen.add(gram)
            i += 1
    return characters


@settings(max_examples=300, deadline=None)
@given(texts, st.integers(1, 10))
def test_n_gram_rules_by_definition(text, n):
    words = Words(text)
    assert count_top_n_gram_characters(words, n) == top_by_definition(text.split(), n)
    assert count_repeated_n_gram_characters(words, n) == repeated_by_definition(text.split(), n)


def test_negative_control_leaping_over_a_repeat_matters():
    # Counting every position instead of leaping would count characters twice.
    words = ["x", "x", "x", "x", "x", "x", "x", "x"]
    every_position = sum(2 for i in range(1, 7))
    assert repeated_by_definition(words, 2) != every_position
    assert count_repeated_n_gram_characters(Words(" ".join(words)), 2) == repeated_by_definition(words, 2)


def test_count_repeats():
    assert count_repeats(["ab", "c", "ab", "ab"]) == (2, 4)
    assert count_repeats([]) == (0, 0)
