"""Pillar 4: optimizers, schedules, gradients of good quality, and which parameter gets what.

An optimizer is one file with a function from parameter groups to optimizers, and one line here.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from smollab.optim.adamw import adamw
from smollab.optim.cautious import make_cautious
from smollab.optim.groups import check_groups, group_table, parameter_groups
from smollab.optim.lion import lion
from smollab.optim.muon import Muon, muon
from smollab.optim.muonclip import MuonClip, muonclip
from smollab.optim.normuon import NorMuon, normuon
from smollab.optim.schedule_free import schedule_free_adamw
from smollab.optim.soap import soap
from smollab.optim.sophia import Sophia, sophia
from smollab.recipe import Optimizer, Parallel

__all__ = [
    "Muon",
    "MuonClip",
    "NorMuon",
    "Sophia",
    "build_optimizers",
    "check_groups",
    "check_optimizer",
    "group_table",
    "parameter_groups",
]

Groups = list[dict[str, Any]]

FOR_MATRICES: dict[str, Callable[[Groups, Optimizer, nn.Module], list[torch.optim.Optimizer]]] = {
    "muon": lambda groups, settings, model: muon(groups, settings),
    "muonclip": muonclip,
    "normuon": lambda groups, settings, model: normuon(groups, settings),
    "soap": lambda groups, settings, model: soap(groups, settings),
}
"""Optimizers of the matrices inside the blocks; AdamW trains the rest."""

FOR_ALL: dict[str, Callable[[Groups, Optimizer], list[torch.optim.Optimizer]]] = {
    "adamw": adamw,
    "lion": lion,
    "schedule_free_adamw": schedule_free_adamw,
    "sophia": sophia,
}
"""Optimizers of all parameters."""

UNFINISHED = {
    "soap": "checkpoints cannot hold its lists of matrices yet",
    "schedule_free_adamw": "its average of weights is neither saved nor evaluated yet",
    "sophia": "the training step does not give it estimates of the Hessian yet",
}
"""Optimizers that a step can use but a run cannot, and why."""


def build_optimizers(model: nn.Module, settings: Optimizer) -> list[torch.optim.Optimizer]:
    """The optimizers of a recipe, each over the parameter groups it is meant for, in the order they must step.

    Every group carries `peak_lr`; the training loop sets `lr = peak_lr * schedule(step)`.

    Raises:
        ValueError: the optimizer does not fit the model.
        ImportError: it is another library's, which is not installed.
    """
    groups = parameter_groups(model, settings)
    if settings.name in FOR_ALL:
        optimizers = FOR_ALL[settings.name](groups, settings)
    else:
        matrices = [group for group in groups if group["role"] == "matrix"]
        others = adamw([group for group in groups if group["role"] != "matrix"], settings)
        first = FOR_MATRICES[settings.name](matrices, settings, model)
        # QK-clip changes biases, too, which are AdamW's: it comes after all updates.
        optimizers = [*others, *first] if settings.name == "muonclip" else [*first, *others]
    if settings.cautious_weight_decay:
        optimizers = [make_cautious(optimizer) for optimizer in optimizers]
    check_groups(model, optimizers)
    return optimizers


def check_optimizer(settings: Optimizer, parallel: Parallel) -> None:
    """Refuse, before anything is built, an optimizer that a layout cannot run, or settings that contradict each other.

    Raises:
        ValueError: naming the setting and the way out.
    """
    if settings.name in UNFINISHED:
        raise ValueError(
            f"optimizer.name = {settings.name!r} is not finished: {UNFINISHED[settings.name]}; use one of "
            f"{', '.join(name for name in (*FOR_MATRICES, *FOR_ALL) if name not in UNFINISHED)}"
        )
    if settings.name == "muonclip" and parallel.context > 1 and parallel.context_method == "all_gather":
        raise ValueError(
            "optimizer.name = 'muonclip' measures logits where whole sequences meet: use "
            "parallel.context_method = 'ulysses'"
        )
