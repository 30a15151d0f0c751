"""Where a block normalizes: before a sublayer, or after its sum with the residual stream.

Pre-norm leaves an unbroken path of additions from the last layer to the embedding; post-norm rescales that path in
every layer, and deep post-norm models need a careful warmup.

Source: Vaswani et al. 2017, section 3.1 (post); Xiong et al. 2020 (why pre-norm trains without warmup).
"""

from collections.abc import Callable

from torch import Tensor

Sublayer = Callable[[Tensor], Tensor]


def pre_norm(x: Tensor, sublayer: Sublayer, norm: Sublayer) -> Tensor:
    """x + sublayer(norm(x))."""
    return x + sublayer(norm(x))


def post_norm(x: Tensor, sublayer: Sublayer, norm: Sublayer) -> Tensor:
    """norm(x + sublayer(x))."""
    return norm(x + sublayer(x))


NORM_PLACEMENTS: dict[str, Callable[[Tensor, Sublayer, Sublayer], Tensor]] = {"pre": pre_norm, "post": post_norm}
"""By the recipe's name. Both keep the model's final norm, so that their parameters are the same."""
