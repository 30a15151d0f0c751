"""SwiGLU: a gated MLP, down(silu(gate(x)) * up(x)).

Source: Shazeer 2020 (GLU variants improve Transformer). With three matrices instead of two its width is 2/3 of
the usual 4 * hidden_size for the same number of parameters.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from smollab.model.config import ModelConfig


class SwiGLU(nn.Module):
    """The MLP of a block."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., hidden_size) to the same shape."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
