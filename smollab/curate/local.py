"""One shard through local steps: what a worker does, and the files it leaves.

For shard 7 of a stage these are `00007-000.kept.parquet` (and more parts, when the shard is large),
`00007-000.dropped.parquet`, and at last `00007.json` with the counts, whose existence means *done*.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from smollab.curate.across import carry_out
from smollab.curate.engines import Tick
from smollab.curate.funnel import SourceFunnel, StepCount, read_source
from smollab.curate.readers import read_shard
from smollab.curate.shards import Report, Shard
from smollab.curate.steps import Step, make_step
from smollab.documents import Document, Drop, read_documents, write_documents, write_drops
from smollab.recipe import Curate

__all__ = ["LocalTask", "kept_parts", "load_counts", "run_local"]

PART_CHARACTERS = 32_000_000
"""A part file holds about this much text; bounds a worker's memory."""
TICK_DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class LocalTask:
    """A shard, and the local steps it passes in one stage."""

    folder: Path
    """Of the stage; the shard's files go here."""
    index: int
    """Of the shard within its source."""
    source: str
    steps: tuple[str, ...]
    settings: Curate
    shard: Shard | None
    """What to read in the first stage."""
    inputs: tuple[Path, ...] = ()
    """What to read in later stages: the parts kept by the stage before."""
    dedup: str = ""
    """The global step whose verdicts are carried out first, if any."""
    removed: Path | None = None
    """Those verdicts; None: there was no global step before this stage."""

    @property
    def name(self) -> str:
        """For messages: the files of the shard."""
        if self.shard is not None and len(self.shard.files) == 1:
            return self.shard.files[0]
        return f"shard {self.index} of {self.source}"

    @property
    def output(self) -> Path:
        """Exists when the shard is done."""
        return self.folder / f"{self.index:05d}.json"


def run_local(task: LocalTask, tick: Tick) -> None:
    """Read a shard, apply the steps, write what was kept, what was dropped, and the counts."""
    for stale in task.folder.glob(f"{task.index:05d}-*.parquet"):
        stale.unlink()
    report = Report()
    funnel = SourceFunnel()
    steps = [(name, make_step(name, task.settings)) for name in task.steps]
    counts = [funnel.step(name) for name, _ in steps]
    kept, dropped = _Parts(task, "kept"), _Parts(task, "dropped")
    seen = 0
    for document in _survivors(task, report, funnel, dropped):
        _apply(document, steps, counts, kept, dropped)
        seen += 1
        if seen % TICK_DOCUMENTS == 0:
            tick(TICK_DOCUMENTS)
    tick(seen % TICK_DOCUMENTS)
    kept.flush()
    dropped.flush()
    funnel.problems = {file: dict(problems) for file, problems in report.problems.items()}
    funnel.skipped = dict(report.skipped)
    write_json(task.output, asdict(funnel))


def kept_parts(folder: Path, index: int) -> tuple[Path, ...]:
    """Return the parts a shard kept, in order."""
    return tuple(sorted(folder.glob(f"{index:05d}-*.kept.parquet")))


def load_counts(task: LocalTask) -> SourceFunnel:
    """Return the counts of a finished shard."""
    return read_source(json.loads(task.output.read_text(encoding="utf-8")))


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


def _survivors(task: LocalTask, report: Report, funnel: SourceFunnel, dropped: "_Parts") -> Iterator[Document]:
    """Yield the shard's documents that the deduplication before this stage let through."""
    if task.shard is not None:
        yield from read_shard(task.shard, report)
        return
    documents = read_documents(*task.inputs)
    if task.removed is None:
        yield from documents
        return
    count = funnel.step(task.dedup)
    funnel.steps.insert(0, funnel.steps.pop())
    for document, verdict in carry_out(task.dedup, task.settings, task.removed, documents):
        count.count(document, verdict)
        if isinstance(verdict, Drop):
            dropped.add((document, task.dedup, verdict))
        else:
            yield verdict


def _apply(
    document: Document,
    steps: list[tuple[str, Step]],
    counts: list[StepCount],
    kept: "_Parts",
    dropped: "_Parts",
) -> None:
    for (name, step), count in zip(steps, counts, strict=True):
        try:
            result = step(document)
        except Exception as error:  # one odd document must not end a run of millions; the funnel shows it
            result = Drop(f"{name}: error", f"{type(error).__name__}: {error}")
        count.count(document, result)
        if isinstance(result, Drop):
            dropped.add((document, name, result))
            return
        document = result
    kept.add(document)


class _Parts:
    """Gathers documents or drops, and writes a part file whenever enough text is there."""

    def __init__(self, task: LocalTask, kind: str):
        self._stem = task.folder / f"{task.index:05d}"
        self._kind = kind
        self._rows: list = []  # documents, or (document, step, drop)
        self._characters = 0
        self._part = 0

    def add(self, row: Document | tuple[Document, str, Drop]) -> None:
        document = row if isinstance(row, Document) else row[0]
        self._rows.append(row)
        self._characters += len(document.text)
        if self._characters >= PART_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        if not self._rows:
            return
        path = self._stem.with_name(f"{self._stem.name}-{self._part:03d}.{self._kind}.parquet")
        write = write_documents if self._kind == "kept" else write_drops
        write(path, self._rows)  # type: ignore[operator]
        self._rows, self._characters = [], 0
        self._part += 1
