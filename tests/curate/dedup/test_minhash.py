import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.dedup.minhash import MinHashDedup, UnionFind, combine_buckets, hash_shingles, normalize, sign
from smollab.documents import Document
from smollab.recipe import MinHash

SETTINGS = MinHash()


def jaccard(a, b, n=5):
    x, y = ({tuple(w[i : i + n]) for i in range(len(w) - n + 1)} for w in (a.split(), b.split()))
    return len(x & y) / len(x | y)


def make_pair(seed, changed, length=400):
    """Two texts of random words; the second has runs of words replaced."""
    rng = random.Random(seed)
    words = [f"w{rng.randrange(5000)}x" for _ in range(length)]
    other = list(words)
    for i in rng.sample(range(length), int(changed * length)):
        other[i] = f"z{rng.randrange(5000)}y"
    return " ".join(words), " ".join(other)


def originals(texts, settings=SETTINGS):
    dedup = MinHashDedup(settings)
    return dedup.find_originals(dedup.describe(Document(str(i), t, "web") for i, t in enumerate(texts))).tolist()


def test_minima_agree_as_often_as_the_jaccard_similarity():
    wide = MinHash(buckets=64, hashes_per_bucket=16)  # 1024 hashes: standard error below 0.016
    errors = []
    for seed in range(40):
        a, b = make_pair(seed, changed=seed / 400)
        # Words are letters around a number, which normalization would erase: spell digits as letters.
        a, b = (t.translate(str.maketrans("0123456789", "abcdefghij")) for t in (a, b))
        first, second = sign([a, b], wide)
        errors.append((first == second).mean() - jaccard(a, b))
    assert abs(np.mean(errors)) < 0.01  # no bias
    assert np.abs(errors).max() < 0.06


def test_negative_control_a_bad_hash_family_is_noticed():
    # Without mixing, neighboring numbers keep their order under multiplication: the minima are not random.
    numbers = np.arange(1, 2000, dtype=np.uint64)
    unmixed = np.array([(numbers * np.uint64(a)).argmin() for a in range(1, 113)])
    assert len(np.unique(unmixed)) < 5


@pytest.mark.parametrize(("similarity", "low", "high"), [(0.9, 0.97, 1.0), (0.8, 0.82, 0.99), (0.4, 0.0, 0.05)])
def test_candidates_are_as_frequent_as_the_formula_says(similarity, low, high):
    # P = 1 - (1 - J^8)^14: 0.9996 at 0.9, 0.92 at 0.8, 0.009 at 0.4. Sets of shingles are drawn directly.
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(120):
        both = round(200 * similarity)
        each = (200 - both) // 2
        words = [f"q{''.join(map(chr, rng.integers(97, 122, 8)))}" for _ in range(both + 2 * each)]
        unigrams = MinHash(n_gram=1)
        texts = [" ".join(words[: both + each]), " ".join(words[:both] + words[both + each :])]
        found += originals(texts, unigrams)[1] == 0
    assert low <= found / 120 <= high


def test_normalization_makes_near_equal_texts_equal():
    assert normalize("Café №5 costs 1,250.99, NOW!") == "cafe 0 costs 0 0 now"
    assert normalize("Costs 12.50, in-stock!") == "costs 0 in stock"
    assert normalize("Đã được CÀI-đặt") == normalize("đa đuoc cai đat")
    assert normalize("don't_stop") == "don t stop"
    assert normalize("你好abc") == "你 好 abc"
    assert normalize(" \n ") == ""


@given(st.text("ab c", max_size=40), st.integers(1, 4))
def test_shingles_are_equal_where_their_words_are(text, n):
    words = text.split()
    hashes = hash_shingles(" ".join(words), n).tolist()
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(hashes, runs, strict=True))) == len(set(runs)) == len(set(hashes))


def test_no_two_words_of_a_vocabulary_share_a_hash():
    words = [f"{a}{b}{c}{d}" for a in "abcdefgh" for b in "abcdefgh" for c in "ijklmnop" for d in "qrstuvwxyz"]
    assert len(set(hash_shingles(" ".join(words), 1).tolist())) == len(words)


def test_duplicates_with_other_dates_are_found_and_the_first_is_kept():
    text = "The meeting of the committee on {} was opened by the chair at nine and closed before noon as usual."
    texts = ["something else entirely, about boats and the sea and how to sail them home", *map(text.format, "123")]
    assert originals(texts) == [0, 1, 1, 1]


def test_texts_shorter_than_a_shingle_are_never_duplicates():
    assert originals(["four words are few", "four words are few", ""]) == [0, 1, 2]
    assert (combine_buckets(sign(["a b c"], SETTINGS), SETTINGS) == 0).all()


def test_signatures_do_not_depend_on_the_neighbors():
    texts = [make_pair(seed, 0.1)[0] for seed in range(30)]
    together = sign(texts, SETTINGS)
    alone = np.concatenate([sign([text], SETTINGS) for text in texts])
    assert (together == alone).all()
    assert sign([], SETTINGS).shape == (0, 112)


@given(st.integers(1, 25), st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=40))
def test_union_find_against_flooding(size, pairs):
    pairs = [(a % size, b % size) for a, b in pairs]
    label = list(range(size))
    for _ in range(size):  # flood the smallest label along all pairs
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    for order in (pairs, pairs[::-1]):
        sets = UnionFind(size)
        for a, b in order:
            sets.join(a, b)
        assert sets.roots().tolist() == label
