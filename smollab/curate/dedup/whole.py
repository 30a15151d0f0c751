"""Deduplication of whole documents: rows with equal keys are joined into clusters, and one row of each stays.

All of it works on tables on disk, block by block, so that memory stays the same for any number of documents: see
`equal_keys`, `clusters` and `keeper`. What differs between exact, URL and MinHash deduplication is only how a document
becomes keys.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.clusters import Clusters
from smollab.curate.dedup.equal_keys import find_equal
from smollab.curate.dedup.index import Index
from smollab.curate.dedup.keeper import Keepers, choose_keepers, preference
from smollab.curate.dedup.pairs import PairSample, write_pairs
from smollab.curate.dedup.table import BLOCK_ROWS, Ids, Shards, Table, batched, write_table
from smollab.documents import Document, Drop, replace
from smollab.recipe import MinHash

__all__ = ["CLUSTER_SIZE", "WholeDedup", "cluster_rows", "read_verdicts"]

CLUSTER_SIZE = "minhash_cluster_size"
"""In the metadata of the document that stayed, as FineWeb2 records it: documents may be weighted by it."""


@dataclass(frozen=True, kw_only=True)
class WholeDedup:
    """A global step that keeps one document of each cluster."""

    name: str
    """Of the step."""
    reason: str
    """Of its drops, without the name."""
    keys: Callable[[Sequence[Document]], NDArray[np.uint64]]
    """Documents -> (documents, columns); a key of zeros is equal to no other."""
    columns: int
    """How many."""
    columns_per_key: int = 1
    """Columns that must agree together; documents with any equal key are joined."""
    settings: MinHash | None = None
    """Of near-duplicates: keeper, pairs and index; None: the first is kept."""

    @property
    def key_settings(self) -> dict[str, Any]:
        """Settings on which the keys depend, and not only the verdicts."""
        if not self.settings:
            return {}
        names = ("n_gram", "buckets", "hashes_per_bucket", "seed", "scope", "maximum_characters")
        return {name: getattr(self.settings, name) for name in names}

    @property
    def edits(self) -> bool:
        """It only drops documents."""
        return False

    def describe(self, documents: Iterable[Document], output: Path, known: Path | None = None) -> int:
        """Write a shard's keys, records, ids and preferences, and return how many documents.

        Args:
            documents: of the shard.
            output: the table.
            known: such a table of an earlier run; documents with a record in it have the keys they had.
        """
        import pyarrow as pa

        types = {"record": pa.large_string(), "id": pa.large_string(), "preference": pa.float64()}
        recorded = self._read_keys(known) if known else {}
        return write_table(output, types | dict.fromkeys(self._names(), pa.uint64()), self._rows(documents, recorded))

    def compare(self, shards: Shards) -> None:
        """Find the clusters over all shards and write each shard's verdicts."""
        table = Table(shards.described)
        index = Index.open(self.settings)
        pairs = PairSample(self.settings.pairs if self.settings else 0)
        scratch = shards.work / "scratch"
        scratch.mkdir(exist_ok=True)
        Ids.write(scratch, (block["id"] for block in table.blocks("id")))
        clusters = Clusters(scratch / "clusters", len(table))
        for names in self._keys():
            cluster_rows(table.keys(names), len(table), scratch, clusters, pairs)
        keepers = choose_keepers(clusters, (b["preference"] for b in table.blocks("preference")), scratch)
        known = index.match(table, self._names(), clusters, scratch) if index else None
        with Ids(scratch) as ids:
            verdicts = _Verdicts(clusters, keepers, ids, index, known)
            for shard, path in enumerate(shards.verdicts):
                verdicts.write(path, int(table.starts[shard]), int(table.starts[shard + 1]))
            if self.settings:
                write_pairs(shards, table, self._names(), ids, pairs, self.settings)
            if index:
                index.stage(shards.work / "part", table, self._names(), ids, verdicts.kept_rows)
        shutil.rmtree(scratch)

    def carry_out(self, verdicts: Path, documents: Iterable[Document]) -> Iterator[tuple[Document, Document | Drop]]:
        """Yield each document of a shard with what becomes of it."""
        found = read_verdicts(verdicts)
        next_row, kept, size = next(found, _NO_MORE)
        for row, document in enumerate(documents):
            if row != next_row:
                yield document, document
                continue
            if kept:
                yield document, Drop(f"{self.name}: {self.reason}", f"of {kept}")
            elif self.settings:
                yield document, replace(document, metadata=document.metadata | {CLUSTER_SIZE: size})
            else:
                yield document, document
            next_row, kept, size = next(found, _NO_MORE)

    def _names(self) -> list[str]:
        return [f"key_{column:02d}" for column in range(self.columns)]

    def _keys(self) -> list[list[str]]:
        names, width = self._names(), self.columns_per_key
        return [names[first : first + width] for first in range(0, len(names), width)]

    def _rows(self, documents: Iterable[Document], recorded: dict[str, NDArray[np.uint64]]) -> Iterator[dict[str, Any]]:
        keep = self.settings.keep if self.settings else "first"
        for batch in batched(documents):
            records = [str(document.metadata.get("record", "")) for document in batch]
            yield {
                "record": records,
                "id": [document.id for document in batch],
                "preference": [preference(document, keep) for document in batch],
                **dict(zip(self._names(), self._keys_of(batch, records, recorded).T, strict=True)),
            }

    def _keys_of(
        self, batch: Sequence[Document], records: Sequence[str], recorded: dict[str, NDArray[np.uint64]]
    ) -> NDArray[np.uint64]:
        keys = np.empty((len(batch), self.columns), dtype=np.uint64)
        unknown = [place for place, record in enumerate(records) if record not in recorded]
        if unknown:
            keys[unknown] = self.keys([batch[place] for place in unknown])
        for place, record in enumerate(records):
            if record in recorded:
                keys[place] = recorded[record]
        return keys

    def _read_keys(self, table: Path) -> dict[str, NDArray[np.uint64]]:
        names = self._names()
        return {
            record: row
            for block in Table([table]).blocks("record", *names)
            for record, row in zip(block["record"], np.stack([block[name] for name in names], axis=1), strict=True)
            if record
        }


def cluster_rows(
    blocks: Iterable[NDArray[np.uint64]], total: int, folder: Path, clusters: Clusters, pairs: PairSample | None = None
) -> None:
    """Join all rows that have equal keys; remember a sample of the pairs."""
    for first, second in find_equal(blocks, total, folder):
        clusters.join(first, second)
        if pairs is not None:
            pairs.add(first, second)


_NO_MORE = (-1, "", 0)


def read_verdicts(path: Path) -> Iterator[tuple[int, str, int]]:
    """Yield what `compare` wrote: row, id of what is kept in its place (empty: itself), size of its cluster."""
    for block in Table([path]).blocks("row", "kept", "size"):
        yield from zip(block["row"].tolist(), block["kept"], block["size"].tolist(), strict=True)


@dataclass
class _Verdicts:
    """Turns clusters into what becomes of each row."""

    clusters: Clusters
    keepers: Keepers
    ids: Ids
    index: Index | None
    known: NDArray[np.int64] | None
    """Root of a cluster -> the place in the index that it repeats, or -1."""

    def kept_rows(self, start: int, end: int) -> NDArray[np.int64]:
        """Return the rows of a range that stay."""
        rows = np.arange(start, end, dtype=np.int64)
        roots = self.clusters.find(rows)
        stays = self.keepers.row[roots] == rows
        if self.known is not None:
            stays &= self.known[roots] < 0
        return rows[stays]

    def write(self, path: Path, start: int, end: int) -> None:
        """Write the verdicts on the rows of one shard: row, what is kept in its place, size of its cluster."""
        import pyarrow as pa

        types = {"row": pa.int64(), "kept": pa.large_string(), "size": pa.int64()}
        write_table(path, types, self._blocks(start, end))

    def _blocks(self, start: int, end: int) -> Iterator[dict[str, Any]]:
        for first in range(start, end, BLOCK_ROWS):
            rows = np.arange(first, min(end, first + BLOCK_ROWS), dtype=np.int64)
            roots = self.clusters.find(rows)
            known = np.full(len(rows), -1) if self.known is None else self.known[roots]
            told = (self.keepers.size[roots] > 1) | (known >= 0)
            rows, roots, known = rows[told], roots[told], known[told]
            kept = []
            for row, keeper, place in zip(rows.tolist(), self.keepers.row[roots].tolist(), known.tolist(), strict=True):
                if place >= 0 and self.index is not None:
                    kept.append(self.index.name_of(place))
                else:
                    kept.append("" if keeper == row else self.ids[keeper])
            yield {"row": rows - start, "kept": kept, "size": self.keepers.size[roots]}
            self.keepers.release()
            self.clusters.release()
