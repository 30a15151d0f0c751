"""Orthogonalization of matrices that are spread over ranks.

Newton-Schulz needs the whole matrix: orthogonalizing each rank's slice by itself gives another update, and nothing
fails. So the slices are gathered, every rank orthogonalizes its share of the matrices, and the results are gathered
and sliced again. Each rank does 1 / ranks of the work; twice the matrices go over the wire.

Source: the division of work among ranks is that of Jordan's distributed Muon (2024) and of Dion (Ahn et al. 2025).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, distributed
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, distribute_tensor


def orthogonalize_sharded(
    updates: Sequence[Tensor], orthogonalize: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> Tensor:
    """Orthogonalize matrices of one shape and one placement.

    Args:
        updates: at least one, DTensors; all ranks of their mesh call this with the same ones.
        orthogonalize: maps (count, rows, columns) to the same shape.
        dtype: to compute in.

    Returns:
        All of them whole, (count, rows, columns), on every rank; `slice_like` takes a rank's slices.
    """
    sharded = [update for update in updates if isinstance(update, DTensor)]
    mesh = sharded[0].device_mesh
    ranks = mesh.size()
    group = _whole_group(mesh)
    whole = [update.full_tensor() for update in sharded]
    share = -(-len(whole) // ranks)
    first = group.rank() * share
    mine = torch.stack([whole[min(index, len(whole) - 1)] for index in range(first, first + share)]).to(dtype)
    orthogonal = orthogonalize(mine) if first < len(whole) else mine
    gathered = [torch.empty_like(mine) for _ in range(ranks)]
    distributed.all_gather(gathered, orthogonal.contiguous(), group=group)
    return torch.cat(gathered)[: len(whole)]


def slice_like(whole: Tensor, like: Tensor) -> Tensor:
    """This rank's slice of a tensor that every rank has whole, placed like another of the same shape."""
    if not isinstance(like, DTensor):
        return whole
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)


def _whole_group(mesh: DeviceMesh) -> distributed.ProcessGroup:
    """All ranks of a mesh, whatever its number of axes."""
    return mesh.get_group() if mesh.ndim == 1 else mesh._flatten().get_group()
