"""Sophia: momentum over an estimate of the Hessian's diagonal, clipped.

    m <- b1 m + (1 - b1) g
    h <- b2 h + (1 - b2) h_estimate                 every few steps
    w <- w (1 - lr wd) - lr clip(m / max(gamma h, eps), 1)

The estimate is measured, not derived from gradients of the loss: draw a next token for every position from the
model's *own* prediction, take the gradient g of the mean loss against these, and tokens * g^2 is an unbiased estimate
of the diagonal of the Gauss-Newton matrix: the Hessian without the curvature of the network itself. It costs one more
backward pass and two more forward passes every `curvature_every` steps. This is what Muon does not do: it looks at no
curvature at all.

pytorch_optimizer's `SophiaH` has the same update, but only the paper's other estimate, which needs second derivatives.
Drawing from the model's prediction needs its whole vocabulary in one process, so Sophia is refused where a model is
spread over several.

Source: Liu et al. 2023 (Sophia), algorithms 2 and 3.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from smollab.batch import IGNORE_INDEX
from smollab.model.softcap import softcap
from smollab.recipe import Optimizer

GAMMA = 0.01
"""How far the Hessian is scaled down before it divides; the paper's for its smallest models (section 3.1)."""
EPS = 1e-12


class Sophia(torch.optim.Optimizer):
    """Sophia with the Gauss-Newton estimate.

    Args:
        params: parameters, or groups of them.
        lr: learning rate; no entry moves by more.
        betas: decay rates of momentum and of the Hessian.
        weight_decay: decoupled, times the learning rate.
        every: steps between estimates.

    Raises:
        ValueError: a setting outside its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.96, 0.99),
        weight_decay: float = 0.1,
        every: int = 10,
    ) -> None:
        if lr < 0 or weight_decay < 0 or every < 1 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Sophia: lr ({lr}), weight_decay ({weight_decay}), betas {betas} or every ({every})")
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})
        self.every = every

    @property
    def steps_done(self) -> int:
        """Steps taken so far."""
        counts = [int(state["step"]) for state in self.state.values()]
        return max(counts, default=0)

    @property
    def is_due(self) -> bool:
        """Whether the next step needs a new estimate."""
        return self.steps_done % self.every == 0

    @torch.no_grad()
    def take_curvature(self, num_tokens: int) -> None:
        """Take the gradients, now those against drawn tokens, into the estimate; then forget them.

        Args:
            num_tokens: over which the loss was a mean.
        """
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    estimate = num_tokens * parameter.grad.square()
                    self._state(parameter)["hessian"].lerp_(estimate, 1 - group["betas"][1])
        self.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self._state(parameter)
                state["step"] += 1
                momentum = state["momentum"].lerp_(parameter.grad, 1 - group["betas"][0])
                update = (momentum / (GAMMA * state["hessian"]).clamp_(min=EPS)).clamp_(-1, 1)
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"])

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["momentum"], state["hessian"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state


def sophia(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """Sophia for all parameters."""
    return [Sophia(list(groups), betas=settings.betas, every=settings.curvature_every)]


@torch.no_grad()
def draw_targets(
    hidden: Tensor,
    unembedding: Tensor,
    targets: Tensor,
    generator: torch.Generator,
    chunk_tokens: int = 1024,
    logit_softcap: float | None = None,
) -> Tensor:
    """A next token for every position that has a target, drawn from the model's prediction.

    Args:
        hidden: (..., hidden) states that the unembedding takes.
        unembedding: (vocab_size, hidden).
        targets: (...) next tokens; `IGNORE_INDEX` where there is none.
        generator: of the draws.
        chunk_tokens: tokens whose logits exist at one time.
        logit_softcap: of the model; None: not capped.
    """
    states, drawn = hidden.reshape(-1, hidden.shape[-1]), torch.full_like(targets.flatten(), IGNORE_INDEX)
    for start in range(0, len(drawn), chunk_tokens):
        chunk = slice(start, start + chunk_tokens)
        logits = softcap((states[chunk] @ unembedding.T).float(), logit_softcap)
        drawn[chunk] = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator).squeeze(1)
    return torch.where(targets == IGNORE_INDEX, targets, drawn.view_as(targets))


def estimate_curvature(optimizers: Sequence[torch.optim.Optimizer], gradients: Callable[[int], int]) -> None:
    """Give those optimizers that are due an estimate; for others nothing is computed.

    Args:
        optimizers: of the run.
        gradients: leaves in the parameters the gradients against tokens drawn with a seed; returns how many.
    """
    for optimizer in optimizers:
        if isinstance(optimizer, Sophia) and optimizer.is_due:
            optimizer.take_curvature(gradients(optimizer.steps_done))
