"""Checkpoints: all a run needs to continue as if it had never stopped.

A checkpoint is a folder `step-00000050`:

    model.safetensors       weights
    optimizer.safetensors   what the optimizers keep of each parameter, as `parameter/slot`
    state.json              step, how much of each source was read, the settings that shaped the run, and the
                            checksum of every file

Of several processes each writes the slices it holds, `model-00003.safetensors` and `optimizer-00003.safetensors`, with
the place of every slice in the file's header as PyTorch's DCP notes it. So DCP reads them, in one process or in any
other layout: it finds which slices of which files overlap with those of this rank (`torch.distributed.checkpoint`,
`HuggingFaceStorageReader`). Nothing is ever pickled. How they are written: `checkpoint_writer.py`.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors import SafetensorError
from torch import nn
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from smollab.progress import console
from smollab.recipe import differences
from smollab.train.processes import any_rank, is_main, rank, world_size

WEIGHTS, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
DAMAGED = ".damaged"
"""Set aside under this suffix: for whoever wants to look."""


class CheckpointMismatch(ValueError):
    """A checkpoint of another configuration; the message names what differs and the way out."""


class CheckpointDamaged(ValueError):
    """A checkpoint that cannot be read; the message names the file and the way out."""


def list_checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first; a folder that lacks weights, optimizer or state is none."""
    folders = (path for path in folder.glob("step-*") if re.fullmatch(r"step-\d+", path.name))
    needed = (_pattern(WEIGHTS), _pattern(OPTIMIZER), STATE)
    return sorted(path for path in folders if all(any(path.glob(pattern)) for pattern in needed))


def find_checkpoint(folder: Path, configuration: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint whose files are those that were written, and its state; None if there is none.

    All ranks of a run call this, and each reads a share of the files. A damaged checkpoint is told by name and set
    aside, and the one before it is taken.

    Raises:
        CheckpointMismatch: it was made with another configuration.
        CheckpointDamaged: there are checkpoints, and all are damaged.
    """
    damaged: CheckpointDamaged | None = None
    for path in reversed(list_checkpoints(folder)):
        problem, state = None, {}
        try:
            state = check_state(path, configuration)
            verify(path, state, sorted(state.get("files", {}))[rank() :: world_size()])
        except CheckpointDamaged as error:
            problem = error
        if not any_rank(problem is not None):
            return path, state
        if is_main():
            problem = problem or _problem(path)
            aside = path.with_suffix(DAMAGED)
            path.rename(aside)
            console.print(f"  {_what(problem)}; set aside as {aside}", markup=False, soft_wrap=True)
        any_rank(False)  # the others wait until it is renamed
        damaged = problem or CheckpointDamaged(f"{path}: damaged")
    if damaged is not None:
        raise CheckpointDamaged(f"{_what(damaged)}; no checkpoint before it is left, the same command starts anew")
    return None


def is_finished(folder: Path, configuration: dict[str, Any], total_steps: int) -> bool:
    """Whether the last checkpoint is that of a run's last step.

    Raises:
        CheckpointMismatch: it was made with another configuration.
    """
    try:
        return any(check_state(path, configuration)["step"] == total_steps for path in list_checkpoints(folder)[-1:])
    except CheckpointDamaged:
        return False


def verify(path: Path, state: dict[str, Any], names: Iterable[str] | None = None) -> None:
    """Compare files with the checksums in the state.

    Args:
        path: one checkpoint.
        state: its state.
        names: of the files to read; left out: all.

    Raises:
        CheckpointDamaged: a file is not what was written.
    """
    for name in state.get("files", {}) if names is None else names:
        file = path / name
        if not file.is_file() or checksum(file) != state["files"][name]:
            what = "checksum differs" if file.is_file() else "missing"
            raise CheckpointDamaged(f"{file}: damaged ({what}); {_way_out(path)}")


def checksum(file: Path) -> str:
    """xxh3-128 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, xxhash.xxh3_128).hexdigest()


def load_checkpoint(
    path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], configuration: dict[str, Any]
) -> dict[str, Any]:
    """Restore model and optimizers in place and return the state.

    Args:
        path: one checkpoint.
        model: of the same shape; whole, or this rank's part.
        optimizers: over the same parameters.
        configuration: what `state["configuration"]` must equal.

    Raises:
        CheckpointMismatch: the checkpoint was made with another configuration.
        CheckpointDamaged: a file is torn.
    """
    state = check_state(path, configuration)
    tensors = {saved_name(name, model): tensor for name, tensor in model_tensors(model)}
    parameters = {saved_name(name, model): parameter for name, parameter in model.named_parameters()}
    owner = {id(p): optimizer for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    for key, saved in _saved_tensors(path).items():
        name, _, slot = key.rpartition("/")
        if (parameter := parameters.get(name)) is not None:
            # What is no matrix like its parameter, such as a count of steps, is whole on every rank.
            dtype, whole = saved.properties.dtype, parameter.detach()
            alike = saved.size == parameter.shape
            own = torch.zeros_like(whole, dtype=dtype) if alike else None
            value = torch.zeros(saved.size, dtype=dtype, device=whole.device) if own is None else own
            tensors[key] = owner[id(parameter)].state[parameter][slot] = value
    _read(path, tensors)
    return state


def load_weights(path: Path, model: nn.Module) -> None:
    """Restore only the weights, for evaluation and export.

    Raises:
        CheckpointDamaged: a file is torn, or not what was written.
    """
    state = load_state(path)
    verify(path, state, [name for name in state.get("files", {}) if not name.startswith(Path(OPTIMIZER).stem)])
    _read(path, {saved_name(name, model): tensor for name, tensor in model_tensors(model)})


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
        CheckpointDamaged: the file is torn, or not what was written.
    """
    file = path / STATE
    try:
        state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        sealed = state.pop("checksum", None)
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointDamaged(f"{file}: damaged ({error}); {_way_out(path)}") from None
    if sealed not in (None, _seal(state)):
        raise CheckpointDamaged(f"{file}: damaged (checksum differs); {_way_out(path)}")
    return state


def state_text(state: dict[str, Any]) -> str:
    """What state.json holds: the state, and the checksum of it."""
    return json.dumps(state | {"checksum": _seal(state)}, indent=2) + "\n"


def model_tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What a model consists of: its parameters, tied ones once, and its buffers (BatchNorm's running averages)."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def saved_name(name: str, model: nn.Module) -> str:
    """A tied embedding has one name, also on the last pipeline rank, which knows it as the unembedding."""
    tied = getattr(getattr(model, "config", None), "tie_word_embeddings", False)
    return "embed_tokens.weight" if tied and name == "lm_head.weight" else name


def _read(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Fill tensors, of DTensors this rank's slices, from the files of whatever layout."""
    with _reading(path), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # each rank reads by itself
        dcp.load(dict(tensors), storage_reader=dcp.HuggingFaceStorageReader(str(path)), no_dist=True)


def _saved_tensors(path: Path) -> dict[str, TensorStorageMetadata]:
    """Name -> size and type of all tensors of a checkpoint, from the headers of its files."""
    with _reading(path):
        found = dcp.HuggingFaceStorageReader(str(path)).read_metadata().state_dict_metadata
    return {name: saved for name, saved in found.items() if isinstance(saved, TensorStorageMetadata)}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what readers raise on torn files and wrong shapes into an error that says where and what to do."""
    try:
        yield
    except dcp.CheckpointException as error:
        inner = next(iter(error.failures.values()))[0]
        raise CheckpointDamaged(f"{path}: damaged ({inner}); {_way_out(path)}") from None
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointDamaged(f"{path}: damaged ({error}); {_way_out(path)}") from None


def _problem(path: Path) -> CheckpointDamaged:
    """What is wrong with a checkpoint in which another rank found something."""
    try:
        verify(path, load_state(path))
    except CheckpointDamaged as error:
        return error
    return CheckpointDamaged(f"{path}: damaged, as another process read it")


def _way_out(path: Path) -> str:
    return f"delete the folder {path} to continue from the checkpoint before it"


def _what(error: CheckpointDamaged) -> str:
    return str(error).partition("; delete")[0]


def _pattern(name: str) -> str:
    return name.replace(".", "*.")


def _seal(state: dict[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(state, sort_keys=True).encode())
