"""Parameter groups by role: matrices inside the blocks, embeddings (with a tied unembedding), the head, norms, biases.

The role decides the optimizer, the learning rate and the weight decay. Muon is for matrices inside the blocks
only: an embedding is a table of vectors that are looked up one at a time, not a map between two spaces, so
orthogonalizing its gradient has no meaning (Jordan et al. 2024).

Under muP and CompleteP each group's rate, decay and epsilon are the recipe's times factors of the model's size
(`smollab.model.parametrization`); a role is several groups where its parameters have different factors.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from smollab.model.config import ModelConfig
from smollab.model.parametrization import (
    Part,
    Update,
    epsilon_factor,
    learning_rate_factor,
    part_of,
    weight_decay_factor,
)
from smollab.recipe import Optimizer

if TYPE_CHECKING:
    from rich.table import Table

UPDATES: dict[str, Update] = {
    "adamw": "entrywise",
    "muon": "orthogonal",
    "muonclip": "orthogonal",
    "normuon": "orthogonal",
    "lion": "entrywise",
}
"""How an optimizer, by the recipe's name, moves the matrices of the blocks; all else is AdamW's, or Lion's."""

ROLES = ("matrix", "embedding", "head", "norm", "bias")
NOT_DECAYED = ("embedding", "head")
"""Unless the settings say so."""


def parameter_role(name: str, parameter: nn.Parameter) -> str:
    """One of `ROLES`; an unembedding that is tied to the embedding is part of that."""
    if "embed_tokens" in name:
        return "embedding"
    if "lm_head" in name:
        return "head"
    if parameter.ndim == 2:
        return "matrix"
    return "bias" if name.endswith("bias") else "norm"


def parameter_groups(model: nn.Module, settings: Optimizer) -> list[dict[str, Any]]:
    """Groups of one role each, with their peak learning rate and weight decay.

    As in SmolLM3, norms are decayed, and embeddings are not unless the settings say so (nanotron excludes only
    `.*token_embedding.*`). A head of its own is treated as embeddings are, a bias as a norm.

    Raises:
        ValueError: the model is to be scaled by muP, and there is no rule for this optimizer or its scale.
    """
    factors_of = lambda name: (1.0, 1.0, 1.0)
    config = getattr(model, "config", None)
    if isinstance(config, ModelConfig) and config.parametrization != "standard":
        if UPDATES.get(settings.name) == "orthogonal" and settings.update_scale != "match_rms_adamw":
            raise ValueError(
                f"model.parametrization = {config.parametrization!r} scales rates for optimizer.update_scale = "
                f"'match_rms_adamw', not {settings.update_scale!r}"
            )
        factors_of = lambda name: scale_factors(config, part_of(name), settings.name)
    alike: dict[tuple[str, tuple[float, float, float]], list[nn.Parameter]] = {}
    for role in ROLES:
        for name, parameter in model.named_parameters():
            if parameter_role(name, parameter) == role:
                alike.setdefault((role, factors_of(name)), []).append(parameter)
    other_rate = settings.embedding_learning_rate
    if other_rate is None:
        other_rate = settings.learning_rate
    rates = dict.fromkeys(ROLES, other_rate) | {"matrix": settings.learning_rate}
    return [
        {
            "role": role,
            "params": parameters,
            "lr": rates[role] * rate,
            "peak_lr": rates[role] * rate,
            "weight_decay": 0.0
            if role in NOT_DECAYED and not settings.decay_embeddings
            else decay * settings.weight_decay,
        }
        | ({"eps": settings.eps * epsilon} if epsilon != 1 else {})
        for (role, (rate, decay, epsilon)), parameters in alike.items()
    ]


def scale_factors(config: ModelConfig, part: Part, optimizer: str) -> tuple[float, float, float]:
    """What muP multiplies the recipe's rate, weight decay and epsilon by.

    Raises:
        ValueError: there is no rule for this optimizer.
    """
    if optimizer not in UPDATES:
        raise ValueError(
            f"model.parametrization = {config.parametrization!r} has no rule for optimizer.name = {optimizer!r}; "
            f"use one of {', '.join(UPDATES)}, or parametrization = 'standard'"
        )
    update = UPDATES[optimizer]
    rate, decay = learning_rate_factor(config, part, update), weight_decay_factor(config, part, update)
    return rate, decay, epsilon_factor(config, part)


def check_groups(model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Refuse optimizers that leave out a parameter of a model, or have one twice.

    Raises:
        ValueError: naming the first such parameter.
    """
    owners = Counter(p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"])
    for name, parameter in model.named_parameters():
        count = owners[parameter]
        if parameter.requires_grad and count != 1:
            where = "no parameter group: it would never be trained" if not count else f"{count} parameter groups"
            raise ValueError(f"{name} is in {where}; every parameter belongs in exactly one")


def group_table(optimizers: Sequence[torch.optim.Optimizer]) -> "Table":
    """Which optimizer trains which parameters, at what peak rate and weight decay."""
    from rich.table import Table

    table = Table(title="parameter groups", title_justify="left")
    for column in ("role", "optimizer", "tensors", "numbers", "peak rate", "weight decay"):
        table.add_column(column, justify="left" if column in ("role", "optimizer") else "right")
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            decay = group.get("cautious_weight_decay", group["weight_decay"])
            table.add_row(
                group["role"],
                type(optimizer).__name__,
                f"{len(group['params'])}",
                f"{sum(parameter.numel() for parameter in group['params']):,}",
                f"{group['peak_lr']:g}",
                f"{decay:g}" + (" (cautious)" if "cautious_weight_decay" in group and decay else ""),
            )
    return table
