"""The data of a run: streams of its sources, and what changes when a stage begins."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from smollab.recipe import Recipe, StagePlan, plan_stages
from smollab.tokens.mixture import Mixture, TokenStream
from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenize import open_shards
from smollab.train.parallel import ParallelModel
from smollab.train.step import TrainedModel


def open_mixture(recipe: Recipe, folder: Path) -> Mixture:
    """A stream for every source and sequence length that some stage mixes.

    Raises:
        ShardError: the tokens are not those that were written.
    """
    streams: dict[str, TokenStream] = {}
    opened: dict[str, Sequence[TokenShard]] = {}
    for plan in plan_stages(recipe):
        for source, stream in stream_names(plan).items():
            if source not in opened:
                opened[source] = open_shards(folder, source)
                for shard in opened[source]:
                    shard.verify()
            if stream not in streams:
                streams[stream] = TokenStream(opened[source], plan.sequence_length, recipe.train.seed)
    return Mixture(streams)


def stream_names(plan: StagePlan) -> dict[str, str]:
    """Source -> the name of its stream of this stage's length, such as `web@512`; each is drawn from by itself."""
    return {source: f"{source}@{plan.sequence_length}" for source in plan.stage.mixture}


def source_of(stream: str) -> str:
    """The source that a stream draws from."""
    return stream.rpartition("@")[0]


def begin_stage(plan: StagePlan, model: TrainedModel, mixture: Mixture, step: int) -> None:
    """Give the model the stage's reach, and the mixture its weights; the step may lie within the stage."""
    model.config = replace(
        model.config, rope_theta=plan.rope_theta, max_position_embeddings=plan.max_position_embeddings
    )
    weights = {stream: plan.stage.mixture[source] for source, stream in stream_names(plan).items()}
    mixture.set_weights(weights, (step - plan.begin) * plan.batch_sequences)


def stages_from(recipe: Recipe, step: int) -> Iterator[StagePlan]:
    """The stages not finished at a step."""
    yield from (plan for plan in plan_stages(recipe) if step < plan.end)


def rows_of(model: TrainedModel, plan: StagePlan) -> slice:
    """The sequences of a batch that this process trains on."""
    return model.layout.rows(plan.batch_sequences) if isinstance(model, ParallelModel) else slice(None)
