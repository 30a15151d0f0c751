"""The accountant: parameters, floating-point operations and memory of a recipe, before anything runs.

Every number follows from the shapes; `tests/scaling/test_accountant.py` holds the parameters against the real
model exactly and the operations against torch's own counter.
"""

from dataclasses import dataclass

from smollab.model.config import ModelConfig
from smollab.recipe import Recipe

MIXED_PRECISION = {"bfloat16 weight": 2, "float32 gradient": 4, "float32 master weight": 4, "AdamW moments": 8}
"""Bytes per parameter on a cluster: float32 gradient accumulation, as nanotron trained SmolLM3."""
SINGLE_PRECISION = {"float32 weight": 4, "float32 gradient": 4, "AdamW moments": 8}
"""Bytes per parameter in one process; with Muon's single momentum a matrix needs 4 less."""


@dataclass(frozen=True)
class Cost:
    """What a run needs."""

    parameters: int
    """Learned numbers; tied matrices count once."""
    embedding_parameters: int
    """Of these, in the embedding (and unembedding)."""
    tokens: int
    """Training tokens."""
    steps: int
    """Optimizer steps."""
    flops_per_token: float
    """Forward and backward, attention over the causal half included."""
    total_flops: float
    """Of the whole run."""
    devices: int
    """Accelerators, or 1."""
    state_bytes_per_device: int
    """Weights, gradients and optimizer state."""
    activation_bytes_per_device: int
    """Saved for the backward pass of one micro-batch, without recomputation; an estimate from the shapes."""
    logit_bytes_per_device: int
    """Largest block of logits that exists at one time."""


def count_parameters(config: ModelConfig) -> int:
    """Learned numbers of a model; tied matrices count once."""
    embeddings = config.vocab_size * config.hidden_size * (1 if config.tie_word_embeddings else 2)
    norms = config.hidden_size * (2 * config.num_hidden_layers + 1)
    return embeddings + norms + config.num_hidden_layers * _matrix_parameters_per_layer(config)


def flops_per_token(config: ModelConfig, sequence_length: int) -> float:
    """Floating-point operations to train on one token: forward once, backward twice that.

    A matrix costs two operations per parameter (multiply, add). Attention multiplies each query with half of
    the sequence's keys on average, and the scores with as many values.
    """
    matrices = config.num_hidden_layers * _matrix_parameters_per_layer(config)
    unembedding = config.vocab_size * config.hidden_size
    attention_width = config.num_attention_heads * config.head_width
    attention = config.num_hidden_layers * 2 * attention_width * (sequence_length / 2)
    return 3 * 2 * (matrices + unembedding + attention)


def estimate(recipe: Recipe) -> Cost:
    """The cost of a recipe in its own parallel layout."""
    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    parameters = count_parameters(config)
    per_token = flops_per_token(config, recipe.train.sequence_length)
    tensor = recipe.parallel.tensor
    micro_batch_tokens = recipe.train.micro_batch_sequences * recipe.train.sequence_length
    # Kept for backward per token and layer: two norms and two residual sums, queries, keys, values, attention's
    # output, and gate, up and their product; split over the tensor-parallel ranks (sequence parallel).
    state, number = (MIXED_PRECISION, 2) if recipe.parallel.data * tensor > 1 else (SINGLE_PRECISION, 4)
    width = config.head_width
    per_layer = (
        4 * config.hidden_size
        + (2 * config.num_attention_heads + 2 * config.num_key_value_heads) * width
        + 3 * config.intermediate_size
    )
    return Cost(
        parameters=parameters,
        embedding_parameters=config.vocab_size * config.hidden_size * (1 if config.tie_word_embeddings else 2),
        tokens=recipe.total_tokens,
        steps=recipe.total_steps,
        flops_per_token=per_token,
        total_flops=per_token * recipe.total_tokens,
        devices=recipe.parallel.data * tensor,
        state_bytes_per_device=sum(state.values()) * parameters // tensor,
        activation_bytes_per_device=number * per_layer * config.num_hidden_layers * micro_batch_tokens // tensor,
        logit_bytes_per_device=4 * config.vocab_size * min(recipe.objective.chunk_tokens, micro_batch_tokens) // tensor,
    )


def _matrix_parameters_per_layer(config: ModelConfig) -> int:
    heads, key_value_heads, width = config.num_attention_heads, config.num_key_value_heads, config.head_width
    attention = config.hidden_size * width * (2 * heads + 2 * key_value_heads)
    return attention + 3 * config.hidden_size * config.intermediate_size
