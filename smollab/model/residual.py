"""Where a block normalizes: before a sublayer, or after its sum with the residual stream.

Pre-norm leaves an unbroken path of additions from the last layer to the embedding; post-norm rescales that path in
every layer, and deep post-norm models need a careful warmup.

Source: Vaswani et al. 2017, section 3.1 (post); Xiong et al. 2020 (why pre-norm trains without warmup).
"""

from collections.abc import Callable

import torch
from torch import Tensor

Sublayer = Callable[[Tensor], Tensor]


def pre_norm(x: Tensor, sublayer: Sublayer, norm: Sublayer, multiplier: float = 1.0) -> Tensor:
    """x + multiplier * sublayer(norm(x))."""
    return torch.add(x, sublayer(norm(x)), alpha=multiplier)


def post_norm(x: Tensor, sublayer: Sublayer, norm: Sublayer, multiplier: float = 1.0) -> Tensor:
    """norm(x + multiplier * sublayer(x))."""
    return norm(torch.add(x, sublayer(x), alpha=multiplier))


NORM_PLACEMENTS: dict[str, Callable[[Tensor, Sublayer, Sublayer, float], Tensor]] = {"pre": pre_norm, "post": post_norm}
"""By the recipe's name. Both keep the model's final norm, so that their parameters are the same."""
