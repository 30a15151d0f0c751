"""Near-duplicates by MinHash and locality-sensitive hashing.

A document is the set of its word 5-grams (*shingles*). For a random order of all shingles, two documents
have the same first shingle with a probability equal to their Jaccard similarity J. 112 such minima, in 14
buckets of 8, make two documents candidates when all 8 of any bucket agree:

    P(candidate) = 1 - (1 - J^8)^14          (0.5 near J = 0.69; 0.92 at J = 0.8)

Candidates are joined into clusters, and the first document of each cluster stays.

**Source**: Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3; parameters, text
normalization and the cluster rule are FineWeb's (datatrove's `dedup/minhash.py`, Apache-2.0).

**Deviations**: a shingle's hash is a polynomial over its bytes instead of SHA-1 or xxHash; the hash family
is multiply-add modulo 2^64 instead of 2^61 - 1 (numpy has no fast 128-bit product); a bucket's 8 minima are
compared through one 64-bit hash of them; words are split at what is no letter or digit instead of by spaCy.
The first three change the probability above by less than 10^-9.

**Cost**: 112 multiplications per word.

**Fails when**: documents have fewer than 5 words (they are never near-duplicates); boilerplate dominates.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from smollab.curate.words import CJK, mix
from smollab.documents import Document
from smollab.recipe import MinHash

__all__ = ["MinHashDedup", "UnionFind", "hash_shingles", "normalize", "sign"]

_NUMBER = re.compile(r"\d+(?:[.,٫،]\d+)?")
_FOREIGN_SIGNS = re.compile(r"[^\w\x00-\x7f]")
_SPACED_ASCII = bytes(32 if c < 128 and not chr(c).isalnum() else c for c in range(256))
_CJK = re.compile(f"[{CJK}]")
_BASE = 0x9E3779B97F4A7C15
_BLOCK = 128
"""Shingles hashed at a time: 128 x 112 numbers stay in the cache."""


def normalize(text: str) -> str:
    """Return what is compared: lower case, no accents, no punctuation, every number a `0`, single spaces."""
    text = _NUMBER.sub("0", text.lower())
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        if len(decomposed) > len(text):
            decomposed = _marks().sub("", decomposed)
        text = _FOREIGN_SIGNS.sub(" ", decomposed)
        text = _CJK.sub(r" \g<0> ", text)  # written without spaces: each character is a word
    # In UTF-8 the bytes of ASCII signs mean nothing else, and bytes are translated ten times faster than text.
    spaced = text.encode("utf-8", "replace").translate(_SPACED_ASCII)
    return b" ".join(spaced.split()).decode("utf-8")


def hash_shingles(text: str, n: int) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each run of n words of a normalized text.

    A run's hash is the polynomial of its bytes, sum of byte_k * BASE^k modulo 2^64, mixed. With the sums of
    the whole text at hand each run costs one subtraction, and one multiplication to start its powers at 0.
    """
    bytes_ = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8)
    ends = np.append(np.flatnonzero(bytes_ == ord(" ")), len(bytes_))
    starts = np.append(0, ends[:-1] + 1)
    count = len(ends) - n + 1
    if count <= 0 or not len(bytes_):
        return np.empty(0, dtype=np.uint64)
    powers, inverses = _powers(1 << len(bytes_).bit_length())
    sums = np.zeros(len(bytes_) + 1, dtype=np.uint64)
    np.cumsum(bytes_ * powers[: len(bytes_)], out=sums[1:])
    first, last = starts[:count], ends[n - 1 :]
    return mix((sums[last] - sums[first]) * inverses[first])


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
    rows = [_minima(hash_shingles(normalize(text), settings.n_gram), multipliers, offsets) for text in texts]
    return np.stack(rows) if rows else np.empty((0, len(multipliers)), dtype=np.uint64)


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
        keys = mix(keys * np.uint64(_BASE) + rows[:, :, i])
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


def _minima(
    shingles: NDArray[np.uint64], multipliers: NDArray[np.uint64], offsets: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return the least hash under each function."""
    minima = np.full(len(multipliers), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), _BLOCK):
        hashes = shingles[start : start + _BLOCK, None] * multipliers
        hashes += offsets
        np.minimum(minima, hashes.min(axis=0), out=minima)
    return minima


@lru_cache(maxsize=32)
def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return BASE^0 ... BASE^(count-1) and their inverses modulo 2^64; odd numbers have one."""
    both = []
    for base in (_BASE, pow(_BASE, -1, 2**64)):
        factors = np.full(count, base, dtype=np.uint64)
        factors[0] = 1
        both.append(np.cumprod(factors))
    return both[0], both[1]


@cache
def _marks() -> re.Pattern[str]:
    """Match the accents that decomposition splits off; only texts beyond ASCII need it."""
    # Within 16 bits, `re` looks a character up in a table; beyond, it would search a list: 80 times slower.
    marks = (chr(c) for c in range(0x300, 0x10000) if unicodedata.category(chr(c)) == "Mn")
    return re.compile(f"[{''.join(marks)}]")
