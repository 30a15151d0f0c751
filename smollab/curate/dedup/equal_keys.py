"""Find equal keys among more keys than memory holds.

Keys are dealt out to files by their first bits, and each file is sorted alone. Keys are hashes, so files come out
equally long, except where one key is very frequent; that is why each block of keys is sorted before it is dealt out,
and only the first row with each key goes on: a key that every document has costs one row a block.

**Cost**: two sorts, 16 bytes written and read per key. **Memory**: `PARTITION_ROWS` keys.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "find_equal", "sort_keys"]

PARTITION_ROWS = 1 << 18
"""Keys sorted at a time."""
MAXIMUM_PARTITIONS = 512
"""Files open at a time; beyond 134 million keys, partitions grow."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Two columns of row numbers; the first of a pair is always the smaller."""


def find_equal(blocks: Iterable[NDArray[np.uint64]], total: int, folder: Path) -> Iterator[Pairs]:
    """Yield pairs of rows with equal keys, enough of them to join all rows that share a key.

    Every row that is not the first with its key comes exactly once as the second of a pair, with an earlier row of
    the same key.

    Args:
        blocks: keys in the order of the rows: (rows, columns). Rows of zeros have no key.
        total: about how many keys there are.
        folder: for the partitions; they are removed.
    """
    with _Partitions(total, folder) as partitions:
        for keys, rows in _number(blocks):
            keys, rows, is_first, pairs = _sort(keys, rows)
            yield pairs
            partitions.deal(keys[is_first], rows[is_first])
        for keys, rows in partitions.read():
            yield _sort(keys, rows)[3]


def sort_keys(
    blocks: Iterable[NDArray[np.uint64]], total: int, folder: Path
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Yield all keys in ascending order, with their rows; arguments as for `find_equal`."""
    with _Partitions(total, folder) as partitions:
        for keys, rows in _number(blocks):
            partitions.deal(*_sort(keys, rows)[:2])
        for keys, rows in partitions.read():
            yield _sort(keys, rows)[:2]


class _Partitions:
    """Files for the keys of one range each."""

    def __init__(self, total: int, folder: Path):
        count = 1
        while count * PARTITION_ROWS < total and count < MAXIMUM_PARTITIONS:
            count *= 2
        self._paths = [folder / f"partition-{i:03d}" for i in range(count)]
        self._bounds = np.array([i * 2**64 // count for i in range(1, count)], dtype=np.uint64)
        self._columns = 1

    def __enter__(self) -> "_Partitions":
        self._files = [path.open("wb") for path in self._paths]
        return self

    def __exit__(self, *error: object) -> None:
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)

    def deal(self, keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        """Append sorted keys and their rows to the files of their ranges."""
        self._columns = keys.shape[1]
        records = np.concatenate([keys, rows[:, None].view(np.uint64)], axis=1)
        parts = np.split(records, np.searchsorted(keys[:, 0], self._bounds))
        for file, part in zip(self._files, parts, strict=True):
            file.write(part.tobytes())

    def read(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
        """Yield what was dealt out, file by file."""
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            records = np.fromfile(path, dtype=np.uint64).reshape(-1, self._columns + 1)
            yield records[:, :-1], np.ascontiguousarray(records[:, -1]).view(np.int64)


def _number(blocks: Iterable[NDArray[np.uint64]]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Yield the keys of each block that are not all zeros, and the rows they are of."""
    start = 0
    for keys in blocks:
        rows = np.arange(start, start + len(keys), dtype=np.int64)
        start += len(keys)
        present = keys.any(axis=1)
        yield keys[present], rows[present]


def _sort(
    keys: NDArray[np.uint64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_], Pairs]:
    """Return keys and rows in the order of the keys, whether each is the first with its key, and pairs of the others.

    Rows with the same key keep their order.
    """
    order = np.argsort(keys[:, 0], kind="stable") if keys.shape[1] == 1 else np.lexsort(keys.T[::-1])
    keys, rows = keys[order], rows[order]
    is_first = np.ones(len(keys), dtype=np.bool_)
    is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    firsts = np.flatnonzero(is_first)
    run = np.cumsum(is_first) - 1
    others = ~is_first
    return keys, rows, is_first, (rows[firsts[run[others]]], rows[others])
