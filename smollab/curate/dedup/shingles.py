"""What near-duplicates are compared by: the set of the runs of n words of a text, *shingles*, as 64-bit hashes.

The similarity of two texts is the Jaccard index of their sets: |A and B| / |A or B|.

**Source**: Broder 1997, On the resemblance and containment of documents; the normalization is FineWeb's (datatrove's
`utils/text.py`, Apache-2.0).

**Deviations**: a shingle's hash is a polynomial over its bytes instead of SHA-1 or xxHash; words are split at what is
no letter or digit instead of by spaCy.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from smollab.curate.words import CJK, mix

__all__ = ["hash_shingles", "jaccard", "normalize"]

_ASCII = bytes(range(128))
_FOLDED = bytes(
    ord(c.lower() if c.isalpha() else "0" if c.isdigit() else "." if c in ".," else " ") if ord(c) < 128 else ord(c)
    for c in map(chr, range(256))
)
_CJK = re.compile(f"[{CJK}]")
_FEW = 20
"""So many different foreign characters are replaced one by one; more, by a table."""
_BASE = 0x9E3779B97F4A7C15
_CHUNK_BYTES = 1 << 16
"""A long text is hashed in chunks, so that the table of powers stays small."""


def normalize(text: str) -> str:
    """Return what is compared: lower case, no accents, no punctuation, every number a `0`, single spaces.

    In UTF-8 the bytes of ASCII signs mean nothing else, and bytes are translated ten times faster than text; so
    characters beyond ASCII are dealt with first.
    """
    raw = text.encode("utf-8", "replace")
    foreign = set(raw.translate(None, _ASCII).decode("utf-8"))
    if len(foreign) > _FEW:
        raw = text.translate(_PLAIN).encode("utf-8", "replace")
    elif foreign:
        for character in foreign:
            text = text.replace(character, _PLAIN[ord(character)])
        raw = text.encode("utf-8", "replace")
    raw = raw.translate(_FOLDED)
    while b"00" in raw:
        raw = raw.replace(b"00", b"0")
    raw = raw.replace(b"0.0", b"0").replace(b".", b" ")  # 12.50 is one number
    return b" ".join(raw.split()).decode("utf-8")


class _Plain(dict[int, str]):
    """Character -> what it is compared as, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        plain = "".join(map(_fold, unicodedata.normalize("NFD", chr(code).lower())))
        self[code] = plain
        return plain


_PLAIN = _Plain()


def _fold(character: str) -> str:
    if unicodedata.category(character) == "Mn":
        return ""
    if character.isdecimal():
        return "0"
    if character in "٫،":  # decimal and thousands signs of Arabic
        return "."
    if _CJK.match(character):  # written without spaces: each character is a word
        return f" {character} "
    return character if character.isalnum() or character.isascii() else " "


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
    first, last = starts[:count], ends[n - 1 :]
    hashes = [
        _hash_runs(bytes_[first[a] : last[b - 1]], first[a:b] - first[a], last[a:b] - first[a])
        for a, b in _chunks(first)
    ]
    return hashes[0] if len(hashes) == 1 else np.concatenate(hashes)


def jaccard(a: str, b: str, n: int) -> float:
    """Return the Jaccard similarity of the shingles of two texts; 0 when either is too short to have any."""
    first, second = (np.unique(hash_shingles(normalize(text), n)) for text in (a, b))
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both / (len(first) + len(second) - both) if both else 0.0


def _chunks(first: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges of runs that begin within the same `_CHUNK_BYTES`."""
    borders = np.arange(first[0] + _CHUNK_BYTES, first[-1] + 1, _CHUNK_BYTES)
    places = [0, *np.unique(np.searchsorted(first, borders)).tolist(), len(first)]
    return ((a, b) for a, b in pairwise(places) if a < b)


def _hash_runs(bytes_: NDArray[np.uint8], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.uint64]:
    size = 1 << len(bytes_).bit_length()
    powers, inverses = (_powers if size <= 4 * _CHUNK_BYTES else _powers.__wrapped__)(size)
    sums = np.zeros(len(bytes_) + 1, dtype=np.uint64)
    np.cumsum(bytes_ * powers[: len(bytes_)], out=sums[1:])
    return mix((sums[last] - sums[first]) * inverses[first])


@lru_cache(maxsize=20)
def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return BASE^0 ... BASE^(count-1) and their inverses modulo 2^64; odd numbers have one."""
    both = []
    for base in (_BASE, pow(_BASE, -1, 2**64)):
        factors = np.full(count, base, dtype=np.uint64)
        factors[0] = 1
        both.append(np.cumprod(factors))
    return both[0], both[1]
