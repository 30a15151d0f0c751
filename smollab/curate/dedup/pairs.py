"""Pairs of near-duplicates for looking at: who resembles whom, in how many buckets, and how much really.

A corpus has more pairs than anyone can read, so a fair sample is taken while they stream by: of all pairs, those with
the smallest hashes (*bottom-k*), which needs no second look and does not depend on the order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.shingles import jaccard
from smollab.curate.dedup.table import Ids, Shards, Table, write_table
from smollab.curate.words import mix
from smollab.documents import read_documents
from smollab.recipe import MinHash

__all__ = ["EXACT_PAIRS", "PAIRS", "PairSample", "estimate_similarity", "write_pairs"]

PAIRS = "pairs.parquet"
"""File of the pairs in the work folder of a comparison."""
EXACT_PAIRS = 200
"""Of so many pairs the texts are read again and compared."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class PairSample:
    """A sample of distinct pairs, the same for any order in which they come.

    Args:
        size: most pairs kept.
    """

    def __init__(self, size: int):
        self._size = size
        self._hashes = np.empty(0, dtype=np.uint64)
        self._pairs = np.empty((0, 2), dtype=np.int64)

    def add(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Consider pairs; those already seen count once."""
        if not self._size:
            return
        hashes = mix(mix(first.astype(np.uint64)) * _MULTIPLIER + second.astype(np.uint64))
        if len(self._hashes) == self._size:
            near = hashes < self._hashes[-1]
            hashes, first, second = hashes[near], first[near], second[near]
        together = np.concatenate([self._hashes, hashes])
        pairs = np.concatenate([self._pairs, np.stack([first, second], axis=1)])
        self._hashes, places = np.unique(together, return_index=True)
        self._hashes, self._pairs = self._hashes[: self._size], pairs[places[: self._size]]

    @property
    def pairs(self) -> NDArray[np.int64]:
        """(pairs, 2) rows; the first of them are a fair sample of all too."""
        return self._pairs


def estimate_similarity(agreeing: NDArray[np.int64], settings: MinHash) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity from the number of buckets that agree.

    A bucket of r hashes agrees with probability J^r, so the share of agreeing buckets is inverted. Coarse: of 14
    buckets of 8, one stands for 0.72 and two for 0.78.
    """
    return (agreeing / settings.buckets) ** (1 / settings.hashes_per_bucket)  # type: ignore[no-any-return]


def write_pairs(
    shards: Shards, table: Table, names: Sequence[str], ids: Ids, sample: PairSample, settings: MinHash
) -> None:
    """Write `pairs.parquet` into the work folder, if there are pairs.

    Columns: the two ids, agreeing buckets, similarity estimated from them, and for the first `EXACT_PAIRS` pairs the
    exact similarity of the two sets of shingles.
    """
    import pyarrow as pa

    rows = sample.pairs
    if not len(rows):
        return
    keys = _keys_of(np.unique(rows), table, names)
    agreeing = np.array([np.count_nonzero(keys[a] == keys[b]) for a, b in rows.tolist()])
    texts = _texts_of(np.unique(rows[:EXACT_PAIRS]), table, shards.documents)
    exact: list[float | None] = [jaccard(texts[a], texts[b], settings.n_gram) for a, b in rows[:EXACT_PAIRS].tolist()]
    columns = {
        "first": pa.large_string(),
        "second": pa.large_string(),
        "agreeing_buckets": pa.int64(),
        "estimated": pa.float64(),
        "exact": pa.float64(),
    }
    batch: dict[str, Any] = {
        "first": [ids[row] for row in rows[:, 0].tolist()],
        "second": [ids[row] for row in rows[:, 1].tolist()],
        "agreeing_buckets": agreeing,
        "estimated": estimate_similarity(agreeing, settings),
        "exact": exact + [None] * (len(rows) - len(exact)),
    }
    write_table(shards.work / PAIRS, columns, [batch])


def _keys_of(rows: NDArray[np.int64], table: Table, names: Sequence[str]) -> dict[int, NDArray[np.uint64]]:
    """Return the keys of a few rows, found in one pass."""
    found: dict[int, NDArray[np.uint64]] = {}
    start = 0
    for keys in table.keys(names):
        here = rows[(rows >= start) & (rows < start + len(keys))]
        found.update((row, keys[row - start]) for row in here.tolist())
        start += len(keys)
    return found


def _texts_of(rows: NDArray[np.int64], table: Table, documents: Sequence[tuple[Path, ...]]) -> dict[int, str]:
    """Return the texts of a few rows; files without any of them are not opened."""
    import pyarrow.parquet as pq

    texts: dict[int, str] = {}
    for shard, parts in enumerate(documents):
        start = int(table.starts[shard])
        if not ((rows >= start) & (rows < table.starts[shard + 1])).any():
            continue
        for part in parts:
            end = start + pq.read_metadata(part).num_rows
            wanted = set(rows[(rows >= start) & (rows < end)].tolist())
            if wanted:
                numbered = enumerate(read_documents(part), start)
                texts.update((row, document.text) for row, document in numbered if row in wanted)
            start = end
    return texts
