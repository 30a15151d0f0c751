import random

import numpy as np
import pytest

from smollab.curate.dedup import minhash_dedup
from smollab.curate.dedup.minhash import bucket_keys, candidate_probability, combine_buckets, sign
from smollab.documents import Document, Drop
from smollab.recipe import MinHash

from ..making import prose
from .comparing import originals, outcomes

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


def test_the_estimate_varies_as_independent_hashes_would():
    """The number of agreeing hashes is binomial; hashes that hang together would spread it more."""
    rng = np.random.default_rng(7)
    agreements = []
    for _ in range(400):
        words = ["".join(map(chr, rng.integers(97, 123, 9))) for _ in range(300)]
        a, b = " ".join(words[:200]), " ".join(words[100:])  # 100 of 300 in common
        first, second = sign([a, b], MinHash(n_gram=1))
        agreements.append((first == second).mean())
    similarity = 100 / 300
    expected = similarity * (1 - similarity) / 112
    # The variance of a sample of 400 has a relative standard error of sqrt(2 / 399) = 7%.
    assert abs(np.var(agreements, ddof=1) / expected - 1) < 0.28
    assert abs(np.mean(agreements) - similarity) < 4 * (expected / 400) ** 0.5


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
        first, second = bucket_keys([Document("", text, "web") for text in texts], unigrams)
        found += (first == second).any()
    assert low <= found / 120 <= high


def test_duplicates_with_other_dates_are_found_and_the_first_is_kept(tmp_path):
    text = "The meeting of the committee on {} was opened by the chair at nine and closed before noon as usual."
    texts = ["something else entirely, about boats and the sea and how to sail them home", *map(text.format, "123")]
    assert originals(minhash_dedup(SETTINGS), tmp_path, texts) == [0, 1, 1, 1]


def test_texts_shorter_than_a_shingle_are_never_duplicates(tmp_path):
    texts = ["four words are few", "four words are few", ""]
    assert originals(minhash_dedup(SETTINGS), tmp_path, texts) == [0, 1, 2]
    assert (combine_buckets(sign(["a b c"], SETTINGS), SETTINGS) == 0).all()


def test_signatures_do_not_depend_on_the_neighbors():
    texts = [make_pair(seed, 0.1)[0] for seed in range(30)]
    together = sign(texts, SETTINGS)
    alone = np.concatenate([sign([text], SETTINGS) for text in texts])
    assert (together == alone).all()
    assert sign([], SETTINGS).shape == (0, 112)


@pytest.mark.parametrize(
    ("settings", "similarity", "probability"),
    [(MinHash(), 0.8, 0.9237), (MinHash(), 0.4, 0.00914), (MinHash(buckets=32, hashes_per_bucket=10), 0.7, 0.60026)],
)
def test_the_s_curve(settings, similarity, probability):
    assert candidate_probability(similarity, settings) == pytest.approx(probability, abs=2e-4)


@pytest.mark.parametrize(("scope", "groups"), [("all", 1), ("source", 2), ("language", 3)])
def test_documents_of_other_scopes_are_not_compared(tmp_path, scope, groups):
    labels = [("a", "en"), ("a", "fr"), ("b", "en"), ("b", "fr"), ("b", "de")]
    documents = [Document(f"{s}-{lang}", prose(3, 30), s, lang) for s, lang in labels]
    results = outcomes(minhash_dedup(MinHash(scope=scope)), tmp_path, documents)
    assert sum(not isinstance(after, Drop) for _, after in results) == groups


def test_a_scope_does_not_change_what_is_found_within_it(tmp_path):
    documents = [Document(str(i), prose(i // 2, 40) + " Indeed." * (i % 2), "web", "en") for i in range(20)]
    details = []
    for scope in ("all", "source"):
        results = outcomes(minhash_dedup(MinHash(scope=scope)), tmp_path / scope, documents)
        details.append([after.detail for _, after in results if isinstance(after, Drop)])
    assert details[0] == details[1] and len(details[0]) == 10


def test_the_result_does_not_depend_on_how_documents_are_sharded(tmp_path):
    documents = [Document(str(i), prose(i % 40, 40) + " So." * (i // 40), "web", "en") for i in range(120)]
    step = minhash_dedup(MinHash(keep="longest"))
    one = outcomes(step, tmp_path / "one", documents)
    many = outcomes(step, tmp_path / "many", *(documents[i : i + 17] for i in range(0, 120, 17)))
    assert one == many
    pairs = [(tmp_path / name / "work" / "pairs.parquet").read_bytes() for name in ("one", "many")]
    assert pairs[0] == pairs[1]
