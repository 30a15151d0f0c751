"""What was kept in earlier snapshots, so that a new one is compared with them and the old is not done again.

    INDEX/index.json                  the settings its keys were made with, and its parts in order
    INDEX/part-3f2a.../keys.bin       for each bucket: the keys of the documents a snapshot kept, sorted
    INDEX/part-3f2a.../rows.bin       and whose they are
    INDEX/part-3f2a.../ids.*          their ids

A key is looked up by bisection in the sorted keys, which stay on disk: time grows with the new snapshot, and only
with the logarithm of the old ones.

A cluster of new documents leaves whole if any of them repeats an indexed one: as in one run over both, where the
indexed document comes first. **Deviation** from that one run: an old document that was dropped is not in the index, so
a new one that resembles only it stays; and two old documents are not joined by a new one that resembles both.

Parts are named by their content and listed in `index.json`, which is replaced at once; a crash leaves the index as it
was. Running a snapshot again ignores its own part and later ones, and then puts its new part in the place of the old.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.clusters import Clusters
from smollab.curate.dedup.equal_keys import sort_keys
from smollab.curate.dedup.table import BLOCK_ROWS, Ids, Table, disk_array, release
from smollab.curate.errors import CurationError
from smollab.recipe import MinHash, RecipeError

__all__ = ["FORMAT", "Index"]

FORMAT = 1
"""Raised when keys are computed otherwise, so that old indexes are refused instead of matching nothing."""
_PLACE_BITS = 40


@dataclass
class Index:
    """An index folder, and the snapshot that is being added."""

    folder: Path
    snapshot: str
    settings: dict[str, Any]
    parts: list[dict[str, Any]]
    """In order: `snapshot`, `folder`, and `keys`: how many in each bucket."""

    @classmethod
    def open(cls, settings: MinHash | None) -> "Index | None":
        """Open the index that a recipe names; None if it names none. One that does not exist yet is empty.

        Raises:
            RecipeError: no name for the snapshot.
            CurationError: the index was made with other settings, or cannot be read.
        """
        if settings is None or not settings.index:
            return None
        if not settings.snapshot:
            raise RecipeError(
                "curate.minhash_dedup.snapshot: an index needs a name for what this run adds to it, such as "
                'snapshot = "2024-18"'
            )
        folder = Path(settings.index)
        needed = {"format": FORMAT} | {k: asdict(settings)[k] for k in ("n_gram", "buckets", "hashes_per_bucket")}
        needed |= {"seed": settings.seed, "scope": settings.scope}
        if settings.maximum_characters:
            needed["maximum_characters"] = settings.maximum_characters
        path = folder / "index.json"
        if not path.exists():
            return cls(folder, settings.snapshot, needed, [])
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            have, parts = found["settings"], found["parts"]
        except (ValueError, KeyError, TypeError) as error:
            raise CurationError(f"{path}: no index of near-duplicates; name another folder, or remove it") from error
        if have != needed:
            other = [f"{k} = {have.get(k)!r}, not {v!r}" for k, v in needed.items() if have.get(k) != v]
            raise CurationError(
                f"{path}: made with {'; '.join(other)}; set curate.minhash_dedup to the same, or name another index"
            )
        return cls(folder, settings.snapshot, needed, parts)

    @property
    def earlier(self) -> list[dict[str, Any]]:
        """The parts this snapshot is compared with: all, or those before its own when it is run again."""
        names = [part["snapshot"] for part in self.parts]
        return self.parts[: names.index(self.snapshot)] if self.snapshot in names else self.parts

    def match(self, table: Table, names: Sequence[str], clusters: Clusters, work: Path) -> NDArray[np.int64]:
        """Return for the root of each cluster the place in the index that its first match has, or -1."""
        largest = np.iinfo(np.int64).max
        known = disk_array(work / "known", len(table), largest, np.int64)
        parts = [self._open(part, len(names)) for part in self.earlier if part["keys"]]
        start = 0
        for block in table.keys(names):
            roots = clusters.find(np.arange(start, start + len(block), dtype=np.int64))
            start += len(block)
            for number, (keys, rows) in enumerate(parts):
                for bucket in range(len(names)):
                    hits, places = _look_up(block[:, bucket], keys[bucket])
                    np.minimum.at(known, roots[hits], rows[bucket][places] | (np.int64(number) << _PLACE_BITS))
                release(keys)
                release(rows)
            release(known)
            clusters.release()
        for start in range(0, len(table), BLOCK_ROWS):
            block = known[start : start + BLOCK_ROWS]
            block[block == largest] = -1
        release(known)
        return known

    def name_of(self, place: int) -> str:
        """Write a place of the index: the id of the document, and the snapshot that kept it."""
        part = [part for part in self.earlier if part["keys"]][place >> _PLACE_BITS]
        with Ids(self.folder / part["folder"]) as ids:
            return f"{ids[place & ((1 << _PLACE_BITS) - 1)]} (snapshot {part['snapshot']})"

    def stage(
        self,
        folder: Path,
        table: Table,
        names: Sequence[str],
        ids: Ids,
        kept_rows: Callable[[int, int], NDArray[np.int64]],
    ) -> None:
        """Prepare this snapshot's part in the work folder; `publish` adds it once the run is complete.

        Args:
            folder: to be made.
            table: keys of all documents.
            names: of the key columns.
            ids: of all documents.
            kept_rows: (start, end) -> the rows of this range that stay.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

        def kept() -> Iterator[NDArray[np.int64]]:
            return (kept_rows(start, min(start + BLOCK_ROWS, len(table))) for start in range(0, len(table), BLOCK_ROWS))

        Ids.write(folder, ([ids[row] for row in rows.tolist()] for rows in kept()))
        keys_count = 0
        with (folder / "keys.bin").open("wb") as keys_file, (folder / "rows.bin").open("wb") as rows_file:
            for name in names:
                keys_count = 0
                blocks = (keys[rows] for keys, rows in _with_rows(table.keys([name]), kept()))
                for keys, rows in sort_keys(blocks, len(table), folder):
                    keys.tofile(keys_file)
                    rows.tofile(rows_file)
                    keys_count += len(keys)
        digest = hashlib.sha256(self.snapshot.encode())
        for file in ("keys.bin", "ids.bytes"):
            with (folder / file).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        part = {"snapshot": self.snapshot, "folder": f"part-{digest.hexdigest()[:16]}", "keys": keys_count}
        (folder / "part.json").write_text(json.dumps(part), encoding="utf-8")

    def publish(self, staged: Path) -> None:
        """Add a staged part to the index, or put it in the place of this snapshot's old one; an empty one is left."""
        part = json.loads((staged / "part.json").read_text(encoding="utf-8"))
        final = self.folder / part["folder"]
        new = [part] if part["keys"] else []
        if new and part not in self.parts:
            shutil.rmtree(final, ignore_errors=True)  # of a run that ended before it was listed
            shutil.copytree(staged, final)
        names = [old["snapshot"] for old in self.parts]
        replaced = [old for old in self.parts if old["snapshot"] == self.snapshot and old != part]
        place = names.index(self.snapshot) if self.snapshot in names else len(names)
        self.parts[place : place + 1] = new
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.json"
        unfinished = path.with_name(path.name + ".unfinished")
        text = json.dumps({"settings": self.settings, "parts": self.parts}, indent=1, ensure_ascii=False)
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(path)
        for old in replaced:
            shutil.rmtree(self.folder / old["folder"], ignore_errors=True)

    def _open(self, part: dict[str, Any], buckets: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        shape = (buckets, part["keys"])
        folder = self.folder / part["folder"]
        try:
            keys: NDArray[np.uint64] = np.memmap(folder / "keys.bin", np.uint64, "r", shape=shape)
            rows: NDArray[np.int64] = np.memmap(folder / "rows.bin", np.int64, "r", shape=shape)
        except (OSError, ValueError) as error:
            raise CurationError(
                f"{folder}: the part of snapshot {part['snapshot']!r} is damaged ({error}); restore it, or run that "
                "snapshot again without the index and with it"
            ) from error
        return keys, rows


def _look_up(wanted: NDArray[np.uint64], keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of the wanted keys are among the sorted ones, and where."""
    order = np.argsort(wanted)  # so that the sorted keys are visited from front to back
    places = np.minimum(np.searchsorted(keys, wanted[order]), len(keys) - 1)
    hits = (keys[places] == wanted[order]) & (wanted[order] != 0)
    return order[hits], places[hits]


def _with_rows(
    blocks: Iterable[NDArray[np.uint64]], kept: Iterable[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Pair blocks of keys, of whatever lengths, with the kept rows within each, counted from the block's start."""
    waiting = np.empty(0, dtype=np.int64)
    rows = iter(kept)
    start = covered = 0
    for keys in blocks:
        end = start + len(keys)
        while covered < end:
            new = next(rows, None)
            if new is None:
                break
            covered += BLOCK_ROWS
            waiting = np.concatenate([waiting, new])
        here = waiting < end
        yield keys, waiting[here] - start
        waiting, start = waiting[~here], end
