"""Learning-rate schedules: pure functions from the step to a multiplier of the peak rate."""

import math
from typing import Literal


def warmup_stable_decay(
    step: int,
    total_steps: int,
    warmup_steps: int,
    decay_steps: int,
    decay: Literal["linear", "1-sqrt", "cosine"] = "linear",
) -> float:
    """WSD: up linearly, constant, then down to zero over the last `decay_steps`.

    The long constant part can be extended, and the decay branched off it at any time; cosine fixes the length of
    the run at its start. Step 0 is the first update and already has a rate above zero; the update after the last
    would have zero.

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
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    decayed = step - (total_steps - decay_steps)
    if decayed <= 0:
        return 1.0
    share = min(decayed / decay_steps, 1.0)
    if decay == "linear":
        return 1 - share
    if decay == "1-sqrt":
        return 1 - math.sqrt(share)
    return 0.5 * (1 + math.cos(math.pi * share))
