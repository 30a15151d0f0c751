"""The accountant: parameters, floating-point operations and memory of a recipe, before anything runs.

`parameters.py`, `flops.py`, `memory.py` and `layout.py` count; here is the sum for a whole run. The tests hold the
parameters, the optimizer's state and the cache against real ones exactly, the operations against torch's own counter,
and the activations against what autograd saves.
"""

from dataclasses import dataclass

from smollab.model.config import ModelConfig
from smollab.recipe import Recipe
from smollab.recipe.stages import plan_stages
from smollab.scaling.flops import Flops, count_flops, flops_per_token
from smollab.scaling.layout import RankMemory, rank_memory
from smollab.scaling.parameters import Parameters, count_parameters, parameters_by_part

__all__ = ["Cost", "count_parameters", "estimate", "flops_per_token"]


@dataclass(frozen=True)
class Cost:
    """What a run needs."""

    parts: Parameters
    """Learned numbers by part."""
    flops: Flops
    """Of the forward pass of one token in the first stage's sequences, by part."""
    total_flops: float
    """Forward and backward, over all stages with their own sequence lengths."""
    tokens: int
    """Training tokens."""
    steps: int
    """Optimizer steps."""
    devices: int
    """Accelerators, or 1."""
    memory: RankMemory
    """Bytes on the fullest device, in the first stage."""
    longest_sequence: int
    """Tokens, over all stages."""
    longest_memory: RankMemory
    """Bytes on the fullest device, in the stage with the longest sequences."""

    @property
    def parameters(self) -> int:
        """Learned numbers; tied matrices count once."""
        return self.parts.total

    @property
    def embedding_parameters(self) -> int:
        """Of these, in the embedding and the unembedding."""
        return self.parts.embedding + self.parts.unembedding

    @property
    def flops_per_token(self) -> float:
        """Forward and backward, attention over the causal half included."""
        return self.flops.training

    @property
    def state_bytes_per_device(self) -> int:
        """Weights, gradients and optimizer state, with the copies that are multiplied with."""
        return self.memory.weights + self.memory.gradients + self.memory.optimizer + self.memory.copies

    @property
    def activation_bytes_per_device(self) -> int:
        """Saved for the backward pass, without recomputation."""
        return self.memory.activations

    @property
    def logit_bytes_per_device(self) -> int:
        """Largest block of logits that exists at one time."""
        return self.memory.logits


def estimate(recipe: Recipe) -> Cost:
    """The cost of a recipe in its own parallel layout."""
    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    length, per_step = recipe.train.sequence_length, recipe.train.batch_sequences * recipe.train.sequence_length
    per_token = count_flops(config, [length])
    plans = plan_stages(recipe)
    longest = max((plan.sequence_length for plan in plans), default=length)
    # A micro-batch keeps its number of tokens where sequences are longer, but has one sequence at least.
    sequences = max(1, recipe.train.micro_batch_sequences * length // longest)
    return Cost(
        parts=parameters_by_part(config),
        flops=Flops(*(part / length for part in (per_token.matrices, per_token.attention, per_token.unembedding))),
        total_flops=sum(p.stage.steps * per_step * flops_per_token(config, p.sequence_length) for p in plans),
        tokens=recipe.total_tokens,
        steps=recipe.total_steps,
        devices=recipe.parallel.num_ranks,
        memory=rank_memory(recipe, config, length, recipe.train.micro_batch_sequences),
        longest_sequence=longest,
        longest_memory=rank_memory(recipe, config, longest, sequences),
    )
