"""Near-duplicates by MinHash and locality-sensitive hashing (LSH).

A document is the set of its word 5-grams (`shingles`). For a random order of all shingles, two documents have the same
first shingle with a probability equal to their Jaccard similarity J. 112 such minima, in 14 buckets of 8, make two
documents candidates when all 8 of any bucket agree:

    P(candidate) = 1 - (1 - J^8)^14          (0.5 near J = 0.69; 0.92 at J = 0.8)

Candidates are joined into clusters, and one document of each cluster stays (`keeper`).

**Source**: Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3; parameters and the cluster rule are
FineWeb's (datatrove's `dedup/minhash.py`, Apache-2.0).

**Deviations**: an order of all shingles is a multiplication of their (random) hashes by an odd number modulo 2^32,
instead of multiply-add modulo 2^61 - 1: four times as many fit into a register. Two different shingles of documents of
N words take each other's place with a probability of N / 2^32, which moves J by less than 10^-5 for 10,000 words. A
bucket's 8 minima are compared through one 64-bit hash of them.

**Cost**: 112 multiplications per word.

**Fails when**: documents have fewer than 5 words (they are never near-duplicates); boilerplate dominates.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.shingles import hash_shingles, normalize
from smollab.curate.dedup.whole import WholeDedup
from smollab.curate.words import mix
from smollab.documents import Document
from smollab.recipe import MinHash

__all__ = ["bucket_keys", "candidate_probability", "combine_buckets", "minhash_dedup", "sign"]

_BLOCK = 512
"""Shingles hashed at a time: 112 x 512 numbers stay in the cache."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHORT = np.iinfo(np.uint32).max


def minhash_dedup(settings: MinHash) -> WholeDedup:
    """Build the global step that keeps one document of each cluster of near-duplicates."""
    return WholeDedup(
        name="minhash_dedup",
        reason="near-duplicate",
        keys=lambda documents: bucket_keys(documents, settings),
        columns=settings.buckets,
        settings=settings,
    )


def candidate_probability(similarity: float, settings: MinHash) -> float:
    """Return the probability that two documents of a given Jaccard similarity become candidates: the S-curve."""
    return float(1 - (1 - similarity**settings.hashes_per_bucket) ** settings.buckets)


def sign(texts: Iterable[str], settings: MinHash) -> NDArray[np.uint32]:
    """Return the MinHash signatures of texts.

    Args:
        texts: N texts.
        settings: n-gram size and number of hashes.

    Returns:
        (N, buckets * hashes_per_bucket) minima. A text of fewer than n words has the largest number
        everywhere.
    """
    multipliers = _orders(settings)
    end = settings.maximum_characters
    rows = [_minima(hash_shingles(normalize(text[:end]), settings.n_gram), multipliers) for text in texts]
    return np.stack(rows) if rows else np.empty((0, len(multipliers)), dtype=np.uint32)


def combine_buckets(signatures: NDArray[np.uint32], settings: MinHash) -> NDArray[np.uint64]:
    """Hash each bucket's minima to one key, never 0; texts too short for a shingle get 0 in all buckets."""
    rows = signatures.astype(np.uint64).reshape(len(signatures), settings.buckets, settings.hashes_per_bucket)
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for i in range(settings.hashes_per_bucket):
        keys = mix(keys * _MULTIPLIER + rows[:, :, i])
    keys |= np.uint64(1)
    keys[(signatures == _SHORT).all(axis=1)] = 0
    return keys


def bucket_keys(documents: Sequence[Document], settings: MinHash) -> NDArray[np.uint64]:
    """Return one key per bucket for each document: (N, buckets); documents of different scopes share none."""
    keys = combine_buckets(sign((document.text for document in documents), settings), settings)
    if settings.scope == "all":
        return keys
    scopes = [document.source if settings.scope == "source" else document.language for document in documents]
    salts = np.array([_hash_name(scope) for scope in scopes], dtype=np.uint64)
    return np.where(keys == 0, keys, mix(keys ^ salts[:, None]) | np.uint64(1))


def _hash_name(name: str) -> int:
    import xxhash

    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "replace"))


def _orders(settings: MinHash) -> NDArray[np.uint32]:
    """Return odd numbers; multiplying by one puts the 32-bit numbers into another order."""
    count = settings.buckets * settings.hashes_per_bucket
    return np.random.default_rng(settings.seed).integers(0, 2**32, size=count, dtype=np.uint32) | np.uint32(1)


def _minima(shingles: NDArray[np.uint64], multipliers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the least number in each order."""
    halves = (shingles >> np.uint64(32)).astype(np.uint32)
    minima = np.full(len(multipliers), _SHORT, dtype=np.uint32)
    for start in range(0, len(halves), _BLOCK):
        hashes = multipliers[:, None] * halves[start : start + _BLOCK]
        np.minimum(minima, hashes.min(axis=1), out=minima)
    return minima
