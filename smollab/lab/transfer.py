"""What notebook 5.2 shows of muP: a batch for coordinate checks, parameter groups in numbers, committed curves."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from smollab.lab.ablation import load_results
from smollab.lab.runs import Run
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers, parameter_groups
from smollab.recipe import Model, Optimizer

BASE = Model(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
"""The narrowest model of the coordinate checks, in the standard parametrization."""


def small_batch(run: Run, rows: int = 4, length: int = 32) -> Tensor:
    """Held-out text of a run, (rows, length + 1), its tokens numbered anew: a small model needs only those it sees."""
    tokens = run.held_out("web", rows * (length + 1))
    _, renumbered = torch.unique(tokens, return_inverse=True)
    return renumbered.view(rows, length + 1)


def scaled(model: Model, parametrization: str) -> Model:
    """A model with itself as the base of a parametrization."""
    if parametrization == "standard":
        return model
    layers = model.num_hidden_layers if parametrization == "completep" else None
    return replace(
        model,
        parametrization=parametrization,  # type: ignore[arg-type]
        base_hidden_size=model.hidden_size,
        base_num_hidden_layers=layers,
    )


def group_numbers(model: Model, optimizer: Optimizer) -> dict[str, tuple[float, float]]:
    """Role -> peak learning rate and weight decay, of a model of this shape."""
    with torch.device("meta"):
        built = Transformer(ModelConfig.from_recipe(model, vocab_size=64))
    return {group["role"]: (group["peak_lr"], group["weight_decay"]) for group in parameter_groups(built, optimizer)}


def muon_step_norm(model: Model, rate: float) -> float:
    """Spectral norm of Muon's first step on an MLP matrix, whose gradient is random."""
    built = Transformer(ModelConfig.from_recipe(model, vocab_size=64), seed=0)
    optimizer = build_optimizers(built, Optimizer(name="muon", learning_rate=rate, weight_decay=0.0))[0]
    weight = built.get_parameter("layers.0.mlp.up_proj.weight")
    before = weight.detach().clone()
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    optimizer.step()
    return float(torch.linalg.matrix_norm(weight.detach() - before, ord=2))


def load_transfer() -> dict[str, Any]:
    """The committed results of `smollab scale mup`."""
    return load_results("transfer")
