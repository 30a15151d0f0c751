"""Pillar 3: what a model is trained to predict, from hidden states to a scalar loss."""

from collections.abc import Callable
from pathlib import Path

import torch

from smollab.model.config import ModelConfig
from smollab.objectives.cross_entropy import NextToken, cross_entropy
from smollab.objectives.distillation import Distilled
from smollab.objectives.objective import Objective, Recorder, States
from smollab.recipe import Objective as Settings

__all__ = ["OBJECTIVES", "Objective", "Recorder", "States", "build_objective", "cross_entropy"]

OBJECTIVES: dict[str, Callable[[Settings, ModelConfig, Path | None], Objective]] = {
    "next_token": NextToken,
    "distillation": Distilled,
}
"""By the recipe's name: called with the section `[objective]`, the model's shape, and the folder of token shards."""


def build_objective(settings: Settings, config: ModelConfig, seed: int = 0, tokens: Path | None = None) -> Objective:
    """The objective of a recipe, its modules (if it owns any) with their first weights.

    Args:
        settings: the section `[objective]`.
        config: of the model that is trained.
        seed: of those weights, which are then the same on every rank.
        tokens: folder of the run's token shards, beside which lies the tokenizer's; some objectives read there.

    Raises:
        ValueError: the settings do not fit the model or the tokens.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return OBJECTIVES[settings.name](settings, config, tokens)
