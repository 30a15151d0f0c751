"""MuonClip: Muon, and no logit of attention beyond a threshold (QK-clip).

Muon's updates are of full rank, and some heads' queries and keys grow until one logit is so large that the softmax
sees only it. QK-clip leaves the forward pass alone and shrinks what makes the logits. After each step, with S_h the
largest logit of head h in the step just done and tau the threshold:

    gamma_h = min(1, tau / S_h)
    W_q of the head <- gamma_h^(1/2) W_q,    W_k of the head <- gamma_h^(1/2) W_k

so that the same batch would now give exactly min(S_h, tau). Biases of both projections shrink alike. Rotation does not
change lengths, so layers with and without rotary embedding are treated alike.

Where query heads share a key head (GQA) there are as many factors as query heads and fewer keys:

    exact   keys by the smallest of their heads' sqrt(gamma), each query head by what it then lacks, gamma_h over that.
            Every head's largest logit becomes min(S_h, tau), and logits of heads that were below do not change.
    group   queries and keys of the whole group by the smallest sqrt(gamma) (Megatron-LM): calm heads shrink too

A logit that is negative or zero is below any threshold: gamma is 1. With QK-norm the scale of W_q and W_k does not
reach the logits at all, so such a model is refused.

Source: Kimi K2 (Moonshot AI 2025), section 2.1 and appendix D, where queries and keys come from multi-head latent
attention; Megatron-LM's `qk_clip.py` for groups. The exact mode is ours.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from smollab.model.attention import Attention
from smollab.optim.attention_logits import AttentionLogits
from smollab.optim.muon import Muon, muon_settings
from smollab.optim.sharded import slice_like
from smollab.recipe import Optimizer

Groups = Literal["exact", "group"]


class MuonClip(Muon):
    """Muon that clips the queries and keys of a model after its step; it must be the last optimizer to step.

    Args:
        params: 2-D parameters, or groups of them.
        model: whose attentions are watched, and clipped.
        threshold: tau.
        groups: how heads that share keys are treated.
        settings: Muon's.

    Raises:
        ValueError: the model normalizes queries and keys, or the threshold is not positive.
    """

    def __init__(
        self, params: Any, model: nn.Module, threshold: float = 100.0, groups: Groups = "exact", **settings: Any
    ) -> None:
        super().__init__(params, **settings)
        config: Any = model.config
        if config.qk_norm:
            raise ValueError(
                "model.qk_norm = true: with normalized queries and keys, scaling their matrices does not change the "
                "logits, so QK-clip has nothing to hold on to; use optimizer.name = 'muon', or qk_norm = false"
            )
        if threshold <= 0:
            raise ValueError(f"optimizer.logit_threshold ({threshold}) must be above 0")
        self.threshold, self.groups = threshold, groups
        self.logits = AttentionLogits(model)
        """What is measured; the monitor reads `largest` of the step just done."""
        self.largest = torch.empty(0)
        self._key_heads: int = config.num_key_value_heads
        self._attentions = [module for module in model.modules() if isinstance(module, Attention)]

    def measure(self) -> Tensor:
        """(num_hidden_layers, num_attention_heads) largest logits of the step's forward passes; all ranks call this."""
        self.largest = self.logits.take()
        return self.largest

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update, then clip by the largest logits of the forward passes since the last step.

        Raises:
            ValueError: a logit is not finite.
        """
        super().step()
        largest = self.measure() if not self.largest.numel() else self.largest
        self.largest = torch.empty(0)
        seen = largest[[attention.layer for attention in self._attentions]]
        if not torch.isfinite(seen).all():
            raise ValueError("MuonClip: a logit of attention is not finite, or no forward pass came before this step")
        for attention in self._attentions:
            query, key = clip_factors(largest[attention.layer], self.threshold, self._key_heads, self.groups)
            if (key < 1).any():
                _scale_rows(attention.q_proj, query)
                _scale_rows(attention.k_proj, key)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, and the logits, of a step whether it was taken or left out."""
        super().zero_grad(set_to_none)
        self.logits.forget()
        self.largest = torch.empty(0)


def clip_factors(largest: Tensor, threshold: float, key_heads: int, groups: Groups) -> tuple[Tensor, Tensor]:
    """What the query heads (num_attention_heads,) and the key heads (num_key_value_heads,) are multiplied by.

    Args:
        largest: logit of each query head; heads that share keys are neighbors.
        threshold: no logit shall be above it.
        key_heads: their number.
        groups: how heads that share keys are treated.
    """
    gamma = torch.where(largest > threshold, threshold / largest, 1.0)  # above 0, also where the largest is below 0
    shared = gamma.view(key_heads, -1)
    key = shared.amin(dim=1).sqrt()
    query = key[:, None].expand_as(shared) if groups == "group" else shared / key[:, None]
    return query.flatten(), key


def _scale_rows(projection: nn.Linear, factors: Tensor) -> None:
    """Multiply each head's rows of a projection, and of its bias."""
    for parameter in (projection.weight, projection.bias):
        if parameter is not None:
            rows = factors.to(parameter.dtype).repeat_interleave(parameter.shape[0] // len(factors))
            whole = rows if parameter.ndim == 1 else rows[:, None].expand(parameter.shape)
            parameter.mul_(slice_like(whole.contiguous(), parameter))


def muonclip(groups: Sequence[dict[str, Any]], settings: Optimizer, model: nn.Module) -> list[torch.optim.Optimizer]:
    """MuonClip for the matrices of the blocks."""
    clip = {"threshold": settings.logit_threshold, "groups": settings.logit_groups}
    return [MuonClip(list(groups), model, **clip, **muon_settings(settings))]  # type: ignore[arg-type]
