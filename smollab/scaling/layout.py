"""What one rank of a parallel layout holds."""

import math
from dataclasses import dataclass, replace

from smollab.model.config import ModelConfig
from smollab.recipe import Parallel, Recipe
from smollab.scaling.memory import FLOAT32, activation_bytes, optimizer_bytes
from smollab.scaling.parameters import Parameters, parameters_by_part

BFLOAT16 = 2
"""Bytes of a number."""


@dataclass(frozen=True)
class RankMemory:
    """Bytes on the fullest rank."""

    weights: int
    """In float32, this rank's slice."""
    gradients: int
    """In float32, as many."""
    optimizer: int
    """Moments, in float32."""
    copies: int
    """Weights in bfloat16 for the matrix products: all of the rank's, or under FSDP those of one block at a time; none
    in one process, which computes in float32."""
    activations: int
    """Of the micro-batches whose backward pass is to come."""
    logits: int
    """The largest block of logits that exists at one time."""

    @property
    def total(self) -> int:
        """All together; buffers of communication and the allocator's gaps come on top."""
        return sum((self.weights, self.gradients, self.optimizer, self.copies, self.activations, self.logits))


def rank_parameters(config: ModelConfig, parallel: Parallel) -> Parameters:
    """Parameters that the fullest rank computes with, before FSDP slices them.

    Pipeline ranks share the layers; the first and the last also hold the embedding or the unembedding (tied: both).
    Tensor-parallel ranks share all matrices, while norms and biases are whole on each.
    """
    layers = math.ceil(config.num_hidden_layers / parallel.pipeline)
    # Which layers rotate or slide does not change the count, and their numbers might exceed those of this rank.
    fewer = replace(config, num_hidden_layers=layers, nope_layers=None, sliding_window_layers=None)
    whole = parameters_by_part(fewer)
    split = lambda count: math.ceil(count / parallel.tensor)
    return Parameters(
        embedding=split(whole.embedding),
        unembedding=split(whole.unembedding) if parallel.pipeline == 1 else 0,
        attention=split(whole.attention),
        mlp=split(whole.mlp),
        small=whole.small,
    )


def rank_memory(recipe: Recipe, config: ModelConfig, sequence_length: int, micro_batch_sequences: int) -> RankMemory:
    """Bytes on the fullest rank of a recipe's layout, in training."""
    parallel, tokens = recipe.parallel, micro_batch_sequences * sequence_length
    mine = rank_parameters(config, parallel)
    number = FLOAT32 if parallel.num_ranks == 1 else BFLOAT16
    slice_of = lambda count: math.ceil(count / parallel.shard)
    block = (mine.matrices + mine.small) // math.ceil(config.num_hidden_layers / parallel.pipeline)
    copied = mine.total if parallel.shard == 1 else max(block, mine.embedding)
    replicas = parallel.data * parallel.shard
    micro_batches = max(1, recipe.train.batch_sequences // (recipe.train.micro_batch_sequences * replicas))
    # 1F1B: the first rank has begun as many micro-batches as there are ranks before one comes back.
    waiting = min(parallel.pipeline, micro_batches)
    layers = math.ceil(config.num_hidden_layers / parallel.pipeline)
    shared = tokens // (parallel.context * parallel.tensor)
    loss_tokens = min(recipe.objective.chunk_tokens, tokens // parallel.context)
    return RankMemory(
        weights=FLOAT32 * slice_of(mine.total),
        gradients=FLOAT32 * slice_of(mine.total),
        optimizer=slice_of(optimizer_bytes(mine, recipe.optimizer.name)),
        copies=BFLOAT16 * copied if number == BFLOAT16 else 0,
        activations=waiting * activation_bytes(config, shared, number, layers=layers),
        logits=FLOAT32 * config.vocab_size * loss_tokens // parallel.tensor,
    )
