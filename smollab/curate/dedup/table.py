"""What documents are compared by: a table with one row of keys each, on disk, never whole in memory.

Each shard is described in a Parquet file of its own by a worker; to the comparison all of them together are one long
table, whose rows are numbered through. It is read column by column in blocks, so memory does not grow with it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ids", "Shards", "Table", "disk_array", "release", "write_table"]

BLOCK_ROWS = 1 << 16
"""Rows in memory at a time."""
BATCH = 256
"""Documents described at a time."""


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards that a global step compares, and where it may write."""

    described: tuple[Path, ...]
    """What `describe` wrote, in the order in which *first* is meant."""
    documents: tuple[tuple[Path, ...], ...]
    """The Parquet parts that were described."""
    verdicts: tuple[Path, ...]
    """To be written by `compare`, read by `carry_out`."""
    work: Path
    """An existing folder for what is needed while comparing; it survives until the end of the run."""


def write_table(path: Path, columns: dict[str, Any], rows: Iterable[dict[str, Any]]) -> int:
    """Write batches of rows as one Parquet file, atomically, and return how many rows.

    Args:
        path: the file.
        columns: name -> pyarrow type.
        rows: batches, each column -> array or list.

    Raises:
        OSError: the disk is full or not writable.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(list(columns.items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    count = 0
    try:
        # Random keys neither compress nor repeat.
        with pq.ParquetWriter(
            unfinished, schema, compression="none", use_dictionary=False, write_statistics=False
        ) as writer:
            for batch in rows:
                table = pa.Table.from_pydict(batch, schema=schema)
                writer.write_table(table)
                count += len(table)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


class Table:
    """The rows of many Parquet files, one file after the other."""

    def __init__(self, paths: Sequence[Path]):
        self.paths = tuple(paths)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Number of the first row of each file, and of the row after the last."""
        import pyarrow.parquet as pq

        sizes = [pq.read_metadata(path).num_rows for path in self.paths]
        return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def blocks(self, *columns: str) -> Iterator[dict[str, Any]]:
        """Yield the columns, in order, as numpy arrays (texts: lists) of at most `BLOCK_ROWS` rows.

        Blocks go over the borders of files, so that many small files cost no more than a large one.
        """
        import pyarrow as pa

        waiting: list[Any] = []
        count = 0
        for batch in self._batches(columns):
            waiting.append(batch)
            count += len(batch)
            if count >= BLOCK_ROWS:
                yield _to_arrays(pa.Table.from_batches(waiting))
                waiting, count = [], 0
        if waiting:
            yield _to_arrays(pa.Table.from_batches(waiting))

    def keys(self, columns: Sequence[str]) -> Iterator[NDArray[np.uint64]]:
        """Yield key columns side by side: blocks of (rows, columns)."""
        for block in self.blocks(*columns):
            yield np.stack([block[column] for column in columns], axis=1)

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        import pyarrow.parquet as pq

        for path in self.paths:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False)


class Ids:
    """The ids of all rows in one file, from which any can be read without the others; a context manager."""

    def __init__(self, folder: Path):
        self._folder = folder

    @staticmethod
    def write(folder: Path, blocks: Iterable[list[str]]) -> None:
        """Write ids into a folder, block by block."""
        folder.mkdir(parents=True, exist_ok=True)
        end = 0
        with (folder / "ids.bytes").open("wb") as text, (folder / "ids.ends").open("wb") as ends:
            for ids in blocks:
                encoded = [id_.encode("utf-8", "surrogatepass") for id_ in ids]
                text.write(b"".join(encoded))
                positions = end + np.cumsum([len(e) for e in encoded], dtype=np.int64)
                positions.tofile(ends)
                end = int(positions[-1]) if len(positions) else end

    def __enter__(self) -> "Ids":
        self._text = os.open(self._folder / "ids.bytes", os.O_RDONLY)
        self._ends = os.open(self._folder / "ids.ends", os.O_RDONLY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._text)
        os.close(self._ends)

    def __getitem__(self, row: int) -> str:
        count = 1 if row == 0 else 2
        borders = np.frombuffer(os.pread(self._ends, 8 * count, 8 * (row + 1 - count)), dtype=np.int64)
        start, end = (0, int(borders[0])) if row == 0 else (int(borders[0]), int(borders[1]))
        return os.pread(self._text, end - start, start).decode("utf-8", "surrogatepass")


def batched(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield lists of `BATCH` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def disk_array(path: Path, size: int, fill: float | Callable[[int, int], NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Return an array that lives in a file, so that the system may take its memory back.

    Args:
        path: the file; replaced.
        size: numbers.
        fill: one value for all, or (start, end) -> values.
        dtype: of the numbers.
    """
    array: NDArray[Any] = np.memmap(path, dtype, "w+", shape=(max(size, 1),))
    for start in range(0, size, BLOCK_ROWS):
        end = min(size, start + BLOCK_ROWS)
        array[start:end] = fill(start, end) if callable(fill) else fill
        release(array)
    return array


def release(array: NDArray[Any]) -> None:
    """Give the memory of a `disk_array` back; its numbers stay in the file, or on their way to it."""
    import mmap

    pages = getattr(array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):  # elsewhere the system decides
        pages.madvise(mmap.MADV_DONTNEED)


def _to_arrays(table: Any) -> dict[str, Any]:
    import pyarrow as pa

    return {
        name: column.to_pylist() if pa.types.is_large_string(column.type) else column.to_numpy()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
