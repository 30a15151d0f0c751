"""What the accountant says about variants of a recipe: other widths, other numbers of key-value heads."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.recipe import Recipe
from smollab.scaling.accountant import Cost, estimate


def estimate_widths(recipe: Recipe, widths: Sequence[int]) -> list[Cost]:
    """The cost of a recipe at several widths, its MLP in proportion, in the recipe's own layout over devices.

    Args:
        recipe: the original.
        widths: of the residual stream; multiples of the number of attention heads.
    """
    model = recipe.model
    variants = [
        replace(model, hidden_size=width, intermediate_size=model.intermediate_size * width // model.hidden_size)
        for width in widths
    ]
    return [estimate(replace(recipe, model=variant)) for variant in variants]


def cache_gibibytes(config: ModelConfig, key_value_heads: int, tokens: int) -> float:
    """Size in GiB of the bfloat16 cache of one text, were there that many key-value heads; nothing is allocated."""
    variant = replace(config, num_key_value_heads=key_value_heads, head_dim=config.head_width)
    return KVCache(variant, 1, tokens, torch.bfloat16, "meta").bytes / 2**30
