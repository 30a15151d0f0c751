"""Newton-Schulz, one iteration at a time, on the momentum of a matrix that was really trained."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from smollab.lab.panels.panel import Panel, int_slider
from smollab.optim.newton_schulz import newton_schulz
from smollab.plots.optimization import plot_singular_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NewtonSchulzPanel(Panel):
    """The singular values of an update as the number of iterations grows.

    Args:
        momentum: a matrix.
        name: of the parameter it belongs to.
    """

    def __init__(self, momentum: Tensor, name: str) -> None:
        self.momentum, self.name = momentum.float(), name
        self._before = torch.linalg.svdvals(self.momentum) / torch.linalg.matrix_norm(self.momentum)
        self.steps = int_slider("Newton-Schulz steps", 5, 0, 10, live=False)
        super().__init__(self.steps)

    def compute(self) -> "tuple[Figure, str]":
        """Iterate, and compare the singular values."""
        steps = self.steps.value
        after = torch.linalg.svdvals(newton_schulz(self.momentum, steps))
        share = float(((after > 0.5) & (after < 1.5)).float().mean())
        return plot_singular_values(self._before.tolist(), after.tolist(), steps), (
            f"{self.name}: singular values from {self._before.min():.1e} to {self._before.max():.2f} times the "
            f"Frobenius norm; after {steps} steps from {after.min():.2f} to {after.max():.2f}. "
            f"{share:.0%} lie between 0.5 and 1.5."
        )
