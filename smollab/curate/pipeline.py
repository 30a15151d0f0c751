"""Run a recipe's curation: read, filter, deduplicate, write, count; resumable, and the same for any number
of workers.

Local steps look at one document, global ones at all. So a run alternates: every source's leading local
steps are mapped over its shards; then the global step that comes next compares all documents of the sources
that list it; its verdicts are carried out when the next local steps read the shards again.

    output/kept/web-en-00000.parquet      what stayed, by source and language
    output/dropped/web-00000.parquet      what left, with step, reason, detail and text
    output/ledger/web-00000.parquet       what every rule measured of every document of a shard
    output/extracted/web-00000-*.parquet  the shard's documents as they came out of extraction
    output/pairs/minhash_dedup.parquet    a sample of the near-duplicate pairs, for looking at
    output/funnel.json                    counts; written last
    output/work/                          unfinished business; removed at the end

When an earlier run's ledger is there, and only what comes after extraction has changed, the sources are not read
again: see `recorded.py`.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from smollab.curate.across import DescribeTask, deliver, describe_shard, find_duplicates
from smollab.curate.dedup.index import Index
from smollab.curate.engines import Engine, T, Tick, make_engine
from smollab.curate.errors import CurationError
from smollab.curate.funnel import Funnel, SourceFunnel
from smollab.curate.gather import gather
from smollab.curate.local import LocalTask, Recorded, is_extraction, kept_parts, load_counts, run_local
from smollab.curate.progress import Progress, Update
from smollab.curate.recorded import describe_run, find_recorded
from smollab.curate.shards import Shard, list_shards
from smollab.curate.steps import GLOBAL_STEPS, check_steps
from smollab.curate.urls import list_problems
from smollab.recipe import Curate, Data, RecipeError

__all__ = ["curate"]

BEFORE_EXTRACTION = ("byte_dedup", "url")
"""Steps that look at the bytes as fetched, or at the address only."""
NEEDS_EXTRACTION = {
    "warc": ("extract_html", "extract_pdf"),
    "html": ("extract_html",),
    "pdf": ("extract_pdf",),
    "cc": ("extract_html", "extract_pdf"),
}


def curate(
    data: Data, settings: Curate, output: Path, progress: Progress | None = None, recorded: Path | None = None
) -> Funnel:
    """Curate all sources of a recipe into a folder.

    A run that was interrupted goes on where it stopped, shard by shard, if the recipe, the inputs and the
    code are the same; else it starts anew. The files written do not depend on the number of workers.

    Args:
        data: the sources.
        settings: thresholds and the number of workers.
        output: folder; what an earlier run left there is replaced.
        progress: called with an `Update` whenever something was done; `Bars` shows them.
        recorded: output of an earlier run whose extracted texts and measurements are used as far as they hold; left
            out: `output` itself.

    Returns:
        The counts of each source and step.

    Raises:
        RecipeError: an unknown step.
        CurationError: a source that does not exist, nothing that can be read, a worker that was killed, a
            full disk.
    """
    for name, source in data.sources.items():
        check_steps(name, source.resolved_steps)
        needed = NEEDS_EXTRACTION.get(source.kind, ())
        if needed and not any(step in source.resolved_steps for step in needed):
            raise RecipeError(f"data.sources.{name}.steps: a {source.kind} source needs {needed[0]!r}")
        _check_order(name, source.resolved_steps)
    if not data.sources:
        raise CurationError("data.sources is empty; name at least one source in the recipe")
    if any("minhash_dedup" in source.resolved_steps for source in data.sources.values()):
        Index.open(settings.minhash_dedup)  # one of other settings is refused before anything is read
    try:
        with make_engine(settings) as engine:
            return _Run(data, settings, output, engine, progress or (lambda update: None), recorded or output).run()
    except OSError as error:
        way_out = "make room and run again" if error.errno == errno.ENOSPC else "mend that and run again"
        raise CurationError(
            f"{error.filename or output}: {error.strerror or error}; what is done is kept: {way_out}"
        ) from error


def _check_order(source: str, steps: Sequence[str]) -> None:
    """Refuse steps that would look for text before there is any."""
    extractions = [position for position, step in enumerate(steps) if is_extraction(step)]
    if "byte_dedup" in steps and (not extractions or steps[0] != "byte_dedup"):
        raise RecipeError(
            f"data.sources.{source}.steps: 'byte_dedup' compares files as they were fetched: list it first, in a "
            "source with an extraction step"
        )
    for step in steps[: max(extractions, default=0)]:
        if step not in BEFORE_EXTRACTION and not is_extraction(step):
            raise RecipeError(
                f"data.sources.{source}.steps: {step!r} stands before {steps[extractions[-1]]!r}, where there is no "
                "text yet: list it behind"
            )


class _Run:
    """One run; holds what each source still has to pass."""

    def __init__(self, data: Data, settings: Curate, output: Path, engine: Engine, progress: Progress, recorded: Path):
        self.engine = engine
        # Results must not depend on where the work is done.
        self.settings = replace(settings, workers=None, engine="processes", ray_address="")
        self.output, self.work, self.progress = output, output / "work", progress
        self.shards: dict[str, list[Shard]] = {n: list_shards(n, s) for n, s in data.sources.items()}
        self.steps = {name: list(source.resolved_steps) for name, source in data.sources.items()}
        self.stage = dict.fromkeys(data.sources, 0)
        self.done: dict[str, list[LocalTask]] = {name: [] for name in data.sources}
        self.verdicts: dict[str, tuple[str, list[DescribeTask]]] = {}
        self.funnel = Funnel({name: SourceFunnel() for name in data.sources})
        self.stages: dict[str, list[list[LocalTask]]] = {name: [] for name in data.sources}
        self.about = describe_run(data, self.settings, self.shards)
        self.recorded = find_recorded(recorded, self.about, self.shards)
        self.tried = recorded != output  # another cut of a run that stays as it is

    def run(self) -> Funnel:
        self._prepare()
        self._compare_bytes()
        self._run_local_steps("reading and filtering")
        self._check_anything_read()
        while step := self._next_global_step():
            self._run_global_step(step)
            self._run_local_steps(f"after {step}")
        for name, steps in self.about.steps.items():
            if "url" in steps:
                self.funnel.sources[name].problems |= list_problems(self.settings.url)
        gather(self.output, self.stages, self.funnel, self.about if self.settings.ledger else None)
        deliver(self.settings, self.output, publish=not self.tried)
        shutil.rmtree(self.work)
        return self.funnel

    def _prepare(self) -> None:
        """Keep the work of an interrupted run of the same recipe on the same inputs; remove any other."""
        marker = self.work / "fingerprint"
        fingerprint = hashlib.sha256(json.dumps(asdict(self.about), sort_keys=True).encode()).hexdigest()
        if not marker.exists() or marker.read_text(encoding="utf-8") != fingerprint:
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir(parents=True)
            marker.write_text(fingerprint, encoding="utf-8")

    def _compare_bytes(self) -> None:
        """Find documents of equal bytes before any work is done, in the sources that ask for it."""
        tasks = [
            DescribeTask(self.work / name / "1", index, name, "byte_dedup", self.settings, (), shard=shard)
            for name, shards in self.shards.items()
            if self.steps[name][:1] == ["byte_dedup"] and name not in self.recorded
            for index, shard in enumerate(shards)
        ]
        if tasks:
            self._map("comparing bytes", describe_shard, tasks)
        find_duplicates(tasks)
        self.equal_bytes = {(task.source, task.index): task.removed for task in tasks}

    def _run_local_steps(self, phase: str) -> None:
        """Carry out pending verdicts and all leading local steps of every source."""
        tasks: list[LocalTask] = []
        for name, shards in self.shards.items():
            steps = self._take_local_steps(name)
            step, described = self.verdicts.pop(name, ("", []))
            if not steps and not step and self.stage[name]:
                continue
            self.stage[name] += 1
            folder = self.work / name / str(self.stage[name])
            new = partial(LocalTask, folder, source=name, steps=steps, settings=self.settings)
            if self.done[name]:
                mine = [
                    new(index=d.index, shard=None, inputs=d.inputs, dedup=step, removed=d.removed) for d in described
                ]
            else:
                known: Sequence[Recorded | None] = self.recorded.get(name) or [None] * len(shards)
                mine = [
                    new(
                        index=index,
                        shard=None if recorded else shard,
                        recorded=recorded,
                        equal_bytes=self.equal_bytes.get((name, index)),
                    )
                    for index, (shard, recorded) in enumerate(zip(shards, known, strict=True))
                ]
            self.done[name] = mine
            self.stages[name].append(mine)
            tasks += mine
        self._map(phase, run_local, tasks)
        for task in tasks:
            self.funnel.sources[task.source].add(load_counts(task))
        for name, known in self.recorded.items():
            self.funnel.sources[name].problems = known[0].problems
            self.funnel.sources[name].skipped = known[0].skipped

    def _run_global_step(self, step: str) -> None:
        """Compare the documents of all sources whose next step this is."""
        names = [name for name, steps in self.steps.items() if steps[:1] == [step]]
        described = {
            name: [
                DescribeTask(
                    task.folder,
                    task.index,
                    name,
                    step,
                    self.settings,
                    kept_parts(task.folder, task.index),
                    self.recorded[name][task.index].keys.get(step) if name in self.recorded else None,
                )
                for task in self.done[name]
            ]
            for name in names
        }
        everything = [task for name in names for task in described[name]]
        self._map(step, describe_shard, everything)
        find_duplicates(everything)
        for name in names:
            self.steps[name].pop(0)
            self.verdicts[name] = (step, described[name])

    def _take_local_steps(self, name: str) -> tuple[str, ...]:
        taken = []
        while self.steps[name] and (self.steps[name][0] not in GLOBAL_STEPS or self.steps[name][0] == "byte_dedup"):
            taken.append(self.steps[name].pop(0))
        return tuple(taken)

    def _next_global_step(self) -> str:
        """Return the next global step, preferring one that all its sources have reached; empty at the end."""
        candidates = [steps[0] for steps in self.steps.values() if steps]
        for step in candidates:
            if all(step not in steps[1:] for steps in self.steps.values()):
                return step
        return candidates[0] if candidates else ""

    def _map(self, phase: str, function: Callable[[T, Tick], None], tasks: Sequence[T]) -> None:
        def report(done: int, documents: int) -> None:
            self.progress(Update(phase, done, len(tasks), documents))

        self.engine.map_shards(function, tasks, report)

    def _check_anything_read(self) -> None:
        if any(any(step.documents_in for step in source.steps) for source in self.funnel.sources.values()):
            return
        if any(kept_parts(t.folder, t.index) for tasks in self.done.values() for t in tasks):
            return
        problems = [
            f"{file}: {what}"
            for source in self.funnel.sources.values()
            for file, counts in source.problems.items()
            for what in counts
        ]
        why = "; ".join(problems[:3]) or "no file holds any"
        raise CurationError(f"no document could be read ({why}); correct data.sources in the recipe")
