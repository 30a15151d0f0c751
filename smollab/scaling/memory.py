"""Bytes of a model: what training keeps for the backward pass, what the optimizer holds, what the cache holds.

Every number follows from the shapes; `tests/scaling/test_memory.py` holds them against what autograd saves, what the
optimizers allocate, and what a cache has.
"""

from smollab.model.config import ModelConfig
from smollab.scaling.parameters import Parameters

FLOAT32 = 4
"""Bytes of a number."""


def kv_cache_bytes(config: ModelConfig, tokens: int, bytes_per_number: float = 2, rows: int = 1) -> float:
    """A cache of so many tokens a row: a key and a value of every layer and key-value head."""
    per_token = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_width
    return per_token * tokens * rows * bytes_per_number


def layer_activation_bytes(config: ModelConfig, bytes_per_number: int = FLOAT32) -> int:
    """What one block keeps of each token for the backward pass.

    The residual stream before each norm and the norm's output; rotated queries, keys, values, and attention's output;
    in the MLP what its activation and its products need. Softmax is not kept: fused attention computes it again from
    one number a head. Exact for training in float32 on a CPU (`FLOAT32`), one document a row or documents of equal
    length; documents of unequal lengths keep attention's output twice, and sliding windows their masks too. In
    bfloat16 the statistics stay in float32.
    """
    heads, keys, width = config.num_attention_heads, config.num_key_value_heads, config.head_width
    mlp = {"swiglu": 4, "geglu": 4, "gelu": 2, "relu": 1, "relu2": 2}[config.mlp] * config.mlp_width
    numbers = 4 * config.hidden_size + (2 * heads + 2 * keys) * width + mlp
    # Of each norm what it divided by (LayerNorm: the mean too; BatchNorm: of channels, not of tokens).
    statistics = {"rmsnorm": 1, "layernorm": 2, "batchnorm": 0}[config.norm] * 2
    statistics += heads  # the logarithm of softmax's sum
    if config.qk_norm:
        numbers += (heads + keys) * width
        statistics += heads + keys
    return numbers * bytes_per_number + statistics * FLOAT32


def shared_activation_bytes(config: ModelConfig, bytes_per_number: int = FLOAT32) -> int:
    """What is kept of each token outside the blocks: its id, the angles of RoPE, and the final norm's input."""
    angles = config.head_width if any(map(config.uses_rope, range(config.num_hidden_layers))) else 0
    statistics = {"rmsnorm": 1, "layernorm": 2, "batchnorm": 0}[config.norm]
    return 8 + (angles + statistics) * FLOAT32 + config.hidden_size * bytes_per_number


def activation_bytes(
    config: ModelConfig,
    tokens: int,
    bytes_per_number: int = FLOAT32,
    recompute: bool = False,
    layers: int | None = None,
) -> int:
    """What is kept of a micro-batch for the backward pass.

    Args:
        config: of the model.
        tokens: of the micro-batch.
        bytes_per_number: of the type that is computed in.
        recompute: activation checkpointing: each block keeps its input alone and computes the rest again, so that only
            one block's activations exist at a time.
        layers: blocks on this rank; left out: all.
    """
    layers = config.num_hidden_layers if layers is None else layers
    block = layer_activation_bytes(config, bytes_per_number)
    blocks = layers * config.hidden_size * bytes_per_number + block if recompute else layers * block
    return tokens * (blocks + shared_activation_bytes(config, bytes_per_number))


def optimizer_bytes(parameters: Parameters, optimizer: str) -> int:
    """State in float32: AdamW keeps two moments of every number, Muon one momentum of the blocks' matrices."""
    if optimizer == "adamw":
        return 2 * FLOAT32 * parameters.total
    return FLOAT32 * parameters.matrices + 2 * FLOAT32 * (parameters.total - parameters.matrices)
