"""The coordinate check: does one step change every activation by as much at any width?

A few steps are taken with models of several widths, on the same tokens and at the same base rate. Before and after,
the same tokens are read, and of each part of the model the mean size of the change of one number, |x_t - x_0|, is
taken. Under muP it does not depend on the width: the slope of its logarithm over that of the width is near zero. A
slope of one says that the change doubles with the width, and soon is too large; below zero, that the part stops
learning.

Source: Yang et al. 2022 (Tensor Programs V), appendix D.1, and `coord_check` of the package `mup`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import next_token_loss
from smollab.optim import build_optimizers
from smollab.recipe import Model, Optimizer
from smollab.scaling.shapes import at_depth, at_width


@dataclass(frozen=True)
class CoordinateCheck:
    """Mean sizes of changes since the start."""

    sizes: tuple[int, ...]
    """Widths, or numbers of layers."""
    changes: Mapping[str, np.ndarray]
    """Of each part: (seeds, sizes, steps), |x_t - x_0| after 1, 2, ... steps."""

    def slopes(self, part: str) -> np.ndarray:
        """Of the logarithm of the change over that of the size: (seeds, steps)."""
        x = np.log(np.array(self.sizes, dtype=float))
        y = np.log(self.changes[part])
        x = x - x.mean()
        slopes: np.ndarray = np.einsum("w,swt->st", x, y) / (x @ x)
        return slopes


def check_widths(
    model: Model, optimizer: Optimizer, tokens: Tensor, widths: Sequence[int], seeds: Sequence[int], steps: int = 4
) -> CoordinateCheck:
    """Take a few steps at every width.

    Args:
        model: at its base width; its parametrization, for which the base width is filled in, or the standard one.
        optimizer: its settings; the rate is constant.
        tokens: (rows, seq + 1), read and predicted in every step.
        widths: at least two.
        seeds: of the initial weights.
        steps: optimizer steps.
    """
    models = {width: at_width(with_base(model), width) for width in widths}
    return _check(models, optimizer, tokens, seeds, steps)


def check_depths(
    model: Model, optimizer: Optimizer, tokens: Tensor, depths: Sequence[int], seeds: Sequence[int], steps: int = 4
) -> CoordinateCheck:
    """Take a few steps at every depth; arguments as `check_widths`."""
    models = {layers: at_depth(with_base(model), layers) for layers in depths}
    return _check(models, optimizer, tokens, seeds, steps)


def with_base(model: Model) -> Model:
    """A model that is its own base size, where its parametrization needs one."""
    if model.parametrization == "standard":
        return model
    layers = model.num_hidden_layers if model.parametrization == "completep" else None
    return replace(model, base_hidden_size=model.hidden_size, base_num_hidden_layers=layers)


def _check(
    models: Mapping[int, Model], optimizer: Optimizer, tokens: Tensor, seeds: Sequence[int], steps: int
) -> CoordinateCheck:
    if len(models) < 2:
        raise ValueError(f"a slope needs at least two sizes; got {', '.join(map(str, models)) or 'none'}")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # of operations as small as these, several threads make waiting
        rows = [[_changes(model, optimizer, tokens, seed, steps) for model in models.values()] for seed in seeds]
    finally:
        torch.set_num_threads(threads)
    parts = rows[0][0]
    changes = {part: np.array([[of_size[part] for of_size in of_seed] for of_seed in rows]) for part in parts}
    return CoordinateCheck(tuple(models), changes)


def _changes(settings: Model, optimizer: Optimizer, tokens: Tensor, seed: int, steps: int) -> dict[str, list[float]]:
    """One model's changes after each step."""
    model = Transformer(ModelConfig.from_recipe(settings, int(tokens.max()) + 1), seed)
    optimizers = build_optimizers(model, optimizer)
    start, result = _activations(model, tokens), defaultdict(list)
    for _ in range(steps):
        next_token_loss(model(tokens[:, :-1]), model.lm_head.weight, tokens[:, 1:]).backward()  # type: ignore[no-untyped-call]
        for each in optimizers:
            each.step()
            each.zero_grad()
        for part, now in _activations(model, tokens).items():
            result[part].append(float((now - start[part]).abs().mean()))
    return result


@torch.no_grad()
def _activations(model: Transformer, tokens: Tensor) -> dict[str, Tensor]:
    """What each part gives for the tokens."""
    found: dict[str, Tensor] = {}

    def keep(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        return module.register_forward_hook(lambda _, inputs, output: found.update({name: output}))

    last = model.layers[-1]
    assert isinstance(last.self_attn, nn.Module) and isinstance(last.mlp, nn.Module)
    parts = {"embedding": model.embed_tokens, "attention": last.self_attn, "mlp": last.mlp, "residual stream": last}
    hooks = [keep(name, module) for name, module in parts.items()]
    try:
        found["logits"] = model.logits(model(tokens[:, :-1]))
    finally:
        for hook in hooks:
            hook.remove()
    return found
