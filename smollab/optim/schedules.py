"""Learning-rate schedules: pure functions from the step to a multiplier of the peak rate.

Step 0 is the first update and already has a rate above zero; the update after the last would have zero where a
schedule ends there. A schedule of a recipe is one line of `SHAPES`; all of them begin with a linear warmup.
"""

import math
from collections.abc import Callable
from typing import Literal

from smollab.recipe import Schedule

Decay = Literal["linear", "1-sqrt", "cosine"]


def learning_rate_factor(settings: Schedule, step: int, total_steps: int) -> float:
    """The multiplier of the peak rate at a step.

    Args:
        settings: kind and lengths.
        step: counted from 0.
        total_steps: that the schedule runs over.
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    return SHAPES[settings.kind](settings, step, total_steps)


def warmup_stable_decay(
    step: int, total_steps: int, warmup_steps: int, decay_steps: int, decay: Decay = "linear"
) -> float:
    """WSD: up linearly, constant, then down to zero over the last `decay_steps`.

    The long constant part can be extended, and the decay branched off it at any time; cosine fixes the length of
    the run at its start.

    Source: Hu et al. 2024 (MiniCPM); the shape 1-sqrt: Haegele et al. 2024. Equal to transformers'
    `get_wsd_schedule` for linear and cosine, shifted by one step in the warmup.

    Args:
        step: counted from 0.
        total_steps: of the run.
        warmup_steps: from zero to one.
        decay_steps: from one to zero.
        decay: shape.

    Returns:
        A number between 0 and 1.
    """
    settings = Schedule(kind="wsd", warmup_steps=warmup_steps, decay_steps=decay_steps, decay=decay)
    return learning_rate_factor(settings, step, total_steps)


def _decayed(settings: Schedule, step: int, total_steps: int) -> float:
    """What is left of the rate in the decay at the end; 1 before it."""
    after = step - (total_steps - settings.decay_steps)
    if after <= 0:
        return 1.0
    share = min(after / settings.decay_steps, 1.0)
    if settings.decay == "linear":
        return 1 - share
    if settings.decay == "1-sqrt":
        return 1 - math.sqrt(share)
    return 0.5 * (1 + math.cos(math.pi * share))


def _linear(settings: Schedule, step: int, total_steps: int) -> float:
    """Straight down to zero over all the rest. Source: Bergsma et al. 2025."""
    return max(0.0, (total_steps - step) / (total_steps - settings.warmup_steps))


def _cosine(settings: Schedule, step: int, total_steps: int) -> float:
    """Half a cosine down to zero over all the rest. Source: Loshchilov and Hutter 2017."""
    share = min(1.0, (step - settings.warmup_steps) / (total_steps - settings.warmup_steps))
    return 0.5 * (1 + math.cos(math.pi * share))


def _inverse_sqrt(settings: Schedule, step: int, total_steps: int) -> float:
    """One over the root of the step, from one at the end of the warmup. Source: Vaswani et al. 2017, section 5.3."""
    start = max(settings.warmup_steps, 1)
    return math.sqrt(start / max(step, start))


def _power(settings: Schedule, step: int, total_steps: int) -> float:
    """The step to minus `power`, times the decay at the end: no length is fixed before that.

    Source: Shen et al. 2024, section 3, whose exponents are for tokens; with a fixed batch, steps are proportional.
    """
    start = max(settings.power_steps or settings.warmup_steps, 1)
    return (start / max(step, start)) ** settings.power * _decayed(settings, step, total_steps)


SHAPES: dict[str, Callable[[Schedule, int, int], float]] = {
    "wsd": _decayed,
    "constant": lambda settings, step, total_steps: 1.0,
    "linear": _linear,
    "cosine": _cosine,
    "inverse_sqrt": _inverse_sqrt,
    "power": _power,
}
"""After the warmup, by the recipe's `schedule.kind`."""
