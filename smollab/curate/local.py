"""One shard through local steps: what a worker does with one document after the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smollab.curate.across import carry_out, journal_of
from smollab.curate.budget import CpuTimeExceeded, limit_cpu_time
from smollab.curate.dedup.whole import read_verdicts
from smollab.curate.engines import Tick
from smollab.curate.errors import CurationError
from smollab.curate.funnel import SourceFunnel, read_source
from smollab.curate.ledger import LedgerRow, read_ledger
from smollab.curate.parts import Parts, parts_of
from smollab.curate.readers import read_shard
from smollab.curate.rules import Filter, Value
from smollab.curate.shards import Report, Shard
from smollab.curate.steps import Step, make_step
from smollab.documents import Document, Drop, read_documents, replace
from smollab.recipe import Curate, RecipeError

__all__ = ["LocalTask", "Recorded", "is_extraction", "kept_parts", "load_counts", "run_local"]

TICK_DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an earlier run knows about a shard."""

    ledger: Path
    """The shard's ledger."""
    extracted: tuple[Path, ...]
    """Its documents as they came out of extraction, those that came out."""
    keys: dict[str, Path]
    """Global step -> the keys of its documents, where they still hold."""
    reusable: frozenset[str]
    """Steps whose recorded values still hold."""
    problems: dict[str, dict[str, int]]
    """That were met when the source was read; file -> what -> how often."""
    skipped: dict[str, int]
    """Records of the source that were no documents."""


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
    recorded: Recorded | None = None
    """Read this instead of the shard, in the first stage."""
    equal_bytes: Path | None = None
    """Verdicts of `byte_dedup` on the documents of the shard, in the first stage."""

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


@dataclass(slots=True)
class _Arrival:
    """A document as it enters the stage."""

    document: Document
    row: LedgerRow
    """Of this run, to be filled."""
    known: LedgerRow | None = None
    """Of the earlier run."""


def run_local(task: LocalTask, tick: Tick) -> None:
    """Read a shard, apply the steps, write what was kept, what was dropped, and the counts."""
    parts = Parts(task.folder, task.index)
    report = Report()
    done_before = parts.documents
    worker = _Worker(task, parts)
    for seen, arrival in enumerate(worker.arrivals(report), 1):
        if seen <= done_before:
            continue
        if arrival is not None:
            worker.work(arrival)
        if (seen - done_before) % TICK_DOCUMENTS == 0:
            tick(TICK_DOCUMENTS)
    tick((parts.seen - done_before) % TICK_DOCUMENTS)
    if not task.recorded:
        parts.funnel.problems = {file: dict(problems) for file, problems in report.problems.items()}
        parts.funnel.skipped = dict(report.skipped)
    parts.finish(task.output)


def kept_parts(folder: Path, index: int) -> tuple[Path, ...]:
    """Return the parts a shard kept, in order."""
    return parts_of(folder, index, "kept")


def load_counts(task: LocalTask) -> SourceFunnel:
    """Return the counts of a finished shard."""
    return read_source(json.loads(task.output.read_text(encoding="utf-8"))["funnel"])


def is_extraction(step: str) -> bool:
    """Say whether a step turns bytes into text; documents as they come out of it are kept for other thresholds."""
    return step.startswith("extract_")


def _begin_row(document: Document) -> LedgerRow:
    metadata = document.metadata
    return LedgerRow(
        str(metadata.get("record", "")), document.id, str(metadata.get("url") or ""), bytes=len(document.raw)
    )


class _Worker:
    """Passes documents through the steps of a stage, and notes what each step measured."""

    def __init__(self, task: LocalTask, parts: Parts):
        self.task, self.parts = task, parts
        self.settings = task.settings
        self.steps = [
            (name, self._equal_bytes() if name == "byte_dedup" else make_step(name, task.settings))
            for name in task.steps
        ]
        self.counts = [parts.funnel.step(name) for name in ([task.dedup] if task.removed else []) + list(task.steps)]
        if task.removed:
            self.dedup_count = self.counts.pop(0)
        extractions = [position for position, name in enumerate(task.steps, 1) if is_extraction(name)]
        self.first_on_text = max(extractions, default=0)
        """Position of the first step after extraction."""

    def arrivals(self, report: Report) -> Iterator[_Arrival | None]:
        """Yield the shard's documents; None for one that is dealt with already, by a global step."""
        task = self.task
        if task.recorded is not None:
            yield from self._recall(task.recorded)
        elif task.shard is not None:
            journal = journal_of(task.folder, task.index)
            for number, document in enumerate(read_shard(task.shard, report, journal)):
                record = f"{task.source}/{task.index}/{number}"
                document = replace(document, metadata={**document.metadata, "record": record})
                yield _Arrival(document, _begin_row(document))
        else:
            yield from self._survivors()

    def _survivors(self) -> Iterator[_Arrival | None]:
        """Carry out the verdicts of the global step before this stage."""
        task = self.task
        documents = read_documents(*task.inputs)
        if task.removed is None:
            yield from (self._arrive(document) for document in documents)
            return
        done_before = self.parts.documents
        for seen, (document, after) in enumerate(carry_out(task.dedup, task.settings, task.removed, documents)):
            arrival = self._arrive(document)
            if seen < done_before:
                yield None
                continue
            self.dedup_count.count(
                document, after, len(document.text), 0 if isinstance(after, Drop) else len(after.text)
            )
            if isinstance(after, Drop):
                self._drop(arrival, document, task.dedup, after)
                yield None
                continue
            if len(after.text) != len(document.text):
                arrival.row.values[f"{task.dedup}.characters"] = len(after.text)
            arrival.document = after
            yield arrival

    def _equal_bytes(self) -> Step:
        """Build the step that carries out the verdicts of `byte_dedup`, which were found before any work was done."""
        kept = {}
        if self.task.equal_bytes is not None:
            kept = {row: original for row, original, _ in read_verdicts(self.task.equal_bytes) if original}

        def judge(document: Document) -> Document | Drop:
            original = kept.get(int(str(document.metadata["record"]).rpartition("/")[2]))
            return Drop("byte_dedup: equal bytes", f"of {original}") if original else document

        return judge

    def _arrive(self, document: Document) -> _Arrival:
        return _Arrival(document, _begin_row(document))

    def _recall(self, recorded: Recorded) -> Iterator[_Arrival]:
        """Yield the documents of an earlier run as they came out of extraction, or did not."""
        documents = read_documents(*recorded.extracted)
        lost_in = self.task.steps[: self.first_on_text]
        for known in read_ledger(recorded.ledger):
            row = LedgerRow(known.record, known.id, known.url, bytes=known.bytes)
            if known.step in lost_in:
                yield _Arrival(Document(known.id, "", self.task.source, known.language), row, known)
            else:
                yield _Arrival(next(documents), row, known)

    def work(self, arrival: _Arrival) -> None:
        """Pass one document through the steps."""
        document, row = arrival.document, arrival.row
        extracted: Document | None = None
        kept: Document | None = document
        dropped: tuple[Document, str, Drop] | None = None
        for position, (name, step) in enumerate(self.steps):
            if position == self.first_on_text:
                extracted = document
            before = document
            try:
                with limit_cpu_time(self.settings.cpu_seconds):
                    document, drop = self._apply(position, name, step, document, arrival)
                broken = False
            except CpuTimeExceeded as error:
                drop, broken = Drop(f"{name}: CPU time", f"> {error}"), True
            except (ImportError, CurationError, RecipeError):  # would befall every document
                raise
            except Exception as error:  # one odd document must not end a run of millions; the funnel shows it
                drop, broken = Drop(f"{name}: error", f"{type(error).__name__}: {error}"), True
            if kept is not None:
                self.counts[position].count(
                    before, drop or document, self._size(before, position, row), self._size(document, position + 1, row)
                )
                kept = None if drop else document
                if drop:
                    dropped = (before, name, drop)
                    row.step, row.reason, row.detail = name, drop.reason, drop.detail
            # A filter only judges, so the text can be measured further; other steps have nothing left to pass on.
            goes_on = isinstance(step, Filter) and self.settings.ledger and position >= self.first_on_text
            if broken or (drop and not goes_on):
                break
            if len(document.text) != len(before.text) and position >= self.first_on_text:
                row.values[f"{name}.characters"] = len(document.text)
        else:
            if self.first_on_text == len(self.steps):
                extracted = document
        self._add(arrival, kept, dropped, extracted)

    def _apply(
        self, position: int, name: str, step: Step, document: Document, arrival: _Arrival
    ) -> tuple[Document, Drop | None]:
        """Return the document after a step, and the step's verdict."""
        known = arrival.known
        if known is not None and position < self.first_on_text:  # done by the earlier run
            arrival.row.values.update({f"{name}.{rule}": value for rule, value in known.values_of(name).items()})
            return document, Drop(known.reason, known.detail) if known.step == name else None
        if not isinstance(step, Filter) or not self.settings.ledger:
            result = step(document)
            return (document, result) if isinstance(result, Drop) else (result, None)
        values = self._known_values(name, step, known)
        if values is None:
            after, values = step.measure(document)
        else:
            after = step.recall(document, values)
        arrival.row.values.update({f"{name}.{rule}": value for rule, value in values.items() if value is not None})
        return after, step.judge(values, after.language)

    def _size(self, document: Document, position: int, row: LedgerRow) -> int:
        """Return the size of a document before the step at a position: bytes before extraction, else characters."""
        return row.bytes if row.bytes and position < self.first_on_text else len(document.text)

    def _known_values(self, name: str, step: Filter, known: LedgerRow | None) -> dict[str, Value] | None:
        """Return the recorded values of a step, if they hold."""
        if known is None or self.task.recorded is None or name not in self.task.recorded.reusable:
            return None
        values = known.values_of(name)
        return {rule.name: values.get(rule.name) for rule in step.rules} if values else None

    def _drop(self, arrival: _Arrival, document: Document, step: str, drop: Drop) -> None:
        arrival.row.step, arrival.row.reason, arrival.row.detail = step, drop.reason, drop.detail
        self._add(arrival, None, (document, step, drop), None)

    def _add(
        self,
        arrival: _Arrival,
        kept: Document | None,
        dropped: tuple[Document, str, Drop] | None,
        extracted: Document | None,
    ) -> None:
        row, first = arrival.row, self.task.shard is not None or self.task.recorded is not None
        row.characters = len(extracted.text) if extracted else 0
        row.language = (kept or extracted or arrival.document).language or str(row.values.get("language.language", ""))
        keep_record = self.settings.ledger
        self.parts.add(kept, dropped, extracted if first and keep_record else None, row if keep_record else None)
