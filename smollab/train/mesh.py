"""The device mesh: how the processes of a run are arranged, and which part of a batch each of them gets.

Five axes, from the slowest links to the fastest:

    pipeline    each rank holds some of the layers          sends hidden states to the next
    data        each rank holds a copy of the weights       sums gradients
    shard       each rank holds a slice of every weight     gathers weights, scatters gradients (FSDP)
    context     each rank reads a slice of every sequence   exchanges heads for tokens inside attention
    tensor      each rank computes a slice of every matrix  gathers and scatters hidden states in every layer

`data` and `shard` split the rows of a batch, `context` splits its columns; along `pipeline` and `tensor` all
ranks see the same tokens. Gradients are summed over data, shard and context.

Source: the arrangement of torchtitan (Liang et al. 2024), on PyTorch's own DeviceMesh.
"""

from dataclasses import dataclass

import torch
from torch import distributed
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from smollab.batch import Batch
from smollab.recipe import Parallel

AXES = ("pipeline", "data", "shard", "context", "tensor")


@dataclass(frozen=True)
class Layout:
    """This process's place in the mesh."""

    mesh: DeviceMesh
    reduction: DeviceMesh
    """(data, shard x context): over which weights are sharded and gradients summed."""

    def size(self, axis: str) -> int:
        """Ranks along an axis."""
        return self.mesh[axis].size()

    def rank(self, axis: str) -> int:
        """This process's coordinate along an axis."""
        return self.mesh.get_local_rank(axis)

    def group(self, axis: str) -> distributed.ProcessGroup:
        """The processes that differ from this one along one axis only."""
        return self.mesh.get_group(axis)

    @property
    def data_size(self) -> int:
        """Ranks that see different tokens."""
        return self.reduction.size()

    def rows(self, batch_sequences: int) -> slice:
        """The rows of a batch that this process trains on."""
        ranks = self.size("data") * self.size("shard")
        each = batch_sequences // ranks
        start = (self.rank("data") * self.size("shard") + self.rank("shard")) * each
        return slice(start, start + each)

    def columns(self, batch: Batch) -> Batch:
        """The tokens and targets of this context rank; positions and document ids stay whole (see context_parallel)."""
        ranks = self.size("context")
        if ranks == 1:
            return batch
        each = batch.tokens.shape[1] // ranks
        mine = slice(self.rank("context") * each, (self.rank("context") + 1) * each)
        return Batch(
            batch.tokens[:, mine].contiguous(), batch.targets[:, mine].contiguous(), batch.positions, batch.document_ids
        )


def build_layout(settings: Parallel, device_type: str) -> Layout:
    """Arrange the processes of the default process group.

    Raises:
        ValueError: their number is not the product of the settings.
    """
    sizes = tuple(getattr(settings, axis) for axis in AXES)
    mesh = init_device_mesh(device_type, sizes, mesh_dim_names=AXES)
    mesh["shard", "context"]._flatten("shard_context")
    return Layout(mesh, mesh["data", "shard_context"])


def sum_over_data(value: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Sum a number over the ranks that see different tokens."""
    for axis in ("data", "shard_context"):
        distributed.all_reduce(value, group=layout.mesh.get_group(axis))
    return value
