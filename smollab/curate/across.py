"""Global steps: describe every shard's documents by keys, compare all keys, carry the verdicts out."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smollab.curate.engines import Tick
from smollab.curate.steps import GLOBAL_STEPS
from smollab.documents import Document, Drop, read_documents
from smollab.recipe import Curate

__all__ = ["DescribeTask", "carry_out", "describe_shard", "find_duplicates"]


@dataclass(frozen=True, slots=True)
class DescribeTask:
    """A shard whose documents get keys."""

    folder: Path
    """Of the stage that kept the documents; the keys go here too."""
    index: int
    source: str
    step: str
    settings: Curate
    inputs: tuple[Path, ...]

    @property
    def name(self) -> str:
        """For messages."""
        return f"shard {self.index} of {self.source}"

    @property
    def output(self) -> Path:
        """The keys; exist when the task is done."""
        return self.folder / f"{self.index:05d}.{self.step}.npy"

    @property
    def removed(self) -> Path:
        """The verdicts: row -> id of the document kept in its place."""
        return self.folder / f"{self.index:05d}.{self.step}.removed.json"


def describe_shard(task: DescribeTask, tick: Tick) -> None:
    """Write the keys of a shard's documents."""
    dedup = GLOBAL_STEPS[task.step](task.settings)
    keys = dedup.describe(read_documents(*task.inputs))
    unfinished = task.output.with_name(task.output.name + ".unfinished")
    with unfinished.open("wb") as file:
        np.save(file, keys, allow_pickle=False)
    unfinished.replace(task.output)
    tick(len(keys))


def find_duplicates(tasks: list[DescribeTask]) -> None:
    """Compare the keys of all shards, in the order given, and write each shard's verdicts."""
    if not tasks:
        return
    keys = [np.load(task.output, allow_pickle=False) for task in tasks]
    sizes = [len(k) for k in keys]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    dedup = GLOBAL_STEPS[tasks[0].step](tasks[0].settings)
    originals = dedup.find_originals(np.concatenate(keys)) if sum(sizes) else np.empty(0, dtype=np.int64)
    duplicates = np.flatnonzero(originals != np.arange(len(originals)))
    ids = _ids_of(np.unique(originals[duplicates]), tasks, starts)
    for task, start, size in zip(tasks, starts[:-1].tolist(), sizes, strict=True):
        mine = duplicates[(duplicates >= start) & (duplicates < start + size)].tolist()
        verdicts = {str(row - start): ids[int(originals[row])] for row in mine}
        task.removed.write_text(json.dumps(verdicts, ensure_ascii=False), encoding="utf-8")


def carry_out(
    step: str, settings: Curate, verdicts: Path, documents: Iterable[Document]
) -> Iterator[tuple[Document, Document | Drop]]:
    """Yield each document of a shard, in order, with what a global step makes of it.

    Args:
        step: name of the global step.
        settings: its thresholds.
        verdicts: `DescribeTask.removed`, as `find_duplicates` wrote it.
        documents: those that were described, in the same order.
    """
    removed: dict[str, str] = json.loads(verdicts.read_text(encoding="utf-8"))
    reason = GLOBAL_STEPS[step](settings).reason
    for row, document in enumerate(documents):
        kept_id = removed.get(str(row))
        yield document, document if kept_id is None else Drop(reason, f"of {kept_id}")


def _ids_of(rows: np.ndarray, tasks: list[DescribeTask], starts: np.ndarray) -> dict[int, str]:
    """Return the ids of some documents, given by their rows over all shards."""
    ids: dict[int, str] = {}
    for task, start, end in zip(tasks, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        wanted = set(rows[(rows >= start) & (rows < end)].tolist())
        if wanted:
            documents = enumerate(read_documents(*task.inputs), start)
            ids.update((row, document.id) for row, document in documents if row in wanted)
    return ids
