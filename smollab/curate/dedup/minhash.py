"""Near-duplicates by MinHash and locality-sensitive hashing.

A document is the set of its word 5-grams (*shingles*). For a random order of all shingles, two documents
have the same first shingle with a probability equal to their Jaccard similarity J. 112 such minima, in 14
buckets of 8, make two documents candidates when all 8 of any bucket agree:

    P(candidate) = 1 - (1 - J^8)^14          (0.5 near J = 0.69; 0.92 at J = 0.8)

Candidates are joined into clusters, and the first document of each cluster stays.

**Source**: Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3; parameters, text
normalization and the cluster rule are FineWeb's (datatrove's `dedup/minhash.py`, Apache-2.0).

**Deviations**: a shingle's hash is a polynomial over its words' 64-bit hashes instead of a hash of the
joined string; the hash family is multiply-add modulo 2^64 over mixed hashes instead of modulo 2^61 - 1
(numpy has no fast 128-bit product); a bucket's 8 minima are compared through one 64-bit hash of them. None
of these changes the probability above by more than 10^-9. FineWeb keeps the first document of a cluster by
the order of its files; so do we.

**Cost**: 112 multiplications per word.

**Fails when**: documents have fewer than 5 words (they are never near-duplicates); boilerplate dominates.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import xxhash
from numpy.typing import NDArray

from smollab.curate.words import CJK, mix
from smollab.documents import Document
from smollab.recipe import MinHash

__all__ = ["MinHashDedup", "UnionFind", "normalize", "sign"]

_NUMBER = re.compile(r"\d+(?:[.,٫،]\d+)?")
_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 8192
"""Shingles per pass: 64 KiB, so that the 112 passes stay in the cache."""


def normalize(text: str) -> list[str]:
    """Return the words that are compared: lower case, no accents, no punctuation, every number a `0`."""
    text = text.lower()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        text = decomposed if decomposed.isascii() else _marks().sub("", decomposed)
    return _WORD.findall(_NUMBER.sub("0", text))


def sign(texts: Iterable[str], settings: MinHash) -> NDArray[np.uint64]:
    """Return the MinHash signatures of texts.

    Args:
        texts: N texts.
        settings: n-gram size and number of hashes.

    Returns:
        (N, buckets * hashes_per_bucket) minima. A text of fewer than n words has the largest number
        everywhere.
    """
    multipliers, offsets = _hash_family(settings)
    rows = [_minima(block, starts, multipliers, offsets) for block, starts in _blocks(texts, settings.n_gram)]
    return np.concatenate(rows) if rows else np.empty((0, len(multipliers)), dtype=np.uint64)


class MinHashDedup:
    """Keeps the first document of each cluster of near-duplicates."""

    reason = "minhash_dedup: near-duplicate"

    def __init__(self, settings: MinHash):
        self.settings = settings

    def describe(self, documents: Iterable[Document]) -> NDArray[np.uint64]:
        """Return one key per bucket for each document: (N, buckets)."""
        signatures = sign((d.text for d in documents), self.settings)
        return combine_buckets(signatures, self.settings)

    def find_originals(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return for each row the first row of its cluster: itself, if it is to be kept."""
        clusters = UnionFind(len(keys))
        long_enough = np.flatnonzero(keys.any(axis=1))
        for bucket in range(keys.shape[1]):
            column = keys[long_enough, bucket]
            order = np.argsort(column, kind="stable")
            sorted_ = column[order]
            for i in np.flatnonzero(sorted_[1:] == sorted_[:-1]).tolist():
                clusters.join(int(long_enough[order[i]]), int(long_enough[order[i + 1]]))
        return clusters.roots()


def combine_buckets(signatures: NDArray[np.uint64], settings: MinHash) -> NDArray[np.uint64]:
    """Hash each bucket's minima to one key, never 0; texts too short for a shingle get 0 in all buckets."""
    rows = signatures.reshape(len(signatures), settings.buckets, settings.hashes_per_bucket)
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for i in range(settings.hashes_per_bucket):
        keys = mix(keys * _MULTIPLIER + rows[:, :, i])
    keys |= np.uint64(1)
    keys[(signatures == np.iinfo(np.uint64).max).all(axis=1)] = 0
    return keys


class UnionFind:
    """Disjoint sets over 0 .. n-1, each named by its smallest member."""

    def __init__(self, size: int):
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        """Return the smallest member of an item's set."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]  # halve the path on the way
            item = parent[item]
        return item

    def join(self, a: int, b: int) -> None:
        """Unite the sets of two items; the smaller root stays root, so the order of joins is of no matter."""
        a, b = self.find(a), self.find(b)
        if a != b:
            self._parent[max(a, b)] = min(a, b)

    def roots(self) -> NDArray[np.int64]:
        """Return the smallest member of each item's set."""
        return np.array([self.find(item) for item in range(len(self._parent))], dtype=np.int64)


def _hash_family(settings: MinHash) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    count = settings.buckets * settings.hashes_per_bucket
    numbers = np.random.default_rng(settings.seed).integers(0, 2**64, size=(2, count), dtype=np.uint64)
    return numbers[0] | np.uint64(1), numbers[1]  # odd multipliers permute the 64-bit numbers


def _shingles(text: str, n: int) -> NDArray[np.uint64]:
    """Return the distinct hashes of a text's word n-grams."""
    words = normalize(text)
    count = len(words) - n + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    encoded = " ".join(words).encode("utf-8", "replace").split(b" ")
    hashes = np.array(list(map(xxhash.xxh3_64_intdigest, encoded)), dtype=np.uint64)
    shingles = hashes[:count].copy()
    for offset in range(1, n):
        shingles *= _MULTIPLIER
        shingles += hashes[offset : offset + count]
    return mix(shingles)


def _blocks(texts: Iterable[str], n: int) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Gather the shingles of several texts, with the place where each text's begin."""
    gathered: list[NDArray[np.uint64]] = []
    size = 0
    for text in texts:
        shingles = _shingles(text, n)
        gathered.append(shingles)
        size += len(shingles)
        if size >= _BLOCK:
            yield _join(gathered)
            gathered, size = [], 0
    if gathered:
        yield _join(gathered)


def _join(gathered: list[NDArray[np.uint64]]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    sizes = np.array([len(shingles) for shingles in gathered])
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return np.concatenate(gathered), starts


def _minima(
    shingles: NDArray[np.uint64],
    starts: NDArray[np.int64],
    multipliers: NDArray[np.uint64],
    offsets: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return each text's least hash under each function: (texts, functions)."""
    full = np.flatnonzero(np.diff(starts))
    minima = np.full((len(starts) - 1, len(multipliers)), np.iinfo(np.uint64).max, dtype=np.uint64)
    if not len(full):
        return minima
    hashed = np.empty_like(shingles)
    for i, (multiplier, offset) in enumerate(zip(multipliers, offsets, strict=True)):
        np.multiply(shingles, multiplier, out=hashed)
        hashed += offset
        minima[full, i] = np.minimum.reduceat(hashed, starts[full])
    return minima


@cache
def _marks() -> re.Pattern[str]:
    """Match the accents that decomposition splits off; only texts beyond ASCII need it."""
    marks = (chr(c) for c in range(0x300, 0x1F000) if unicodedata.category(chr(c)) == "Mn")
    return re.compile(f"[{''.join(marks)}]")
