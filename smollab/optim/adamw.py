"""AdamW: each entry's running mean of gradients over the root of its running mean square.

    m <- b1 m + (1 - b1) g,    v <- b2 v + (1 - b2) g^2,    both divided by what they lack at first (1 - b^t)
    w <- w (1 - lr wd) - lr m / (sqrt(v) + eps)

PyTorch's own, fused: one pass over the memory of all parameters.

Source: Loshchilov and Hutter 2019; the defaults of language models (0.9, 0.95): GPT-3 (Brown et al. 2020, appendix B).
"""

from collections.abc import Sequence
from typing import Any

import torch

from smollab.recipe import Optimizer


def adamw(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """AdamW for some groups; none for no groups."""
    return [torch.optim.AdamW(list(groups), betas=settings.betas, eps=settings.eps, fused=True)] if groups else []
