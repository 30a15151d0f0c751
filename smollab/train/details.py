"""What is measured every so many steps only, because it costs something: how far weights moved, how large logits get.

The update-to-weight ratio is the length of an update over the length of the weights it changes, for each role of
parameters. Around 1e-3 at the peak of the learning rate is usual; ten times more is a rate too high, ten times less
one too low. It is taken over evenly spaced rows of every matrix, since a copy of all weights would double them.

The largest logit of attention of a head tells of a softmax that is about to pick one token whatever the others are:
where training diverges, it has often grown for hundreds of steps before (Dehghani et al. 2023, section 3.1).
"""

import math
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

from smollab.optim.attention_logits import AttentionLogits

SAMPLED_NUMBERS = 65_536
"""Of each parameter and rank at most about so many are compared."""


class Details:
    """Measures around an optimizer step; all ranks of a run call the same.

    Args:
        model: whole, or this rank's part of it.
        optimizers: whose groups have a role.
        every: steps from one measurement to the next; 0: never.
        logits: whether attention's logits are measured too.
    """

    def __init__(
        self, model: nn.Module, optimizers: list[torch.optim.Optimizer], every: int, logits: bool = True
    ) -> None:
        self._every = every
        self._groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self._before: list[tuple[str, nn.Parameter, Tensor]] = []
        self._logits = AttentionLogits(model) if every and logits else None
        if self._logits is not None:
            self._logits.active = False

    def before(self, step: int) -> bool:
        """Make ready for a step, counted from 1; returns whether it is measured."""
        due = bool(self._every) and step % self._every == 0
        if self._logits is not None:
            self._logits.active = due
        pairs = ((group.get("role", "all"), p) for group in self._groups for p in group["params"] if due)
        self._before = [(role, parameter, sampled_rows(parameter).clone()) for role, parameter in pairs]
        return due

    @torch.no_grad()
    def after(self) -> dict[str, Any]:
        """What the step did, for its row of the log; empty where it was not measured.

        `update_ratio`: by role. `attention_logits`: the largest of each head, a list for each layer.
        """
        if not self._before and (self._logits is None or not self._logits.active):
            return {}
        roles = sorted({group.get("role", "all") for group in self._groups})
        squares = torch.zeros(len(roles), 2, dtype=torch.float64)
        for role, parameter, old in self._before:
            moved = (sampled_rows(parameter) - old).double().square().sum()
            squares[roles.index(role)] += torch.stack([moved, old.double().square().sum()]).cpu()
        self._before = []
        if distributed.is_initialized():
            squares = squares.to(self._groups[0]["params"][0].device)
            distributed.all_reduce(squares)
        ratios = (squares[:, 0] / squares[:, 1].clamp(min=1e-30)).sqrt().tolist()
        result: dict[str, Any] = {"update_ratio": dict(zip(roles, ratios, strict=True))}
        if self._logits is not None:
            finite = lambda x: round(x, 4) if math.isfinite(x) else None  # None: the head was not seen, or is lost
            result["attention_logits"] = [[finite(x) for x in heads] for heads in self._logits.take().tolist()]
            self._logits.active = False
        return result


def sampled_rows(parameter: Tensor) -> Tensor:
    """Evenly spaced rows of a parameter, or of this rank's slice of it."""
    local = parameter.detach()
    local = local.to_local() if isinstance(local, DTensor) else local
    return local[:: max(1, local.numel() // SAMPLED_NUMBERS)]


def learning_rates(optimizers: list[torch.optim.Optimizer]) -> dict[str, float]:
    """The rate of every group, by its role; a role of several groups is numbered from its second on."""
    rates: dict[str, float] = {}
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        role, number = group.get("role", "all"), 2
        name = role
        while name in rates:
            name, number = f"{role}-{number}", number + 1
        rates[name] = group["lr"]
    return rates
