"""The plan of a run: what each stage's sequences, rotary base and learning rates are, with all that is left out.

The number of tokens in a step is the same in all stages, as in SmolLM3's training: where sequences are eight times
longer, a batch has an eighth as many.
"""

from dataclasses import dataclass, replace

from smollab.recipe.model import Model
from smollab.recipe.optimization import Schedule
from smollab.recipe.sections import Recipe
from smollab.recipe.training import Stage


@dataclass(frozen=True)
class StagePlan:
    """A stage with everything that it takes over from the stages before and from the recipe."""

    stage: Stage
    """As the recipe says it."""
    begin: int
    """Steps of the stages before."""
    sequence_length: int
    """Tokens per sequence."""
    batch_sequences: int
    """Sequences per step."""
    rope_theta: float
    """Base of the rotary frequencies."""
    max_position_embeddings: int
    """Longest sequence that the model is meant for after this stage."""
    schedule: Schedule
    """The stage's own, or the recipe's."""
    schedule_begin: int
    """Steps of the run that this schedule does not count: those of other schedules before."""
    schedule_steps: int
    """Steps that the schedule runs over."""
    rate_factor: float
    """The stage's peak learning rate over the recipe's."""

    @property
    def end(self) -> int:
        """The step after its last."""
        return self.begin + self.stage.steps


def plan_stages(recipe: Recipe) -> list[StagePlan]:
    """Plan all stages of a recipe, in order.

    Raises:
        ValueError: a stage's sequence length does not divide the tokens of a step, its schedule is longer than itself,
            or it has a learning rate but no schedule.
    """
    tokens = recipe.train.batch_sequences * recipe.train.sequence_length
    shared_steps = sum(stage.steps for stage in recipe.stages if stage.schedule is None)
    length, theta = recipe.train.sequence_length, recipe.model.rope_theta
    longest, begin, own_steps = recipe.model.max_position_embeddings, 0, 0
    plans = []
    for stage in recipe.stages:
        _check(stage, tokens)
        length, theta = stage.sequence_length or length, stage.rope_theta or theta
        longest = max(longest, length)
        plans.append(
            StagePlan(
                stage=stage,
                begin=begin,
                sequence_length=length,
                batch_sequences=tokens // length,
                rope_theta=theta,
                max_position_embeddings=longest,
                schedule=stage.schedule or recipe.schedule,
                schedule_begin=begin if stage.schedule else own_steps,
                schedule_steps=stage.steps if stage.schedule else shared_steps,
                rate_factor=(stage.learning_rate or recipe.optimizer.learning_rate) / recipe.optimizer.learning_rate,
            )
        )
        begin += stage.steps
        own_steps += stage.steps if stage.schedule else 0
    return plans


def trained_model(recipe: Recipe) -> Model:
    """The recipe's model with the rotary base and the reach that it has after the last stage."""
    plans = plan_stages(recipe)
    if not plans:
        return recipe.model
    last = plans[-1]
    return replace(recipe.model, rope_theta=last.rope_theta, max_position_embeddings=last.max_position_embeddings)


def _check(stage: Stage, tokens: int) -> None:
    if stage.sequence_length and tokens % stage.sequence_length:
        raise ValueError(
            f"stage {stage.name!r}: sequence_length ({stage.sequence_length}) must divide the {tokens} tokens of a "
            "step (train.batch_sequences * train.sequence_length)"
        )
    if stage.schedule and stage.schedule.fixed_steps > stage.steps:
        raise ValueError(
            f"stage {stage.name!r}: its schedule's warmup_steps + decay_steps exceed its {stage.steps} steps"
        )
    if stage.learning_rate and not stage.schedule:
        raise ValueError(f"stage {stage.name!r}: a learning_rate of its own needs a schedule of its own")
