"""NorMuon: Muon whose rows are brought to one size.

An orthogonal update has all singular values near one, but its rows, each the update of one neuron, still differ in
length. NorMuon divides each row by the root of its running mean square, as Adam does each entry, and scales the whole
back to the length it had:

    v <- beta2 v + (1 - beta2) mean over columns of X^2
    X' = X / sqrt(v),  then  X' <- X' |X| / |X'|

The state is one number per row.

Source: Li et al. 2025 (NorMuon), algorithm 1; the order of operations is that of Dion's implementation.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from smollab.optim.muon import Muon, muon_settings
from smollab.recipe import Optimizer

SMALL = 1e-8
"""Added to the root, so that a row without any update stays finite."""


class NorMuon(Muon):
    """Muon with rows normalized by their second moment.

    Args:
        params: 2-D parameters, or groups of them.
        second_momentum: beta2.
        settings: Muon's.
    """

    _settings = (*Muon._settings, "second_momentum")

    def __init__(self, params: Any, second_momentum: float = 0.95, **settings: Any) -> None:
        super().__init__(params, **settings)
        self.second_momentum = second_momentum

    def _normalize(self, directions: Tensor, parameters: list[Tensor]) -> Tensor:
        mean_squares = directions.square().mean(dim=2, keepdim=True)
        moments = []
        for parameter, mean_square in zip(parameters, mean_squares, strict=True):
            state = self.state[parameter]
            if "row_moment" not in state:
                state["row_moment"] = torch.zeros_like(mean_square)
            moments.append(state["row_moment"].lerp_(mean_square, 1 - self.second_momentum))
        normalized = directions / (torch.stack(moments).sqrt() + SMALL)
        length = lambda matrices: torch.linalg.matrix_norm(matrices, keepdim=True)
        return normalized * (length(directions) / length(normalized).clamp(min=SMALL))


def normuon(groups: Sequence[dict[str, Any]], settings: Optimizer) -> list[torch.optim.Optimizer]:
    """NorMuon for the matrices of the blocks."""
    return [NorMuon(list(groups), settings.second_momentum, **muon_settings(settings))]
