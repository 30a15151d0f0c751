"""Muon: momentum, orthogonalized.

    B <- mu B + (1 - mu) G                      momentum of the gradient
    U <- (1 - mu) G + mu B                      Nesterov
    X <- newton_schulz(U)  ~  U V^T             all singular values brought near one
    W <- W (1 - lr wd) - lr 0.2 sqrt(max(rows, columns)) X

Muon computes no Hessian. Among all updates of the same spectral norm, U V^T lowers the linearized loss the most
(steepest descent under the spectral norm; Bernstein and Newhouse 2024): it bounds how far a layer's *output* can
move, where Adam bounds how far each *entry* can. The factor 0.2 sqrt(max(rows, columns)) gives the update the
root mean square of a typical AdamW update, so that both can share a learning rate (Liu et al. 2025, Moonlight).

Source: Jordan et al. 2024. `torch.optim.Muon(adjust_lr_fn="match_rms_adamw")` is the same rule; ours runs
Newton-Schulz once for all matrices of one shape, and in float32 where bfloat16 would be emulated.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from smollab.optim.newton_schulz import newton_schulz
from smollab.optim.sharded import orthogonalize_sharded


class Muon(torch.optim.Optimizer):
    """Muon for the matrices inside the blocks.

    Args:
        params: 2-D parameters, or groups of them.
        lr: learning rate, on AdamW's scale.
        momentum: mu.
        weight_decay: decoupled, times the learning rate.
        newton_schulz_steps: iterations.

    Raises:
        ValueError: a parameter that is not a matrix.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        newton_schulz_steps: int = 5,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": newton_schulz_steps}
        super().__init__(params, defaults)
        for parameter in (p for group in self.param_groups for p in group["params"]):
            if parameter.ndim != 2:
                raise ValueError(
                    f"Muon orthogonalizes matrices; a parameter of shape {tuple(parameter.shape)} belongs in AdamW"
                )

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
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            buffer = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
            updates.append(gradient.lerp(buffer, momentum))
        # bfloat16 is what accelerators are fast at; many CPUs only emulate it, an order of magnitude slower.
        dtype = torch.bfloat16 if parameters[0].is_cuda else torch.float32
        if isinstance(updates[0], DTensor):
            orthogonal: Sequence[Tensor] = orthogonalize_sharded(updates, group["steps"], dtype)
        else:
            orthogonal = newton_schulz(torch.stack(updates).to(dtype), group["steps"]).unbind()
        scale = 0.2 * math.sqrt(max(parameters[0].shape))
        for parameter, direction in zip(parameters, orthogonal, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(direction.to(parameter.dtype), alpha=-group["lr"] * scale)
