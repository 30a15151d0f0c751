"""The processes of a run: joining them, and the few words they exchange beside gradients.

`torchrun` starts one process for each rank and tells each its number. A dead rank ends the others: gloo and NCCL
notice the closed connection, or give up after `TIMEOUT`, and torchrun then stops all that are left, with a line that
names the first to fail.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import torch
from torch import distributed

from smollab.progress import console
from smollab.recipe import Parallel, RecipeError

TIMEOUT = timedelta(minutes=10)
"""How long a rank waits for the others inside a step."""


LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""How gloo says that a process on the other end is no more."""


class RankLost(RuntimeError):
    """Another process of the run has ended."""


def world_size() -> int:
    """Processes that torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number among them, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_main() -> bool:
    """Whether this process speaks, and writes what is written once: rank 0, or the only one."""
    return rank() == 0


def fit_layout(parallel: Parallel) -> Parallel:
    """Let replicas fill up what the layout leaves of the started processes.

    Raises:
        RecipeError: the layout needs another number of processes; the message says how to start them.
    """
    started = world_size()
    if started > parallel.num_ranks and parallel.data == 1 and started % parallel.num_ranks == 0:
        return replace(parallel, data=started // parallel.num_ranks)
    if started != parallel.num_ranks:
        axes = ", ".join(
            f"{axis} {getattr(parallel, axis)}"
            for axis in ("data", "shard", "context", "tensor", "pipeline")
            if getattr(parallel, axis) > 1
        )
        raise RecipeError(
            f"[parallel] asks for {parallel.num_ranks} processes ({axes}), and {started} started; start them with: "
            f"torchrun --nproc-per-node {parallel.num_ranks} -m smollab.train RECIPE"
        )
    return parallel


@contextmanager
def joined() -> Iterator[torch.device]:
    """Join the processes that torchrun started, for the length of a block; alone: nothing to join.

    Yields:
        The device of this process.

    Raises:
        RankLost: another process ended in the middle of the block.
    """
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if world_size() == 1:
        yield device
        return
    if cuda:
        torch.cuda.set_device(device)
    console.quiet = not is_main()
    # It advises to merge collectives over two axes of a mesh; what is gathered so is small.
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
    try:
        yield device
        distributed.barrier()
    except RuntimeError as error:
        if not any(words in str(error) for words in LOST):
            raise
        raise RankLost(
            "another process of this run has ended, so this one cannot go on; what that one printed, or torchrun's "
            "last lines, tell why. The same command continues from the last checkpoint"
        ) from error
    finally:
        distributed.destroy_process_group()


def any_rank(flag: bool) -> bool:
    """Whether a flag is set on some rank; all ranks get the same answer."""
    return any_ranks(flag)[0]


def any_ranks(*flags: bool) -> tuple[bool, ...]:
    """Of several flags, whether each is set on some rank; they travel together."""
    if not distributed.is_initialized():
        return flags
    values = torch.tensor(flags, dtype=torch.float32)
    distributed.all_reduce(values, op=distributed.ReduceOp.MAX)
    return tuple(bool(value) for value in values)


def from_main(number: int) -> int:
    """What rank 0 passed, on every rank."""
    if not distributed.is_initialized():
        return number
    box = torch.tensor(number)
    distributed.broadcast(box, src=0)
    return int(box)


def wait_for_main(number: int = 0) -> int:
    """What rank 0 passed, on every rank, however long it takes to come here: it may be curating documents."""
    if world_size() == 1:
        return number
    patient = distributed.new_group(backend="gloo", timeout=timedelta(days=30))
    box = torch.tensor(number)
    distributed.broadcast(box, src=0, group=patient)
    return int(box)
