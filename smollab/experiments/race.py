"""A race: the same tokens and steps for an optimizer at several rates and seeds, scored on held-out text."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smollab.evaluate.bits_per_byte import bits_per_byte, token_bytes
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.recipe import Optimizer, Recipe
from smollab.tokens.shards import TokenShard
from smollab.train.data import begin_stage, open_mixture, stages_from
from smollab.train.step import set_learning_rates, train_step

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SCORED_TOKENS = 2048


def race(
    recipe: Recipe,
    tokens: Path,
    tokenizer: "Tokenizer",
    optimizer: Optimizer,
    rates: Sequence[float],
    seeds: Sequence[int],
) -> np.ndarray:
    """Train one small model for every rate and seed.

    Args:
        recipe: of the small model and its training.
        tokens: folder with `train/` and `held_out/` shards.
        tokenizer: the shards were made with.
        optimizer: its settings; the rate is replaced, and shared by all parameters.
        rates: peak learning rates.
        seeds: of initialization and data order.

    Returns:
        (rates, seeds) mean bits per byte on held-out text.
    """
    scores = np.zeros((len(rates), len(seeds)))
    for i, rate in enumerate(rates):
        for j, seed in enumerate(seeds):
            entry = dataclasses.replace(
                recipe,
                optimizer=dataclasses.replace(optimizer, learning_rate=rate, embedding_learning_rate=None),
                train=dataclasses.replace(recipe.train, seed=seed),
            )
            scores[i, j] = mean_bits_per_byte(train_in_memory(entry, tokens, tokenizer), tokens, tokenizer, entry)
    return scores


def train_in_memory(recipe: Recipe, tokens: Path, tokenizer: "Tokenizer") -> Transformer:
    """The training loop without its log and its checkpoints."""
    model = Transformer(ModelConfig.from_recipe(recipe.model, tokenizer.get_vocab_size()), recipe.train.seed)
    optimizers = build_optimizers(model, recipe.optimizer)
    mixture = open_mixture(recipe, tokens / "train")
    for plan in stages_from(recipe, 0):
        begin_stage(plan, model, mixture, plan.begin)
        for step in range(plan.begin, plan.end):
            batch, _ = mixture.next_batch(plan.batch_sequences)
            set_learning_rates(optimizers, recipe, plan, step)
            train_step(model, optimizers, batch, recipe)
    return model.eval()


def mean_bits_per_byte(
    model: Transformer, tokens: Path, tokenizer: "Tokenizer", recipe: Recipe, scored_tokens: int = SCORED_TOKENS
) -> float:
    """Mean bits per byte over the sources that the recipe trains on, one held-out shard of each."""
    lengths, length = token_bytes(tokenizer), recipe.train.sequence_length
    shards: dict[str, TokenShard] = {}
    for path in sorted((tokens / "held_out").iterdir()):
        shard = TokenShard(path)
        if shard.header.num_tokens > length:
            shards.setdefault(path.name.rpartition("-")[0], shard)
    sources = {name for stage in recipe.stages for name in stage.mixture}
    bits = [
        bits_per_byte(model, shards[name], lengths, scored_tokens, length) for name in sorted(sources & set(shards))
    ]
    return sum(bits) / len(bits)
