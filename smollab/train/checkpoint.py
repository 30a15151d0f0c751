"""Checkpoints: all a run needs to continue as if it had never stopped.

A checkpoint is a folder `step-00000050` of two safetensors files (weights, optimizer state) and `state.json`
(step, how much of each source was read, the recipe's sections that shaped the run). It is written beside its
final name and renamed, so that a crash or a full disk while saving leaves the last good one untouched.

In a run of several processes, matrices that are spread over ranks are gathered one at a time and written whole; each
pipeline rank after the first adds two files of its own, `model-1.safetensors` and so on. Nothing in a checkpoint tells
how many ranks wrote it, so any other number can go on with it.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor

from smollab.recipe import differences
from smollab.train.processes import any_rank, is_main

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
    part: int | None = 0,
) -> Path:
    """Write a checkpoint atomically, then remove all but the newest `keep`; all ranks of a run call this.

    Args:
        folder: of all checkpoints.
        model: its parameters are saved.
        optimizers: their state per parameter is saved under the parameter's name.
        state: JSON, with at least `step`.
        keep: checkpoints left on disk.
        part: this process's pipeline rank; None where another process writes for it.

    Raises:
        OSError: the disk is full; older checkpoints are untouched.
    """
    final = folder / f"step-{state['step']:08d}"
    unfinished = final.with_name(final.name + ".unfinished")

    def prepare() -> None:
        for left_over in folder.glob("*.unfinished"):  # of a killed run
            shutil.rmtree(left_over, ignore_errors=True)
        unfinished.mkdir(parents=True)

    def write() -> None:
        for name, tensors in ((WEIGHTS, weights), (OPTIMIZER, slots)):
            file = unfinished / (name.replace(".", f"-{part}.") if part else name)
            save_file(tensors, file)
            _flush(file)

    def finish() -> None:
        (unfinished / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        _flush(unfinished / STATE)
        shutil.rmtree(final, ignore_errors=True)
        unfinished.rename(final)
        for old in list_checkpoints(folder)[:-keep]:
            shutil.rmtree(old)

    try:
        _together(prepare, is_main())
        keeps = part is not None
        weights = _whole({_saved_name(name, model): tensor for name, tensor in _tensors(model)}, keeps)
        slots = _whole(_optimizer_tensors(model, optimizers), keeps)
        _together(write, keeps)
        _together(finish, is_main())
    except Exception as error:
        if is_main():
            shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise
        # safetensors reports a full disk as its own error
        raise OSError(
            f"could not write the checkpoint {final}: {error}; if the disk is full, free some space; "
            "the same command continues from the checkpoint before"
        ) from error
    return final


def _together(action: Callable[[], None], mine: bool) -> None:
    """Do something on some of the ranks; if it fails on one, it has failed on all."""
    problem: Exception | None = None
    try:
        if mine:
            action()
    except Exception as error:
        problem = error
    if any_rank(problem is not None):
        raise problem or OSError("another rank could not write its part")


def _whole(tensors: dict[str, torch.Tensor], keeps: bool) -> dict[str, torch.Tensor]:
    """Gather what is spread over ranks, one matrix at a time; only the rank that writes keeps them, on the CPU."""
    result = {}
    for name, tensor in tensors.items():
        whole = tensor.detach()
        if isinstance(whole, DTensor):
            whole = whole.full_tensor()
        if keeps:
            result[name] = whole.contiguous() if whole.device.type == "cpu" else whole.cpu()
    return result


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
    state = check_state(path, configuration)
    load_weights(path, model)
    parameters = {_saved_name(name, model): parameter for name, parameter in model.named_parameters()}
    owner = {id(p): optimizer for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    for file in sorted(path.glob(OPTIMIZER.replace(".", "*."))):
        with _reading(file), safe_open(file, framework="pt") as slots:
            for key in slots.keys():  # noqa: SIM118, it is no dictionary
                name, _, slot = key.rpartition("/")
                if (parameter := parameters.get(name)) is not None:
                    # AdamW counts its steps on the CPU unless it is fused on an accelerator.
                    value = _place(slots.get_tensor(key).to(parameter.device), parameter)
                    owner[id(parameter)].state[parameter][slot] = value
    return state


def check_state(path: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """The state of a checkpoint that was made with a configuration.

    Raises:
        CheckpointMismatch: it was made with another.
        CheckpointDamaged: the file is torn.
    """
    state = load_state(path)
    changed = list(differences(state.get("configuration"), configuration))
    if changed:
        raise CheckpointMismatch(
            f"{path} was made with another configuration: {'; '.join(changed[:3])}. "
            "Go back to that configuration, or start anew in another folder with --run DIR"
        )
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
    wanted = {_saved_name(name, model): tensor for name, tensor in _tensors(model)}
    for file in sorted(path.glob(WEIGHTS.replace(".", "*."))):
        with _reading(file), safe_open(file, framework="pt") as weights, torch.no_grad():
            for name in weights.keys():  # noqa: SIM118, it is no dictionary
                if name in wanted:
                    target = wanted.pop(name)
                    target.copy_(_place(weights.get_tensor(name).to(target.device), target))
    if wanted:
        raise CheckpointDamaged(
            f"{path}: {', '.join(wanted)} missing; delete the folder to continue from the one before"
        )


def _place(whole: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This rank's slice of a matrix; what is no matrix like the parameter, such as a count of steps, stays whole."""
    if isinstance(like, DTensor) and whole.shape == like.shape:
        return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)
    return whole


def _saved_name(name: str, model: nn.Module) -> str:
    """A tied embedding has one name, also on the last pipeline rank, which knows it as the unembedding."""
    tied = getattr(getattr(model, "config", None), "tie_word_embeddings", False)
    return "embed_tokens.weight" if tied and name == "lm_head.weight" else name


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
    names: dict[torch.Tensor, str] = {p: _saved_name(name, model) for name, p in model.named_parameters()}
    return {
        f"{names[parameter]}/{slot}": value
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
