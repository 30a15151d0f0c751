"""Writing checkpoints while training goes on.

A save stops the loop only for as long as it takes to copy this rank's slices into memory of its own; a thread writes
the copy, checksums it, and makes it a checkpoint. It is written under another name and renamed when the files of all
ranks are on the disk, so that a crash or a full disk at any moment leaves the last good checkpoint untouched. At most
one checkpoint is on its way: the next save waits for it.

PyTorch's own writer of this format (`dcp.HuggingFaceStorageWriter`) is not used: it builds each file in memory a second
time, holding the lock of the interpreter, so that a save in a thread stops training all the same
(docs/parallel-training.md). Its reader and its planning of what overlaps with what are.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

from smollab.train.checkpoint import (
    OPTIMIZER,
    STATE,
    WEIGHTS,
    checksum,
    list_checkpoints,
    load_state,
    model_tensors,
    saved_name,
    state_text,
)
from smollab.train.processes import TIMEOUT, any_rank, is_main, rank, world_size

UNFINISHED = ".unfinished"
SCORE = "bits_per_byte"
"""Key of a state: mean over the held-out sources, by which the best checkpoints are kept."""
CHECKSUM_BYTES = 16


class CheckpointWriter:
    """Saves the checkpoints of a run, and keeps the newest and the best of them; all ranks have one.

    Used as a context manager: on leaving, what is on its way is waited for.

    Args:
        folder: of all checkpoints.
        model: its parameters are saved; whole, or this rank's part.
        optimizers: their state per parameter is saved under the parameter's name.
        keep: newest checkpoints left on disk.
        keep_best: of all others, so many with the lowest `state["bits_per_byte"]` stay too.
    """

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        keep: int,
        keep_best: int = 0,
    ) -> None:
        self.folder, self._model, self._optimizers = folder, model, optimizers
        self._keep, self._keep_best = keep, keep_best
        self._buffers: dict[str, Tensor] = {}
        self._thread: threading.Thread | None = None
        self._problem: Exception | None = None
        # The thread talks to the other ranks' threads while the loops talk too; a slow disk is waited for.
        several = distributed.is_initialized() and world_size() > 1
        self._group = distributed.new_group(backend="gloo", timeout=timedelta(days=30)) if several else None
        if is_main():
            for left_over in folder.glob(f"*{UNFINISHED}"):  # of a killed run
                shutil.rmtree(left_over, ignore_errors=True)

    @property
    def failed(self) -> bool:
        """Whether a write has gone wrong here; `wait` raises it, on all ranks."""
        return self._problem is not None

    def save(self, state: dict[str, Any]) -> None:
        """Copy everything, and have it written from now on; all ranks of a run call this.

        Args:
            state: JSON, with at least `step`.

        Raises:
            OSError: the checkpoint before could not be written; older ones are untouched.
        """
        self.wait()
        files = [
            (WEIGHTS, self._copy(_model_pieces(self._model))),
            (OPTIMIZER, self._copy(_optimizer_pieces(self._model, self._optimizers))),
        ]
        arguments = (json.loads(json.dumps(state)), files)  # the loop goes on changing its own
        # A daemon, so that a run that ends because of an error elsewhere does not hang on it.
        self._thread = threading.Thread(target=self._write, args=arguments, name="checkpoint", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until what is on its way is a checkpoint; all ranks of a run call this.

        Raises:
            OSError: it could not be written, here or by another rank; older checkpoints are untouched.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        problem, self._problem = self._problem, None
        if any_rank(problem is not None):
            raise OSError(
                f"could not write the checkpoint in {self.folder}: {problem or 'another process could not'}; if the "
                "disk is full, free some space; the same command continues from the checkpoint before"
            ) from problem

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.wait()
        elif self._thread is not None:  # it may wait for a rank that is no more
            self._thread.join(TIMEOUT.total_seconds())

    def _copy(self, pieces: Iterator[tuple[str, Tensor, tuple[int, ...]]]) -> dict[str, tuple[Tensor, tuple[int, ...]]]:
        """Copy into memory that is used again for every checkpoint."""
        copies = {}
        for name, values, offset in pieces:
            buffer = self._buffers.get(name)
            if buffer is None or buffer.shape != values.shape or buffer.dtype != values.dtype:
                buffer = self._buffers[name] = torch.empty(values.shape, dtype=values.dtype)
            copies[name] = (buffer.copy_(values), offset)
        return copies

    def _write(self, state: dict[str, Any], files: list[tuple[str, dict[str, tuple[Tensor, tuple[int, ...]]]]]) -> None:
        """What the thread does: this rank's files; when all ranks have theirs, rank 0 makes them a checkpoint."""
        final = self.folder / f"step-{state['step']:08d}"
        unfinished = final.with_name(final.name + UNFINISHED)
        try:
            checksums: dict[str, str] = {}
            try:
                unfinished.mkdir(parents=True, exist_ok=True)
                for name, pieces in files:
                    file = unfinished / _file_name(name)
                    _write_pieces(file, pieces)
                    checksums[file.name] = checksum(file)
            except Exception as error:
                self._problem = error
            gathered = self._gather([] if self._problem else [checksums[_file_name(name)] for name, _ in files])
            if not is_main():
                return
            if gathered is not None:
                state["files"] = {
                    _file_name(name, number): value
                    for number, values in enumerate(gathered)
                    for (name, _), value in zip(files, values, strict=True)
                }
                (unfinished / STATE).write_text(state_text(state), encoding="utf-8")
                _flush(unfinished / STATE)
                shutil.rmtree(final, ignore_errors=True)
                unfinished.rename(final)
                _flush(self.folder)
                self._remove_old()
            else:
                shutil.rmtree(unfinished, ignore_errors=True)
                self._problem = self._problem or OSError("another process could not write its part")
        except Exception as error:
            self._problem = error
            if is_main():
                shutil.rmtree(unfinished, ignore_errors=True)

    def _gather(self, checksums: list[str]) -> list[list[str]] | None:
        """Every rank's checksums; None if some rank has none, because it failed."""
        if self._group is None:
            return [checksums] if checksums else None
        mine = b"".join(bytes.fromhex(value) for value in checksums)
        size = 1 + 2 * CHECKSUM_BYTES  # whether all is well, and two files
        sent = torch.frombuffer(bytearray([bool(mine)]) + bytearray(mine.ljust(size - 1)), dtype=torch.uint8)
        received = [torch.empty_like(sent) for _ in range(world_size())]
        distributed.all_gather(received, sent, group=self._group)
        if not all(row[0] for row in received):
            return None
        return [[bytes(part.tolist()).hex() for part in row[1:].split(CHECKSUM_BYTES)] for row in received]

    def _remove_old(self) -> None:
        """All but the newest and the best; renamed first, so that a kill leaves no half of one."""
        old = list_checkpoints(self.folder)[: -self._keep]
        scores = {path: load_state(path).get(SCORE) for path in old} if self._keep_best else {}
        best = sorted((score, path) for path, score in scores.items() if score is not None)[: self._keep_best]
        for path in set(old) - {path for _, path in best}:
            shutil.rmtree(path.rename(path.with_name(path.name + UNFINISHED)))


def _model_pieces(model: nn.Module) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
    """This rank's share of the weights: name, values, and where they begin in the whole tensor."""
    for index, (name, tensor) in enumerate(model_tensors(model)):
        if saved_name(name, model) == name:  # a tied unembedding on a rank of its own is another's embedding
            yield from _piece(name, tensor, index, tensor)


def _optimizer_pieces(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
    """This rank's share of what the optimizers keep, as `parameter/slot`."""
    named = ((name, parameter) for name, parameter in model.named_parameters() if saved_name(name, model) == name)
    names: dict[Tensor, str] = {parameter: name for name, parameter in named}
    places = {parameter: index for index, parameter in enumerate(names)}
    for optimizer in optimizers:
        for parameter, slots in optimizer.state.items():
            for slot, value in slots.items() if parameter in names else ():
                yield from _piece(f"{names[parameter]}/{slot}", value, places[parameter], parameter)


def _piece(name: str, value: Tensor, index: int, parameter: Tensor) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
    """A tensor as this rank saves it, if it does: of copies on several ranks one is saved, by each rank in turn."""
    value = value.detach()
    if not isinstance(parameter, DTensor):
        yield name, value, (0,) * value.ndim
        return
    copy, copies = 0, 1
    coordinate = parameter.device_mesh.get_coordinate() or ()
    for place, size, placement in zip(coordinate, parameter.device_mesh.shape, parameter.placements, strict=True):
        if placement.is_replicate() or not isinstance(value, DTensor):
            copy, copies = copy * size + place, copies * size
    if index % copies != copy:
        return
    if not isinstance(value, DTensor):
        yield name, value, (0,) * value.ndim
        return
    (chunk,) = value.__create_chunk_list__()
    local = value.to_local()
    if local.numel():
        yield name, local, tuple(chunk.offsets)


def _write_pieces(file: Path, pieces: dict[str, tuple[Tensor, tuple[int, ...]]]) -> None:
    header = {"format": "pt"}
    if world_size() > 1:  # as DCP notes them: torch/distributed/checkpoint/_hf_utils.py
        offsets = {name: {"saved_offsets": offset} for name, (_, offset) in pieces.items()}
        header |= {"DCP_SHARDING_INFO": json.dumps(offsets), "DCP_VERSION": "1.0"}
    save_file({name: values for name, (values, _) in pieces.items()}, file, header)
    _flush(file)


def _file_name(name: str, number: int | None = None) -> str:
    """Of one process `model.safetensors`, of several `model-00003.safetensors`."""
    return name if world_size() == 1 else name.replace(".", f"-{rank() if number is None else number:05d}.")


def _flush(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
