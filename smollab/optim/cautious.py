"""Cautious weight decay: shrink only what the update shrinks anyway.

    w <- w - lr (u + wd w [u w >= 0])

Plain decay also pulls at entries that the gradients push outwards, and the two settle at a compromise: another loss is
minimized. Where decay agrees with the update only the way changes, not the place it leads to.

It works for every optimizer, as two hooks around its step: one keeps the weights of before, the other sees from the
difference where each entry went. That costs a copy of the weights.

Source: Chen et al. 2025 (Cautious weight decay), equation 3.
"""

from typing import Any

import torch
from torch import Tensor


def make_cautious(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Replace an optimizer's decoupled weight decay, in all its groups."""
    for group in optimizer.param_groups:
        group["cautious_weight_decay"], group["weight_decay"] = group["weight_decay"], 0.0
    before: dict[Tensor, Tensor] = {}

    @torch.no_grad()
    def remember(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            if group["cautious_weight_decay"]:
                before.update({p: p.detach().clone() for p in group["params"] if p.grad is not None})

    @torch.no_grad()
    def decay(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter in before:
                    weight = before.pop(parameter)
                    agrees = (weight - parameter) * weight >= 0
                    parameter.sub_(weight * agrees, alpha=group["lr"] * group["cautious_weight_decay"])

    optimizer.register_step_pre_hook(remember)
    optimizer.register_step_post_hook(decay)
    return optimizer
