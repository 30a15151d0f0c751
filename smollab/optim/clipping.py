"""Gradient clipping: what happens to gradients that are too large.

A gradient is an average over one batch, and now and then a batch is far from the others. Scaling the whole gradient
down to a norm keeps its direction; where that norm should lie, the rules judge differently:

    norm         always at `max_grad_norm` (Pascanu et al. 2013)
    zclip        where the running mean and deviation of norms say that this one is an outlier (Kumar et al. 2025)
    percentile   at a percentile of the norms seen lately (AutoClip, Seetharaman et al. 2020)

Two rules judge smaller parts and turn the direction:

    value        each entry is cut off
    agc          each row of a matrix is scaled down to a share of its weights' norm (Brock et al. 2021)

Fails when: every step is clipped. Then the learning rate is what `max_grad_norm` makes of it, and clipping hides that.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from smollab.optim.groups import parameter_role
from smollab.recipe import Clipping, Optimizer, Parallel

EPS = 1e-6
SMALLEST_WEIGHT_NORM = 1e-3
"""Rows of weights shorter than this count as so long, so that a row of zeros can grow (Brock et al. 2021)."""


class Clipper:
    """A rule and what it remembers; the same on every rank, since it sees only the global norm.

    Args:
        settings: of the optimizer.
    """

    def __init__(self, settings: Optimizer) -> None:
        self.rule: Clipping = settings.clipping
        self.max_grad_norm = settings.max_grad_norm
        self.norms: list[float] = []
        """Of the warmup (zclip), or of the last steps (percentile)."""
        self.mean, self.variance = math.nan, math.nan
        """Of zclip, after its warmup."""

    def clip(self, parameters: Iterable[tuple[str, nn.Parameter]], norm: float) -> None:
        """Make the gradients smaller, in place.

        Args:
            parameters: by name.
            norm: of all gradients, over all ranks; finite.
        """
        named = [(name, p) for name, p in parameters if p.grad is not None]
        if self.rule.rule == "value":
            for _, parameter in named:
                assert parameter.grad is not None
                _local(parameter.grad).clamp_(-self.rule.maximum_value, self.rule.maximum_value)
        elif self.rule.rule == "agc":
            for name, parameter in named:
                if parameter_role(name, parameter) != "embedding":
                    _clip_rows(parameter, self.rule.ratio)
        else:
            limit = self.limit(norm)
            if limit < norm:
                scale = limit / (norm + EPS)
                for _, parameter in named:
                    assert parameter.grad is not None
                    _local(parameter.grad).mul_(scale)

    def limit(self, norm: float) -> float:
        """Norm to which the gradient of a step is scaled down; the rule remembers the step."""
        adaptive = math.inf
        if self.rule.rule == "zclip":
            adaptive = self._zclip(norm)
        elif self.rule.rule == "percentile":
            self.norms = [*self.norms, norm][-self.rule.window :]
            if len(self.norms) > self.rule.warmup_steps:
                adaptive = float(np.percentile(self.norms, self.rule.percentile))
        return min(adaptive, self.max_grad_norm)

    def _zclip(self, norm: float) -> float:
        """Outliers are scaled down the more, the further out they are; they enter the mean as they were clipped."""
        if math.isnan(self.mean):
            self.norms.append(norm)
            if len(self.norms) >= self.rule.warmup_steps:
                self.mean = sum(self.norms) / len(self.norms)
                self.variance = sum((seen - self.mean) ** 2 for seen in self.norms) / len(self.norms)
                self.norms = []
            return math.inf
        deviation, limit = math.sqrt(self.variance), math.inf
        z = (norm - self.mean) / (deviation + EPS)
        if z > self.rule.z_threshold:
            limit = self.mean + self.rule.z_threshold * deviation * self.rule.z_threshold / z
        keep, seen = self.rule.smoothing, min(norm, limit)
        self.mean = keep * self.mean + (1 - keep) * seen
        self.variance = keep * self.variance + (1 - keep) * (seen - self.mean) ** 2
        return limit

    @property
    def state(self) -> dict[str, Any]:
        """What the rule remembers, for a checkpoint."""
        moments = [] if math.isnan(self.mean) else [self.mean, self.variance]
        return {"norms": list(self.norms), "moments": moments}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self.norms = list(state["norms"])
        self.mean, self.variance = state["moments"] or (math.nan, math.nan)


def check_clipping(settings: Optimizer, parallel: Parallel) -> None:
    """Refuse, before anything is built, a rule that the layout cannot apply.

    Raises:
        ValueError: naming the settings.
    """
    if settings.clipping.rule == "agc" and parallel.tensor > 1:
        raise ValueError(
            f"optimizer.clipping.rule = 'agc' needs whole rows, and parallel.tensor = {parallel.tensor} divides them; "
            "take another rule, or parallel.shard"
        )


@torch.no_grad()
def _clip_rows(parameter: nn.Parameter, ratio: float) -> None:
    """Scale the gradient of each row, or of a vector, down to `ratio` times its weights' norm."""
    assert parameter.grad is not None
    gradient, weight = _local(parameter.grad), _local(parameter)
    length = lambda x: x.norm(dim=-1, keepdim=True)
    if parameter.ndim == 1 and isinstance(parameter, DTensor):  # a vector is one unit, whose slices lie apart
        whole = lambda x: x.full_tensor() if isinstance(x, DTensor) else x
        grad_norm, weight_norm = length(whole(parameter.grad)), length(whole(parameter.detach()))
    else:
        grad_norm, weight_norm = length(gradient), length(weight)
    limit = ratio * weight_norm.clamp(min=SMALLEST_WEIGHT_NORM)
    gradient.mul_((limit / grad_norm.clamp(min=EPS)).clamp(max=1.0))


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
