from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.words import Words, mix, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop.", ["Don'", "t", "stop", "."]),
        ("a well-known U.S. word", ["a", "well", "-", "known", "U.S.", "word"]),
        ("1,000.5 os.path UTF-8", ["1,000.5", "os.path", "UTF-8"]),
        ("see /etc or --help (x)", ["see", "/etc", "or", "--help", "(", "x", ")"]),
        ("go to https://a.org/b?c=d.", ["go", "to", "https://a.org/b?c=d", "."]),
        ("你好, 世界", ["你", "好", ",", "世", "界"]),
        ("", []),
    ],
)
def test_splits_like_a_careful_reader(text, words):
    assert Words(text).words == words


@given(st.text(max_size=200))
def test_loses_nothing_but_white_space(text):
    assert "".join(Words(text).words) == "".join(text.split())


def test_proper_words_are_not_only_signs():
    assert Words("one, two -- three $ 4 € é").proper == ["one", "two", "three", "4", "€", "é"]


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=40), st.integers(1, 6))
def test_n_grams_are_equal_where_the_words_are(words, n):
    numbers = Words(" ".join(words)).n_grams(n).tolist()
    tuples = list(zip(*(words[i:] for i in range(n)), strict=False))
    assert len(numbers) == len(tuples)
    assert Counter(Counter(numbers).values()) == Counter(Counter(tuples).values())
    assert len(set(zip(numbers, tuples, strict=True))) == len(set(tuples))


def test_mix_is_one_to_one_and_scatters():
    numbers = mix(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(numbers)) == 100_000
    bits = (numbers[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.01


def test_a_text_is_split_once():
    text = "some words " * 3
    assert words_of(text) is words_of("some words " * 3)
