import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.words import Words, mix, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop.", ["Do", "n't", "stop", "."]),
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
def test_recurring_runs_are_those_that_occur_twice(words, n):
    tuples = list(zip(*(words[i:] for i in range(n)), strict=False))
    positions, numbers = Words(" ".join(words)).recurring(n)
    assert positions.tolist() == [i for i, run in enumerate(tuples) if tuples.count(run) > 1]
    found = [tuples[i] for i in positions]
    assert len(set(zip(numbers.tolist(), found, strict=True))) == len(set(found)) == len(set(numbers.tolist()))


def test_mix_is_one_to_one_and_scatters():
    numbers = mix(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(numbers)) == 100_000
    bits = (numbers[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.01


def test_a_text_is_split_once():
    text = "some words " * 3
    assert words_of(text) is words_of("some words " * 3)
