"""The MLP of a block: gated by an activation, or plain.

    gated   down(f(gate(x)) * up(x))      swiglu: f = SiLU; geglu: f = GELU
    plain   down(f(up(x)))                gelu; relu; relu2: f(x) = max(x, 0)^2

A gated MLP has three matrices instead of two, so at equal parameters its width is 2/3 of a plain one's:
`intermediate_size` is the gated width, and a plain MLP is made 3/2 as wide.

Source: Shazeer 2020 (GLU variants improve Transformer); squared ReLU: So et al. 2021 (Primer), section 3.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from smollab.model.config import ModelConfig


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)^2."""
    return F.relu(x).square()


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "swiglu": F.silu,
    "geglu": F.gelu,
    "gelu": F.gelu,
    "relu": F.relu,
    "relu2": squared_relu,
}
"""The nonlinearity of each MLP, by the recipe's name."""


class GatedMLP(nn.Module):
    """down(f(gate(x)) * up(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.mlp_width, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.mlp_width, bias=False)
        self.down_proj = nn.Linear(config.mlp_width, config.hidden_size, bias=False)
        self.activation = ACTIVATIONS[config.mlp]

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., hidden_size) to the same shape."""
        return self.down_proj(self.activation(self.gate_proj(x)) * self.up_proj(x))


class PlainMLP(nn.Module):
    """down(f(up(x)))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.hidden_size, config.mlp_width, bias=False)
        self.down_proj = nn.Linear(config.mlp_width, config.hidden_size, bias=False)
        self.activation = ACTIVATIONS[config.mlp]

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., hidden_size) to the same shape."""
        return self.down_proj(self.activation(self.up_proj(x)))


MLPS: dict[str, type[GatedMLP] | type[PlainMLP]] = {
    "swiglu": GatedMLP,
    "geglu": GatedMLP,
    "gelu": PlainMLP,
    "relu": PlainMLP,
    "relu2": PlainMLP,
}
"""By the recipe's name."""
