"""The time dial: the model, tokens, batch and rates that make the best of a budget of time or operations.

A small model reads many tokens in ten minutes, a large one few; between them lies the one of the lowest loss. Which, a
scaling law tells (`law.py`), once it is known how many tokens a second each size reads here. The rest follows:

    depth       on the line through our laptop's model and SmolLM3-3B: 6 layers at width 128, 36 at 2048
    batch       AdamW: 0.58 D^0.571 tokens (Step Law); Muon: the recipe's, times its tokens' ratio^0.571
    rates       AdamW: 1.79 N^-0.713 D^0.307 (Step Law); Muon: the recipe's, times the ratios with these exponents
    schedule    the recipe's stages, warmup and decay, in proportion

N are the parameters inside the blocks and D the tokens read.

Source: Li et al. 2025, "Predictable Scale: Part I" (Step Law), fitted to AdamW and models from 60 million parameters;
to carry its exponents over to Muon and to smaller models is our assumption.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from smollab.model.config import ModelConfig
from smollab.recipe import Model, Recipe
from smollab.scaling.flops import flops_per_token
from smollab.scaling.law import Law
from smollab.scaling.parameters import Parameters, parameters_by_part

DEVICE_FLOPS = {"A100": 312e12, "H100": 989e12, "H200": 989e12, "B200": 2250e12}
"""Dense bfloat16 operations per second, by the data sheets."""
DEVICE_UTILIZATION = 0.30
"""Share of them that is assumed for devices that cannot be measured here."""

DEPTH, DEPTH_WIDTH, DEPTH_EXPONENT = 6, 128, math.log(36 / 6) / math.log(2048 / 128)
RATE_PARAMETERS, RATE_TOKENS, BATCH_TOKENS = -0.713, 0.307, 0.571
LARGEST_FACTOR = 4.0
"""Muon's rates and batches are changed by no more than this; beyond, the recipe's own tuning says too little."""
LEAST_STEPS = 20
"""A run of fewer is no training."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(?:(\d+)x([A-Z]+\d+):)?(\d+(?:\.\d+)?)([smhd])")
_FLOPS = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?)flops", re.IGNORECASE)


class BudgetError(ValueError):
    """A budget that cannot be understood or met; the message says what would do."""


@dataclass(frozen=True)
class Budget:
    """What may be spent."""

    text: str
    """As it was given."""
    seconds: float | None
    """Of training."""
    flops: float | None
    """Operations of training, forward and backward."""
    device: str = ""
    """A device of `DEVICE_FLOPS`; empty: this machine."""
    devices: int = 1
    """How many."""


def parse_budget(text: str) -> Budget:
    """Understand `10m`, `3e15flops` or `8xH100:2h`.

    Raises:
        BudgetError: it is none of these.
    """
    if match := _FLOPS.fullmatch(text):
        return Budget(text, None, float(match[1]))
    match = _TIME.fullmatch(text)
    if match and (match[2] is None or match[2] in DEVICE_FLOPS) and float(match[3]) > 0:
        return Budget(text, float(match[3]) * _UNITS[match[4]], None, match[2] or "", int(match[1] or 1))
    raise BudgetError(
        f"--budget {text}: expected a time such as 10m or 2h, operations such as 3e15flops, or devices and a time such "
        f"as 8xH100:2h; devices: {', '.join(DEVICE_FLOPS)}"
    )


@dataclass(frozen=True)
class Choice:
    """One size of model, and how it would fare."""

    recipe: Recipe
    """Of the whole run."""
    parts: Parameters
    tokens: float
    """That the budget pays for."""
    effective: float
    """New tokens that are worth as much as these, some of which are read again."""
    loss: float
    """By the law."""


def at_size(base: Model, width: int) -> Model:
    """The recipe's model at another width and the depth that goes with it: heads as wide, and the MLP in proportion."""
    heads = width // base.head_width
    group = base.num_attention_heads // base.num_key_value_heads
    keys = max(keys for keys in range(1, heads + 1) if heads % keys == 0 and (keys * group <= heads or keys == 1))
    return replace(
        base,
        hidden_size=width,
        intermediate_size=2 * round(base.intermediate_size / base.hidden_size * width / 2),
        num_hidden_layers=max(2, round(DEPTH * (width / DEPTH_WIDTH) ** DEPTH_EXPONENT)),
        num_attention_heads=heads,
        num_key_value_heads=keys,
        head_dim=base.head_width,
        nope_layers=None,
        sliding_window_layers=None,
    )


def sizes(base: Model, largest: int = 4096) -> list[Model]:
    """The models among which is chosen, smallest first; neighbors differ by a quarter in width or by one head."""
    widths, width = [], base.head_width
    while width <= largest:
        widths.append(width)
        width += max(1, round(width / 4 / base.head_width)) * base.head_width
    return [at_size(base, width) for width in widths]


def choose(
    base: Recipe,
    affordable: Callable[[Model], float],
    law: Law,
    worth: Callable[[float], float] = float,
    largest: int = 4096,
) -> list[Choice]:
    """All sizes that a budget allows, best first.

    Args:
        base: the recipe that is scaled.
        affordable: tokens that the budget pays for with a model.
        law: expected loss.
        worth: tokens read -> new tokens worth as much, where text is read again; left out: all text is new.
        largest: width.

    Raises:
        BudgetError: not even the smallest model would make `LEAST_STEPS` steps.
    """
    choices = []
    for model in sizes(base.model, largest):
        tokens = affordable(model)
        recipe = scaled(base, model, tokens)
        if recipe is None:
            break  # larger ones read even less
        parts = parameters_by_part(ModelConfig.from_recipe(model, base.tokenizer.vocab_size))
        choices.append(Choice(recipe, parts, tokens, worth(tokens), law.loss(parts.total, worth(tokens))))
    if not choices:
        raise BudgetError(
            f"the budget pays for fewer than {LEAST_STEPS} steps of the smallest model; give more, or lower "
            "train.batch_sequences or train.sequence_length"
        )
    return sorted(choices, key=lambda choice: choice.loss)


def mixture_shares(recipe: Recipe) -> dict[str, float]:
    """Share of each source in all tokens of a recipe."""
    shares: dict[str, float] = {}
    stages = [stage for stage in recipe.stages if stage.schedule is None]
    for stage in stages:
        for name, weight in stage.mixture.items():
            part = weight / sum(stage.mixture.values()) * stage.steps / sum(s.steps for s in stages)
            shares[name] = shares.get(name, 0.0) + part
    return shares


def scaled(base: Recipe, model: Model, tokens: float) -> Recipe | None:
    """A recipe for another model and number of tokens; None if that makes fewer than `LEAST_STEPS` steps.

    Stages with a schedule of their own (long context) are left out.
    """
    stages = [stage for stage in base.stages if stage.schedule is None]
    base_steps = sum(stage.steps for stage in stages)
    length, vocab_size = base.train.sequence_length, base.tokenizer.vocab_size
    base_tokens = base_steps * base.train.batch_sequences * length
    matrices = lambda m: parameters_by_part(ModelConfig.from_recipe(m, vocab_size)).matrices
    optimizer = base.optimizer
    if optimizer.name == "adamw":
        rate = 1.79 * matrices(model) ** RATE_PARAMETERS * tokens**RATE_TOKENS / optimizer.learning_rate
        wanted = 0.58 * tokens**BATCH_TOKENS / length
    else:
        bounded = lambda factor: min(LARGEST_FACTOR, max(1 / LARGEST_FACTOR, factor))
        more = tokens / base_tokens
        rate = bounded((matrices(model) / matrices(base.model)) ** RATE_PARAMETERS * more**RATE_TOKENS)
        wanted = base.train.batch_sequences * bounded(more**BATCH_TOKENS)
    ranks = base.parallel.data * base.parallel.shard
    sequences = max(1, round(wanted / ranks)) * ranks
    steps = int(tokens / (sequences * length))
    if steps < LEAST_STEPS:
        return None
    share = lambda count: max(1, round(count * steps / base_steps))
    embedding = optimizer.embedding_learning_rate
    return replace(
        base,
        model=model,
        stages=tuple(
            replace(stage, steps=count)
            for stage, count in zip(stages, divide(steps, [stage.steps for stage in stages]), strict=True)
            if count
        ),
        optimizer=replace(
            optimizer,
            learning_rate=optimizer.learning_rate * rate,
            embedding_learning_rate=None if embedding is None else embedding * rate,
        ),
        schedule=replace(
            base.schedule, warmup_steps=share(base.schedule.warmup_steps), decay_steps=share(base.schedule.decay_steps)
        ),
        train=replace(
            base.train,
            batch_sequences=sequences,
            micro_batch_sequences=min(base.train.micro_batch_sequences, max(1, sequences // ranks)),
            checkpoint_every=share(base.train.checkpoint_every),
            evaluate_every=base.train.evaluate_every and share(base.train.evaluate_every),
        ),
    )


def divide(total: int, weights: Sequence[float]) -> list[int]:
    """Divide a number into whole parts in proportion."""
    edges = [round(total * sum(weights[:i]) / sum(weights)) for i in range(len(weights) + 1)]
    return [end - begin for begin, end in pairwise(edges)]


def affordable_flops(recipe: Recipe, flops: float) -> Callable[[Model], float]:
    """Tokens that so many operations train each model on."""
    vocab_size, length = recipe.tokenizer.vocab_size, recipe.train.sequence_length
    return lambda model: flops / flops_per_token(ModelConfig.from_recipe(model, vocab_size), length)


def stretched(recipe: Recipe, step: int, remaining: int) -> Recipe:
    """The recipe with another number of steps after a step: what is left of stages and schedule, stretched evenly.

    Rates before the step stay, and at it too: the schedule stands at the same share of its decay.

    Args:
        recipe: whose stages all follow the one schedule.
        step: steps done.
        remaining: steps to come, at least 1.
    """
    ratio = remaining / (recipe.total_steps - step)
    ends = [sum(stage.steps for stage in recipe.stages[: i + 1]) for i in range(len(recipe.stages))]
    new_ends = [end if end <= step else step + round((end - step) * ratio) for end in ends]
    counts = [end - begin for begin, end in pairwise([0, *new_ends])]
    return replace(
        recipe,
        stages=tuple(replace(stage, steps=count) for stage, count in zip(recipe.stages, counts, strict=True)),
        schedule=replace(recipe.schedule, decay_steps=max(1, round(recipe.schedule.decay_steps * ratio))),
    )
