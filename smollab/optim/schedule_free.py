"""Schedule-free AdamW: no decay of the learning rate, an average of weights instead.

    y = (1 - b1) z + b1 x          gradients are taken at y
    z <- z - lr AdamW's step        the sequence that moves
    x <- (1 - c) x + c z            the average, which is the model

The weights in memory are y; `averaged_weights` puts x in their place for as long as the model is looked at: evaluated,
or saved for good. By Meta's `schedulefree`.

Source: Defazio et al. 2024, algorithm 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from smollab.optim.libraries import library
from smollab.recipe import Optimizer


def schedule_free_adamw(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """Schedule-free AdamW for all parameters; the rate's warmup is the recipe's."""
    optimizer = library("schedulefree", "schedule_free_adamw").AdamWScheduleFree(
        list(groups), betas=settings.betas, eps=settings.eps
    )
    optimizer.train()
    return [optimizer]


@contextmanager
def averaged_weights(optimizers: Sequence[torch.optim.Optimizer]) -> Iterator[None]:
    """The weights an optimizer means to be used, for the length of a block; then again those it trains, bit for bit.

    For most optimizers these are the same, and nothing happens.
    """
    averaging = [optimizer for optimizer in optimizers if hasattr(optimizer, "eval")]
    kept = [
        (parameter, parameter.detach().clone())
        for optimizer in averaging
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    for optimizer in averaging:
        optimizer.eval()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for optimizer in averaging:
            optimizer.train()  # type: ignore[attr-defined]
        with torch.no_grad():
            for parameter, value in kept:
                parameter.copy_(value)
