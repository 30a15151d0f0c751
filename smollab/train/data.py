"""The data of a run: streams of its sources, and what changes when a stage begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smollab.batch import Batch
from smollab.recipe import Recipe, StagePlan, plan_stages
from smollab.tokens.mixture import Mixture, Stream
from smollab.tokens.shards import TokenShard
from smollab.tokens.stream import TokenStream
from smollab.tokens.streaming import DatasetStream
from smollab.tokens.tokenize import open_shards
from smollab.tokens.tokenizer import load_tokenizer
from smollab.train.parallel import ParallelModel
from smollab.train.step import TrainedModel


@dataclass(frozen=True)
class DrawnBatch:
    """A batch, and where the data stands after it."""

    batch: Batch
    """The rows of this process."""
    streams: list[str]
    """The stream of each sequence of the whole batch."""
    state: dict[str, Any]
    """Of the mixture; for a checkpoint."""


def open_mixture(recipe: Recipe, folder: Path) -> Mixture:
    """A stream for every source and sequence length that some stage mixes.

    Args:
        recipe: all settings.
        folder: of token shards, `tokenize/tokens/train`.

    Raises:
        ShardError: the tokens are not those that were written.
        StreamingError: a source that is streamed cannot be read.
    """
    streams: dict[str, Stream] = {}
    opened: dict[str, Sequence[TokenShard]] = {}
    train = recipe.train
    for plan in plan_stages(recipe):
        for source, stream in stream_names(plan).items():
            settings = recipe.data.sources.get(source)
            if stream in streams:
                continue
            if settings is not None and settings.stream:
                tokenizer = load_tokenizer(folder.parents[1] / "tokenizer")
                length, packing = plan.sequence_length, train.packing
                streams[stream] = DatasetStream(settings.address, tokenizer, length, train.seed, packing)
                continue
            if source not in opened:
                opened[source] = open_shards(folder, source)
                for shard in opened[source]:
                    shard.check()
            streams[stream] = TokenStream(opened[source], plan.sequence_length, train.seed, train.packing)
    return Mixture(streams)


def stage_batches(mixture: Mixture, plan: StagePlan, step: int, wanted: slice) -> Iterator[DrawnBatch]:
    """The batches of a stage from a step on; may be made ahead, in a thread (`smollab.tokens.prefetch`)."""
    for _ in range(step, plan.end):
        batch, streams = mixture.next_batch(plan.batch_sequences, wanted)
        yield DrawnBatch(batch, streams, mixture.state)


def describe_packing(mixture: Mixture, plan: StagePlan) -> str:
    """What packing does to a stage's documents, over all its sources."""
    reports = [s.report() for n, s in mixture.streams.items() if n in stream_names(plan).values()]
    return str(sum(reports[1:], reports[0]))


def stream_names(plan: StagePlan) -> dict[str, str]:
    """Source -> the name of its stream of this stage's length, such as `web@512`; each is drawn from by itself."""
    return {source: f"{source}@{plan.sequence_length}" for source in plan.stage.mixture}


def source_of(stream: str) -> str:
    """The source that a stream draws from."""
    return stream.rpartition("@")[0]


def begin_stage(plan: StagePlan, model: TrainedModel, mixture: Mixture, step: int) -> None:
    """Give the model the stage's reach, and the mixture its weights.

    A step within the stage continues it: the mixture's state is that of a checkpoint, or of the step before.
    """
    model.config = replace(
        model.config, rope_theta=plan.rope_theta, max_position_embeddings=plan.max_position_embeddings
    )
    weights = {stream: plan.stage.mixture[source] for source, stream in stream_names(plan).items()}
    mixture.set_weights(weights, begin=step == plan.begin)


def stages_from(recipe: Recipe, step: int) -> Iterator[StagePlan]:
    """The stages not finished at a step."""
    yield from (plan for plan in plan_stages(recipe) if step < plan.end)


def rows_of(model: TrainedModel, plan: StagePlan) -> slice:
    """The sequences of a batch that this process trains on."""
    return model.layout.rows(plan.batch_sequences) if isinstance(model, ParallelModel) else slice(None)
