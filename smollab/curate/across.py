"""Global steps: describe every shard's documents by keys, compare all keys, carry the verdicts out."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smollab.curate.dedup import Shards
from smollab.curate.dedup.index import Index
from smollab.curate.dedup.pairs import PAIRS
from smollab.curate.engines import Tick
from smollab.curate.errors import CurationError
from smollab.curate.readers import read_shard
from smollab.curate.shards import Report, Shard
from smollab.curate.steps import GLOBAL_STEPS
from smollab.documents import Document, Drop, read_documents
from smollab.recipe import Curate

__all__ = ["DescribeTask", "carry_out", "deliver", "describe_shard", "find_duplicates", "journal_of"]


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
    known: Path | None = None
    """Keys that an earlier run gave the documents of the shard, and that still hold."""
    shard: Shard | None = None
    """Read this instead of the inputs: before anything was extracted, documents are only where they come from."""

    @property
    def name(self) -> str:
        """For messages."""
        return f"shard {self.index} of {self.source}"

    @property
    def output(self) -> Path:
        """The keys; exist when the task is done."""
        return self.folder / f"{self.index:05d}.{self.step}.keys.parquet"

    @property
    def removed(self) -> Path:
        """The verdicts on the shard's documents, as the step understands them."""
        return self.folder / f"{self.index:05d}.{self.step}.verdicts.parquet"


def describe_shard(task: DescribeTask, tick: Tick) -> None:
    """Write the keys of a shard's documents."""
    if task.shard is None:
        documents = read_documents(*task.inputs)
    else:  # what cannot be read is counted when the shard is worked on
        documents = read_shard(task.shard, Report(), journal_of(task.folder, task.index))
    tick(GLOBAL_STEPS[task.step](task.settings).describe(documents, task.output, task.known))


def journal_of(folder: Path, index: int) -> Path:
    """Return where a shard's single pages that were fetched are remembered."""
    return folder / f"{index:05d}.fetched"


def find_duplicates(tasks: Sequence[DescribeTask]) -> None:
    """Compare the keys of all shards, in the order given, and write each shard's verdicts.

    Once all are written they stand, so that a run that goes on after an interruption does not judge anew what an
    index that has grown since would judge otherwise.

    Args:
        tasks: all of one step.
    """
    if not tasks:
        return
    step = tasks[0].step
    work = tasks[0].folder / f"{step}.comparison"
    done = work / "done"
    if done.exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    shards = Shards(
        described=tuple(task.output for task in tasks),
        documents=tuple(task.inputs for task in tasks),
        verdicts=tuple(task.removed for task in tasks),
        work=work,
    )
    GLOBAL_STEPS[step](tasks[0].settings).compare(shards)
    done.touch()


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
    return GLOBAL_STEPS[step](settings).carry_out(verdicts, documents)


def deliver(settings: Curate, output: Path, publish: bool) -> None:
    """At the end of a run, before its work is removed: hand out what comparisons found besides verdicts.

    Pairs of near-duplicates go to `pairs/minhash_dedup.parquet` in the run's folder; the keys of what was kept to the
    index, if there is one.

    Args:
        settings: the recipe's.
        output: folder of the run.
        publish: add to the index; False for a run that is only tried.

    Raises:
        CurationError: near-duplicates were looked for several times, and there is an index.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    comparisons = sorted((output / "work").glob("*/*/minhash_dedup.comparison"))
    shutil.rmtree(output / "pairs", ignore_errors=True)
    found = [path for comparison in comparisons if (path := comparison / PAIRS).exists()]
    if found:
        (output / "pairs").mkdir()
        pq.write_table(pa.concat_tables(map(pq.read_table, found)), output / "pairs" / "minhash_dedup.parquet")
    index = Index.open(settings.minhash_dedup) if comparisons and publish else None
    if index is None:
        return
    if len(comparisons) > 1:
        raise CurationError(
            "minhash_dedup stands at different places in the steps of different sources, so it ran more than once; "
            "with an index it must run once: list the steps of all sources in the same order"
        )
    index.publish(comparisons[0] / "part")
