"""Floating-point operations of a model: a multiplication and an addition are two.

Counted are the products of matrices, which a processor's speed is stated for. Not counted, since they are a small
part: norms, rotations, activations, softmax, biases, the loss. Lookups in the embedding cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from smollab.model.config import ModelConfig
from smollab.scaling.parameters import parameters_by_part


@dataclass(frozen=True)
class Flops:
    """Operations of the forward pass, by part."""

    matrices: float
    """Products with the weights inside the blocks."""
    attention: float
    """Queries with keys, and weights with values."""
    unembedding: float
    """The logits."""

    @property
    def forward(self) -> float:
        """One forward pass."""
        return self.matrices + self.attention + self.unembedding

    @property
    def backward(self) -> float:
        """Each product needs two in the backward pass: for its input and for its weight (or its other input)."""
        return 2 * self.forward

    @property
    def training(self) -> float:
        """Forward and backward."""
        return self.forward + self.backward

    @property
    def training_recomputed(self) -> float:
        """With activation checkpointing: the blocks' forward pass runs twice."""
        return self.training + self.matrices + self.attention


def count_flops(config: ModelConfig, lengths: Sequence[int]) -> Flops:
    """Operations to read documents of these lengths, each of which sees only itself.

    Args:
        config: of the model.
        lengths: tokens of each document; for unpacked training, the sequence length once a sequence.
    """
    tokens, layers = sum(lengths), range(config.num_hidden_layers)
    pairs = sum(visible_pairs(length, config.window(layer)) for layer in layers for length in lengths)
    return Flops(
        matrices=2 * parameters_by_part(config).matrices * tokens,
        attention=2 * 2 * config.num_attention_heads * config.head_width * pairs,
        unembedding=2 * config.vocab_size * config.hidden_size * tokens,
    )


def visible_pairs(length: int, window: int | None = None) -> float:
    """Pairs of a token and one that it sees, in a document: half of the square, or a band of it with a window.

    The diagonal counts half, as is usual (half of the square of `length`); each token also sees itself, so the exact
    number is larger by half the length.
    """
    if window is None or window >= length:
        return length**2 / 2
    return window * length - window**2 / 2


def decoding_flops(config: ModelConfig, context: int) -> Flops:
    """Operations to write one token when so many are in the cache, itself included."""
    layers = range(config.num_hidden_layers)
    seen = sum(min(context, config.window(layer) or context) for layer in layers)
    return Flops(
        matrices=2 * parameters_by_part(config).matrices,
        attention=2 * 2 * config.num_attention_heads * config.head_width * seen,
        unembedding=2 * config.vocab_size * config.hidden_size,
    )


def flops_per_token(config: ModelConfig, sequence_length: int) -> float:
    """Operations to train on one token of whole sequences: forward once, backward twice that."""
    return count_flops(config, [sequence_length]).training / sequence_length
