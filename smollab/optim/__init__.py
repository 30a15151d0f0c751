"""Pillar 4: optimizers, schedules, and which parameter gets which."""

import torch
from torch import nn

from smollab.optim.groups import parameter_groups
from smollab.optim.muon import Muon
from smollab.recipe import Optimizer

__all__ = ["Muon", "build_optimizers", "parameter_groups"]


def build_optimizers(model: nn.Module, settings: Optimizer) -> list[torch.optim.Optimizer]:
    """The optimizers of a recipe, each over the parameter groups it is meant for.

    Every group carries `peak_lr`; the training loop sets `lr = peak_lr * schedule(step)`.
    """
    groups = {group["role"]: group for group in parameter_groups(model, settings)}
    adamw = lambda chosen: torch.optim.AdamW(chosen, betas=settings.betas, eps=settings.eps, fused=True)
    if settings.name == "adamw":
        return [adamw(list(groups.values()))]
    matrices = groups.pop("matrix")
    muon = Muon([matrices], momentum=settings.momentum, newton_schulz_steps=settings.newton_schulz_steps)
    return [muon, adamw(list(groups.values()))]
