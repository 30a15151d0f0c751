"""How initial weights, learning rates and a few factors depend on the width and the depth of a model.

In the standard parametrization a wider model learns *too much* from one step: every matrix inside the blocks adds up
more channels, all of which an Adam step moves in the same direction, so that the best rate falls as 1 / width. The
maximal update parametrization (muP) keeps the change of every activation in one step the same at any width, as large as
it can be in every layer; then the rate that is best for a narrow model is best for a wide one.

    m = hidden_size / base_hidden_size          l = num_hidden_layers / base_num_hidden_layers

                                             mup                    completep, beside that
    matrices in the blocks    deviation      1 / sqrt(m)
                              rate, AdamW    1 / m                  * l^(alpha - 1)
                              rate, Muon     1 / sqrt(m)            * l^(alpha - 1)
                              decay          1 / rate's in m
    norms in the blocks       rate           1                      * l^(alpha - 1)
    embedding, unembedding    rate, dev.     1
    AdamW's epsilon                          1                      / m; in the blocks / (m l^alpha)
    hidden states before the unembedding     * 1 / m
    queries                                  * sqrt(base_head_dim / head_dim)
    output of every sublayer                 * 1                    * l^-alpha

All are factors of what the recipe says, and are one at the base size. An embedding and an unembedding have one side
that grows with the width; the factor 1 / m before the unembedding does what its rate and its deviation would have to,
and that is why both can be one matrix. Queries: attention's scale is 1 / head_dim instead of 1 / sqrt(head_dim), for
trained queries and keys are not independent. Muon's step here has the root mean square of Adam's (`optim/muon.py`), and
with it a spectral norm that grows as sqrt(m); the spectral condition wants it constant.

Source: Yang et al. 2022 (Tensor Programs V), table 8, and its package `mup`; the spectral condition: Yang, Simon and
Bernstein 2023; CompleteP: Dey et al. 2025, table 1. SmolLM3 itself was trained in the standard parametrization.
"""

from dataclasses import dataclass
from typing import Literal

from smollab.model.config import ModelConfig

Part = Literal["embedding", "matrix", "norm", "final_norm"]
"""Of a model: embedding and unembedding; matrices of the blocks; their norms and biases; the last norm."""
Update = Literal["entrywise", "orthogonal"]
"""What a step of an optimizer looks like: every entry moves by about the rate (AdamW), or all singular values do (Muon,
scaled to the root mean square of AdamW's steps)."""


@dataclass(frozen=True)
class Multipliers:
    """Factors in the forward pass; all are one in the standard parametrization."""

    embedding: float
    """Of embedded tokens."""
    query: float
    """Of queries, after their norm if they have one."""
    residual: float
    """Of what a sublayer adds to the residual stream."""
    hidden: float
    """Of hidden states, after the final norm."""


def part_of(name: str) -> Part:
    """Which part of the model a parameter belongs to, by its name."""
    if "embed_tokens" in name or "lm_head" in name:
        return "embedding"
    if name.endswith("_proj.weight"):
        return "matrix"
    return "final_norm" if name.rpartition(".")[0] == "norm" else "norm"


def multipliers(config: ModelConfig) -> Multipliers:
    """The factors of a model's forward pass."""
    query, residual = 1.0, 1.0
    if config.parametrization != "standard" and config.base_head_dim is not None:
        query = (config.base_head_dim / config.head_width) ** 0.5
    if config.parametrization == "completep":
        residual = depth_ratio(config) ** -config.depth_alpha
    return Multipliers(config.embedding_multiplier, query, residual, config.output_multiplier / width_ratio(config))


def deviation_factor(config: ModelConfig, name: str) -> float:
    """Of a parameter's standard deviation at the start."""
    return width_ratio(config) ** -0.5 if part_of(name) == "matrix" else 1.0


def learning_rate_factor(config: ModelConfig, part: Part, update: Update) -> float:
    """Of the recipe's peak rate."""
    depth = 1.0
    if config.parametrization == "completep" and part in ("matrix", "norm"):
        depth = depth_ratio(config) ** (config.depth_alpha - 1)
    return depth * (_rate_in_width(config, update) if part == "matrix" else 1.0)


def weight_decay_factor(config: ModelConfig, part: Part, update: Update) -> float:
    """Of the recipe's weight decay, which the rate is multiplied by: it undoes the rate's factor in the width."""
    return 1 / _rate_in_width(config, update) if part == "matrix" else 1.0


def epsilon_factor(config: ModelConfig, part: Part) -> float:
    """Of AdamW's epsilon: CompleteP lets it shrink as gradients do, so that it stays as small beside them."""
    if config.parametrization != "completep":
        return 1.0
    in_blocks = depth_ratio(config) ** -config.depth_alpha if part in ("matrix", "norm") else 1.0
    return in_blocks / width_ratio(config)


def width_ratio(config: ModelConfig) -> float:
    """How many times wider than the base; 1 in the standard parametrization."""
    return config.hidden_size / config.base_hidden_size if config.base_hidden_size else 1.0


def depth_ratio(config: ModelConfig) -> float:
    """How many times deeper than the base; 1 without one."""
    return config.num_hidden_layers / config.base_num_hidden_layers if config.base_num_hidden_layers else 1.0


def _rate_in_width(config: ModelConfig, update: Update) -> float:
    return width_ratio(config) ** {"entrywise": -1.0, "orthogonal": -0.5}[update]
