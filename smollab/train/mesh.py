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
    """This process's place among the others, on two meshes of the same processes."""

    mesh: DeviceMesh
    """(pipeline, data, reduction, tensor): how weights are placed; `reduction` is shard times context."""
    sequences: DeviceMesh
    """(pipeline, data, shard, context, tensor): how tokens are placed."""

    def size(self, axis: str) -> int:
        """Ranks along an axis."""
        return self.sequences[axis].size()

    def rank(self, axis: str) -> int:
        """This process's coordinate along an axis."""
        return self.sequences.get_local_rank(axis)

    def group(self, axis: str) -> distributed.ProcessGroup:
        """The processes that differ from this one along one axis only."""
        return self.sequences.get_group(axis)

    @property
    def weights(self) -> DeviceMesh:
        """(data, reduction): over which weights are copied and sliced, and gradients summed."""
        return self.mesh["data", "reduction"]

    @property
    def data_size(self) -> int:
        """Ranks that see different tokens."""
        return self.size("data") * self.size("shard") * self.size("context")

    def rows(self, batch_sequences: int) -> slice:
        """The rows of a batch that this process trains on."""
        ranks = self.size("data") * self.size("shard")
        each = batch_sequences // ranks
        start = (self.rank("data") * self.size("shard") + self.rank("shard")) * each
        return slice(start, start + each)

    def columns(self, batch: Batch) -> Batch:
        """What this context rank holds; positions and document ids stay whole (see context_parallel)."""
        ranks = self.size("context")
        if ranks == 1:
            return batch
        each = batch.tokens.shape[1] // ranks
        mine = slice(self.rank("context") * each, (self.rank("context") + 1) * each)
        extra = {name: tensor[:, mine].contiguous() for name, tensor in batch.extra.items()}
        tokens, targets = batch.tokens[:, mine].contiguous(), batch.targets[:, mine].contiguous()
        return Batch(tokens, targets, batch.positions, batch.document_ids, extra)


def build_layout(settings: Parallel, device_type: str) -> Layout:
    """Arrange the processes of the default process group.

    Raises:
        ValueError: their number is not the product of the settings.
    """
    sizes = {axis: getattr(settings, axis) for axis in AXES}
    sequences = init_device_mesh(device_type, tuple(sizes.values()), mesh_dim_names=AXES)
    placement = (sizes["pipeline"], sizes["data"], sizes["shard"] * sizes["context"], sizes["tensor"])
    mesh = init_device_mesh(device_type, placement, mesh_dim_names=("pipeline", "data", "reduction", "tensor"))
    return Layout(mesh, sequences)


def check_batch(parallel: Parallel, batch_sequences: int, sequence_length: int, micro_batch: int) -> None:
    """Refuse a batch that the layout cannot divide into equal parts.

    Raises:
        ValueError: naming what must divide what.
    """
    ranks = parallel.data * parallel.shard
    if batch_sequences % ranks:
        raise ValueError(
            f"{batch_sequences} sequences per step cannot be dealt to {ranks} ranks (parallel.data x shard)"
        )
    rows = batch_sequences // ranks
    if parallel.pipeline > 1 and rows % micro_batch:
        raise ValueError(
            f"the {rows} sequences of each pipeline must be a multiple of the {micro_batch} of a micro-batch "
            "(train.micro_batch_sequences)"
        )
    stages = parallel.pipeline * parallel.stages_per_rank
    if parallel.pipeline > 1 and rows // micro_batch < stages:
        raise ValueError(
            f"{rows // micro_batch} micro-batches per step cannot fill a pipeline of {stages} stretches: lower "
            "train.micro_batch_sequences or parallel.pipeline"
        )
    if sequence_length % parallel.context:
        raise ValueError(
            f"sequences of {sequence_length} tokens cannot be cut into parallel.context = {parallel.context}"
        )
    # with uneven micro-batches the last one is smaller
    smallest = (rows % micro_batch or micro_batch) * sequence_length // parallel.context
    if smallest % parallel.tensor:
        raise ValueError(
            f"the {smallest} tokens of a micro-batch cannot be dealt to parallel.tensor = {parallel.tensor}"
        )


def sum_over_data(value: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Sum a number over the ranks that see different tokens."""
    for axis in ("data", "reduction"):
        distributed.all_reduce(value, group=layout.mesh.get_group(axis))
    return value
