"""Lion: the sign of a momentum.

    u = sign(b1 m + (1 - b1) g),    w <- w (1 - lr wd) - lr u,    m <- b2 m + (1 - b2) g

Every entry moves by exactly the learning rate, so rates are 3 to 10 times smaller than AdamW's and weight decays as
many times larger. Half of AdamW's state. By pytorch_optimizer.

Source: Chen et al. 2023, algorithm 2 and section 5.
"""

from collections.abc import Sequence
from typing import Any

import torch

from smollab.optim.libraries import library
from smollab.recipe import Optimizer


def lion(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """Lion for all parameters."""
    result: torch.optim.Optimizer = library("pytorch_optimizer", "lion").Lion(list(groups), betas=settings.betas)
    return [result]
