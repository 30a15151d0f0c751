"""Muon: momentum, orthogonalized.

    B <- mu B + (1 - mu) G                      momentum of the gradient
    U <- (1 - mu) G + mu B                      Nesterov; without it: U <- B
    X <- newton_schulz(U)  ~  U V^T             all singular values brought near one
    W <- W (1 - lr wd) - lr scale(shape) X

Muon computes no Hessian. Among all updates of the same spectral norm, U V^T lowers the linearized loss the most
(steepest descent under the spectral norm; Bernstein and Newhouse 2024): it bounds how far a layer's *output* can
move, where Adam bounds how far each *entry* can. Three scales:

    match_rms_adamw   0.2 sqrt(max(rows, columns))    the update's root mean square is a typical AdamW update's, so
                                                      that both can share a learning rate (Liu et al. 2025, Moonlight)
    original          sqrt(max(1, rows / columns))    Jordan et al. 2024; rates are about ten times AdamW's
    spectral          sqrt(rows / columns)            the update's norm as a map between root mean squares is one,
                                                      whatever the width (Bernstein and Newhouse 2024)

Source: Jordan et al. 2024. `torch.optim.Muon` is the same rule; ours runs Newton-Schulz once for all matrices of one
shape, and in float32 where bfloat16 would be emulated.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from smollab.optim.newton_schulz import Orthogonalization, orthogonalize
from smollab.optim.sharded import orthogonalize_sharded, slice_like
from smollab.recipe import Optimizer

Scale = Literal["match_rms_adamw", "original", "spectral"]

SCALES: dict[Scale, Callable[[int, int], float]] = {
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
    "spectral": lambda rows, columns: math.sqrt(rows / columns),
}
"""What an orthogonal update of a matrix (rows, columns) is multiplied by."""


class Muon(torch.optim.Optimizer):
    """Muon for the matrices inside the blocks.

    Args:
        params: 2-D parameters, or groups of them.
        lr: learning rate, on AdamW's scale with `match_rms_adamw`.
        momentum: mu.
        weight_decay: decoupled, times the learning rate.
        newton_schulz_steps: iterations.
        nesterov: look ahead by one gradient.
        scale: of the update, by the matrix's shape.
        orthogonalization: coefficients of the iterations.
        precision: of the iterations; `auto`: bfloat16 on accelerators and float32 on CPUs, most of which emulate it.

    Raises:
        ValueError: a parameter that is not a matrix, or a setting outside its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        newton_schulz_steps: int = 5,
        nesterov: bool = True,
        scale: Scale = "match_rms_adamw",
        orthogonalization: Orthogonalization = "quintic",
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": newton_schulz_steps}
        super().__init__(params, defaults)
        self.nesterov, self.scale, self.method, self.precision = nesterov, SCALES[scale], orthogonalization, precision
        for group in self.param_groups:
            if group["lr"] < 0 or group["weight_decay"] < 0 or not 0 <= group["momentum"] < 1 or group["steps"] < 1:
                raise ValueError(
                    f"Muon: learning rate ({group['lr']}) and weight decay ({group['weight_decay']}) must be at least "
                    f"0, momentum ({group['momentum']}) at least 0 and below 1, steps ({group['steps']}) at least 1"
                )
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    raise ValueError(
                        f"Muon orthogonalizes matrices; a parameter of shape {tuple(parameter.shape)} belongs in AdamW"
                    )

    def __getstate__(self) -> dict[str, Any]:
        """For copies: torch's keep only groups and state."""
        return super().__getstate__() | {name: getattr(self, name) for name in self._settings}

    _settings: tuple[str, ...] = ("nesterov", "scale", "method", "precision")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            alike: dict[Any, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape, getattr(parameter, "placements", None)].append(parameter)
            for parameters in alike.values():
                self._update(parameters, group)

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Update parameters of one shape and placement together: one batched Newton-Schulz instead of many."""
        momentum = group["momentum"]
        updates = []
        for parameter in parameters:
            gradient = parameter.grad
            assert gradient is not None  # `step` left out those without
            state = self.state[parameter]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            buffer = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
            updates.append(gradient.lerp(buffer, momentum) if self.nesterov else buffer)
        half = self.precision == "bfloat16" or (self.precision == "auto" and parameters[0].is_cuda)
        dtype = torch.bfloat16 if half else torch.float32
        bring_to_one = partial(orthogonalize, steps=group["steps"], method=self.method)
        if isinstance(updates[0], DTensor):
            directions = orthogonalize_sharded(updates, bring_to_one, dtype)
        else:
            directions = bring_to_one(torch.stack(updates).to(dtype))
        directions = self._normalize(directions.to(parameters[0].dtype), parameters)
        scale = self.scale(*parameters[0].shape)
        for parameter, direction in zip(parameters, directions, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(slice_like(direction, parameter), alpha=-group["lr"] * scale)

    def _normalize(self, directions: Tensor, parameters: list[Tensor]) -> Tensor:
        """A place for variants to change the orthogonal updates (count, rows, columns), which are whole here."""
        return directions


def muon_settings(settings: Optimizer) -> dict[str, Any]:
    """What a recipe says about Muon."""
    return {
        "momentum": settings.momentum,
        "newton_schulz_steps": settings.newton_schulz_steps,
        "nesterov": settings.nesterov,
        "scale": settings.update_scale,
        "orthogonalization": settings.orthogonalization,
        "precision": settings.orthogonalization_precision,
    }


def muon(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks."""
    return [Muon(list(groups), **muon_settings(settings))]
