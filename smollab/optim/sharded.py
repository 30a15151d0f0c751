"""Orthogonalization of matrices that are spread over ranks.

Newton-Schulz needs the whole matrix: orthogonalizing each rank's slice by itself gives another update, and nothing
fails. So the slices are gathered, every rank orthogonalizes its share of the matrices, and the results are gathered
and sliced again. Each rank does 1 / ranks of the work; twice the matrices go over the wire.

Source: the division of work among ranks is that of Jordan's distributed Muon (2024) and of Dion (Ahn et al. 2025).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, distribute_tensor

from smollab.optim.newton_schulz import newton_schulz


def orthogonalize_sharded(updates: Sequence[Tensor], steps: int, dtype: torch.dtype) -> list[Tensor]:
    """Orthogonalize matrices of one shape and one placement.

    Args:
        updates: at least one, DTensors; all ranks of their mesh call this with the same ones.
        steps: of Newton-Schulz.
        dtype: to compute in.

    Returns:
        Of each this rank's slice, as a DTensor placed like the update.
    """
    sharded = [update for update in updates if isinstance(update, DTensor)]
    mesh, placements = sharded[0].device_mesh, sharded[0].placements
    ranks = mesh.size()
    group = _whole_group(mesh)
    whole = [update.full_tensor() for update in sharded]
    share = -(-len(whole) // ranks)
    first = group.rank() * share
    mine = torch.stack([whole[min(index, len(whole) - 1)] for index in range(first, first + share)]).to(dtype)
    orthogonal = newton_schulz(mine, steps) if first < len(whole) else mine
    gathered = [torch.empty_like(mine) for _ in range(ranks)]
    distributed.all_gather(gathered, orthogonal.contiguous(), group=group)
    matrices = torch.cat(gathered)[: len(whole)]
    return [distribute_tensor(matrix, mesh, placements, src_data_rank=None) for matrix in matrices]


def _whole_group(mesh: DeviceMesh) -> distributed.ProcessGroup:
    """All ranks of a mesh, whatever its number of axes."""
    return mesh.get_group() if mesh.ndim == 1 else mesh._flatten().get_group()
