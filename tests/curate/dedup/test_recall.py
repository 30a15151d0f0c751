"""MinHash against the exact Jaccard similarity on real near-duplicates, and against the theoretical S-curve."""

import numpy as np
import pytest

from smollab.curate.dedup.minhash import candidate_probability
from smollab.lab.near_duplicates import load_near_duplicates, shingle_sets, similarity_matrix
from smollab.recipe import MinHash

SEEDS = range(1, 61)


@pytest.fixture(scope="module")
def pages():
    return load_near_duplicates(("vi", "noise"), pages=90, edited=60)


@pytest.fixture(scope="module")
def caught(pages):
    """(seeds, pairs): whether any bucket agrees."""
    return np.array([pages.agreeing_buckets(MinHash(seed=seed)) > 0 for seed in SEEDS])


def test_the_pages_hold_every_degree_of_similarity(pages):
    counts = np.histogram(pages.similarities(5), [0, 0.05, 0.3, 0.5, 0.7, 0.85, 1.01])[0]
    assert counts[0] > 5000 and (counts[1:] >= 10).all(), counts


def test_the_matrix_holds_exact_similarities(pages):
    sets = shingle_sets(pages.texts, 5)
    matrix = similarity_matrix(sets)
    for a, b in zip(*pages.pairs, strict=True):
        if matrix[a, b] > 0.2 or (a * b) % 997 == 0:
            first, second = set(sets[a].tolist()), set(sets[b].tolist())
            assert matrix[a, b] == pytest.approx(len(first & second) / len(first | second), abs=1e-12)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.3), (0.3, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01), (0.0, 1.01)]
)
def test_pairs_are_caught_as_often_as_the_s_curve_says(pages, caught, low, high):
    similarity = pages.similarities(5)
    here = (similarity >= low) & (similarity < high)
    expected = sum(candidate_probability(s, MinHash()) for s in similarity[here])
    # Pairs share pages, so their fates hang together; seeds do not. Their spread is the error of the mean.
    found = caught[:, here].sum(axis=1)
    error = max(found.std(ddof=1), expected**0.5 * 0.3, 0.3) / len(found) ** 0.5
    assert abs(found.mean() - expected) < 4 * error, (found.mean(), expected, error)


def test_negative_control_another_band_shape_misses_the_curve(pages, caught):
    """The comparison is sharp enough to tell 14 buckets from 20, and 8 hashes from 7 or 9."""
    similarity = pages.similarities(5)
    found = caught.sum(axis=1)
    error = found.std(ddof=1) / len(found) ** 0.5
    for other in (MinHash(buckets=20), MinHash(hashes_per_bucket=7), MinHash(hashes_per_bucket=9)):
        expected = sum(candidate_probability(s, other) for s in similarity)
        assert abs(found.mean() - expected) > 4 * error


def test_recall_and_precision_at_the_published_setting(pages, caught):
    similarity = pages.similarities(5)
    alike, caught_alike = similarity >= 0.8, caught[:, similarity >= 0.8]
    assert alike.sum() >= 20
    assert caught_alike.mean() > 0.97  # recall: 0.924 at 0.8 exactly, and more above
    precision = (caught & (similarity >= 0.5)).sum() / caught.sum()
    assert precision > 0.9
    assert not caught[:, similarity < 0.2].any()
