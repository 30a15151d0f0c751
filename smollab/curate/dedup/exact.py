"""Exact deduplication: texts that are equal once case and white space are set aside.

**Source**: FinePDFs drops documents whose text without white space is equal (run_finepdfs_pipeline.py); the
hash is XXH3 with 128 bits (Collet), so that even a billion documents collide with a probability of 10^-21.
"""

from collections.abc import Iterable

import numpy as np
import xxhash
from numpy.typing import NDArray

from smollab.documents import Document

__all__ = ["ExactDedup"]


class ExactDedup:
    """Keeps the first of all documents with the same text."""

    reason = "exact_dedup: duplicate"

    def describe(self, documents: Iterable[Document]) -> NDArray[np.uint64]:
        """Return one row of two 64-bit keys per document."""
        digests = [
            xxhash.xxh3_128_digest("".join(d.text.lower().split()).encode("utf-8", "replace")) for d in documents
        ]
        return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)

    def find_originals(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return for each row the first row with the same keys: itself, if it is to be kept."""
        pairs = np.ascontiguousarray(keys).view([("high", np.uint64), ("low", np.uint64)]).reshape(-1)
        _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
        return first[inverse.reshape(-1)].astype(np.int64)
