"""Started by torchrun: hand a checkpoint on from layout to layout; each loads what the one before saved, and saves it.

torchrun --nproc-per-node 2 reshard_checkpoints.py FOLDER alone tensor=2 shard=2
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from smollab.model.config import ModelConfig
from smollab.objectives import build_objective
from smollab.optim import build_optimizers
from smollab.recipe import Objective, Optimizer, Parallel
from smollab.train.checkpoint import find_checkpoint, load_checkpoint
from smollab.train.checkpoint_writer import CheckpointWriter
from smollab.train.mesh import build_layout
from smollab.train.parallel import ParallelModel

SHAPE: dict[str, Any] = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 98,  # 49 for each of two tensor ranks: FSDP's slices of that are uneven
    "qk_norm": True,
}
OPTIMIZER = Optimizer(learning_rate=5e-3)
CONFIGURATION = {"model": SHAPE}


def hand_on(folder: Path, before: str, layout: str) -> None:
    """Load the checkpoint of one layout in another, and save it."""
    sizes = Parallel(**{axis: int(size) for axis, size in (word.split("=") for word in layout.split(","))})
    config = ModelConfig(**SHAPE)
    model = ParallelModel(
        config, sizes, build_layout(sizes, "cpu"), build_objective(Objective(), config), 1, torch.device("cpu")
    )
    optimizers = build_optimizers(model, OPTIMIZER)
    found = find_checkpoint(folder / before, CONFIGURATION)
    assert found is not None
    state = load_checkpoint(found[0], model, optimizers, CONFIGURATION)
    with CheckpointWriter(folder / layout, model, optimizers, keep=1) as writer:
        writer.save({key: value for key, value in state.items() if key != "files"})


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    place, *chain = sys.argv[1:]
    for first, second in pairwise(chain):
        hand_on(Path(place), first, second)
        distributed.barrier()
    distributed.destroy_process_group()
