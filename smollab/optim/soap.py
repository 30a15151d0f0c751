"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner.

Shampoo keeps running means of G G^T and G^T G. Their eigenvectors turn a matrix's gradient into a basis in which its
entries are less correlated; there Adam's division by each entry's size is a better preconditioner. The eigenbases are
renewed every few steps. The first step is spent on them and moves nothing. By pytorch_optimizer.

Needs whole matrices, so it is refused where weights are spread over ranks.

Source: Vyas et al. 2024, algorithm 3.
"""

from collections.abc import Sequence
from typing import Any

import torch

from smollab.optim.libraries import library
from smollab.recipe import Optimizer


def soap(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """SOAP for the matrices of the blocks."""
    result: torch.optim.Optimizer = library("pytorch_optimizer", "soap").SOAP(
        list(groups), betas=settings.betas, eps=settings.eps, precondition_frequency=settings.curvature_every
    )
    return [result]
