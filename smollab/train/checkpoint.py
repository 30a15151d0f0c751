"""Checkpoints: all a run needs to continue as if it had never stopped.

A checkpoint is a folder `step-00000050` of two safetensors files (weights, optimizer state) and `state.json`
(step, how much of each source was read, the recipe's sections that shaped the run). It is written beside its
final name and renamed, so that a crash or a full disk while saving leaves the last good one untouched.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from smollab.recipe import differences

WEIGHTS, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"


class CheckpointMismatch(ValueError):
    """A checkpoint of another configuration; the message names what differs and the way out."""


class CheckpointDamaged(ValueError):
    """A checkpoint that cannot be read; the message names the file and the way out."""


def list_checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first; a folder that lacks one of the three files is none."""
    folders = (p for p in folder.glob("step-*") if p.suffix != ".unfinished")
    return sorted(p for p in folders if all((p / name).is_file() for name in (WEIGHTS, OPTIMIZER, STATE)))


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    state: dict[str, Any],
    keep: int,
) -> Path:
    """Write a checkpoint atomically, then remove all but the newest `keep`.

    Args:
        folder: of all checkpoints.
        model: its state dict is saved.
        optimizers: their state per parameter is saved under the parameter's name.
        state: JSON, with at least `step`.
        keep: checkpoints left on disk.

    Raises:
        OSError: the disk is full; older checkpoints are untouched.
    """
    final = folder / f"step-{state['step']:08d}"
    unfinished = final.with_name(final.name + ".unfinished")
    for left_over in folder.glob("*.unfinished"):  # of a killed run
        shutil.rmtree(left_over, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        save_file({name: tensor.detach().contiguous() for name, tensor in _tensors(model)}, unfinished / WEIGHTS)
        save_file(_optimizer_tensors(model, optimizers), unfinished / OPTIMIZER)
        (unfinished / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        for file in unfinished.iterdir():
            _flush(file)
        shutil.rmtree(final, ignore_errors=True)
        unfinished.rename(final)
    except Exception as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise
        # safetensors reports a full disk as its own error
        raise OSError(
            f"could not write the checkpoint {final}: {error}; if the disk is full, free some space; "
            "the same command continues from the checkpoint before"
        ) from error
    for old in list_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def load_checkpoint(
    path: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer], configuration: dict[str, Any]
) -> dict[str, Any]:
    """Restore model and optimizers in place and return the state.

    Args:
        path: one checkpoint.
        model: of the same shape.
        optimizers: over the same parameters.
        configuration: what `state["configuration"]` must equal.

    Raises:
        CheckpointMismatch: the checkpoint was made with another configuration.
        CheckpointDamaged: a file is torn.
    """
    state = load_state(path)
    changed = list(differences(state.get("configuration"), configuration))
    if changed:
        raise CheckpointMismatch(
            f"{path} was made with another configuration: {'; '.join(changed[:3])}. "
            "Go back to that configuration, or start anew in another folder with --run DIR"
        )
    load_weights(path, model)
    parameters = dict(model.named_parameters())
    owner = {id(p): optimizer for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    with _reading(path / OPTIMIZER):
        for key, tensor in load_file(path / OPTIMIZER).items():
            name, _, slot = key.rpartition("/")
            parameter = parameters[name]
            # AdamW counts its steps on the CPU unless it is fused on an accelerator.
            owner[id(parameter)].state[parameter][slot] = tensor.to(parameter.device)
    return state


def load_state(path: Path) -> dict[str, Any]:
    """Step, data position and configuration of a checkpoint.

    Raises:
        CheckpointDamaged: the file is torn.
    """
    with _reading(path / STATE):
        state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
    return state


def load_weights(path: Path, model: nn.Module) -> None:
    """Restore only the weights, for evaluation and export.

    Raises:
        CheckpointDamaged: the file is torn.
    """
    with _reading(path / WEIGHTS):
        weights = load_file(path / WEIGHTS)
        with torch.no_grad():
            for name, tensor in _tensors(model):
                tensor.copy_(weights[name])


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn what readers raise on a torn file into an error that names it."""
    try:
        yield
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointDamaged(
            f"{file}: damaged ({error}); delete the folder {file.parent} to continue from the checkpoint before it"
        ) from None


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What a model consists of: its parameters, tied ones once, and its buffers (BatchNorm's running averages)."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def _optimizer_tensors(model: nn.Module, optimizers: list[torch.optim.Optimizer]) -> dict[str, torch.Tensor]:
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}/{slot}": value.contiguous()
        for optimizer in optimizers
        for parameter, slots in optimizer.state.items()
        for slot, value in slots.items()
    }


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
