"""What a shard leaves on disk while it is worked on, so that a kill costs no more than the last few documents.

For shard 7 of a stage, every few hundred documents: `00007-000.kept.parquet`, `.dropped.parquet`,
`.extracted.parquet`, `.ledger.parquet`, then `00007.progress.json` with the counts so far, which makes them valid.
At the end `00007.json`, with the same content, means *done*.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smollab.curate.funnel import SourceFunnel, read_source
from smollab.curate.ledger import LedgerRow, write_ledger
from smollab.documents import Document, Drop, write_documents, write_drops

__all__ = ["KINDS", "Parts", "parts_of", "write_json"]

PART_CHARACTERS = 32_000_000
"""A part holds at most about this much text; bounds a worker's memory."""
PART_DOCUMENTS = 512
"""And at most so many documents; bounds the work lost when a run is killed."""
KINDS: dict[str, Callable[[Path, Any], object]] = {
    "kept": write_documents,
    "dropped": write_drops,
    "extracted": write_documents,
    "ledger": write_ledger,
}


class Parts:
    """Gathers what becomes of documents, and writes a part whenever there is enough."""

    def __init__(self, folder: Path, index: int):
        """Go on where an earlier process stopped, and remove what it left half done."""
        self._folder, self._index = folder, index
        self._progress = folder / f"{index:05d}.progress.json"
        self.documents = self._part = 0
        self.funnel = SourceFunnel()
        if self._progress.exists():
            saved = json.loads(self._progress.read_text(encoding="utf-8"))
            self.documents, self._part = saved["documents"], saved["parts"]
            self.funnel = read_source(saved["funnel"])
        for kind in KINDS:
            for stale in parts_of(folder, index, kind)[self._part :]:
                stale.unlink()
        self._waiting: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        self._seen = self._characters = 0

    def add(
        self,
        kept: Document | None = None,
        dropped: tuple[Document, str, Drop] | None = None,
        extracted: Document | None = None,
        row: LedgerRow | None = None,
    ) -> None:
        """Take what became of one document."""
        for kind, item in (("kept", kept), ("dropped", dropped), ("extracted", extracted), ("ledger", row)):
            if item is not None:
                self._waiting[kind].append(item)
        texts = (kept, extracted, dropped and dropped[0])
        self._characters += sum(len(document.text) for document in texts if document)
        self._seen += 1
        if self._characters >= PART_CHARACTERS or self._seen >= PART_DOCUMENTS:
            self.flush()

    @property
    def seen(self) -> int:
        """Documents taken so far, by this process and those before it."""
        return self.documents + self._seen

    def flush(self) -> None:
        """Write what is waiting; from here on it is not lost."""
        if not self._seen:
            return
        for kind, items in self._waiting.items():
            # An empty part is written too: parts are counted.
            KINDS[kind](self._folder / f"{self._index:05d}-{self._part:05d}.{kind}.parquet", items)
            items.clear()
        self.documents += self._seen
        self._seen = self._characters = 0
        self._part += 1
        write_json(self._progress, self._state())

    def finish(self, output: Path) -> None:
        """Write the last part and the file that says *done*."""
        self.flush()
        write_json(output, self._state())

    def _state(self) -> dict[str, Any]:
        return {"documents": self.documents, "parts": self._part, "funnel": asdict(self.funnel)}


def parts_of(folder: Path, index: int, kind: str) -> tuple[Path, ...]:
    """Return the parts of one kind that a shard has, in order."""
    return tuple(sorted(folder.glob(f"{index:05d}-*.{kind}.parquet")))


def write_json(path: Path, values: object) -> None:
    """Write JSON atomically.

    Raises:
        OSError: the disk is full or not writable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
