"""Context parallelism: one sequence over several ranks (Ulysses).

Everything in a transformer but attention treats tokens one by one, so each rank keeps a slice of every sequence.
Before attention the ranks exchange: each gives away the queries, keys and values of its tokens for all heads but
its own, and receives those of all other tokens for its own heads. Then it has whole sequences for a few heads,
attention runs as if alone (documents, masks and all), and the exchange is undone on its output.

    (batch, seq / ranks, heads)  --all-to-all-->  (batch, seq, heads / ranks)

Causal attention is balanced this way without any reordering: each rank does all positions of its heads. With fewer
key-value heads than ranks each key-value head is given to several ranks. On the wire: per layer and rank about
4 * (ranks - 1) / ranks of its tokens' hidden states.

Positions and document ids are passed to the model whole, because it uses them where sequences are whole.

Source: Jacobs et al. 2023 (DeepSpeed Ulysses).
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh

from smollab.model.attention import Attention


class _AllToAll(torch.autograd.Function):
    """Send the i-th of equal pieces along the first dimension to rank i; its derivative is itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: distributed.ProcessGroup) -> Tensor:  # type: ignore[override]
        ctx.group = group
        output = torch.empty_like(x, memory_format=torch.contiguous_format)
        distributed.all_to_all_single(output, x.contiguous(), group=group)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        # gloo silently misreads tensors that are not contiguous
        output = torch.empty_like(grad, memory_format=torch.contiguous_format)
        distributed.all_to_all_single(output, grad.contiguous(), group=ctx.group)
        return output, None


def heads_for_tokens(x: Tensor, batch: int, head_dim: int, group: distributed.ProcessGroup) -> Tensor:
    """Exchange a slice of tokens with all heads for all tokens with a slice of heads.

    Args:
        x: (batch * seq / ranks, heads * head_dim), the flattened slice of this rank.
        batch: sequences.
        head_dim: channels per head.
        group: the ranks that share the sequences.

    Returns:
        (batch * seq, heads / ranks * head_dim); with fewer heads than ranks: one head.
    """
    ranks = group.size()
    x = x.view(batch, -1, x.shape[-1] // head_dim, head_dim)
    if x.shape[2] < ranks:
        x = x.repeat_interleave(ranks // x.shape[2], dim=2)
    length, heads = x.shape[1], x.shape[2] // ranks
    x = x.view(batch, length, ranks, heads * head_dim).permute(2, 0, 1, 3)
    x = _AllToAll.apply(x, group)  # (ranks, batch, length, heads * head_dim): piece i is rank i's tokens
    return x.transpose(0, 1).reshape(batch * ranks * length, heads * head_dim)


def tokens_for_heads(x: Tensor, batch: int, group: distributed.ProcessGroup) -> Tensor:
    """Undo `heads_for_tokens`: (batch * seq, width / ranks) to (batch * seq / ranks, width)."""
    ranks = group.size()
    x = x.view(batch, ranks, -1, x.shape[-1]).transpose(0, 1)
    x = _AllToAll.apply(x, group)  # (ranks, batch, length, width / ranks): piece i is rank i's heads
    return x.permute(1, 2, 0, 3).reshape(batch * x.shape[2], -1)


class Exchange:
    """The exchanges around every attention of a model."""

    def __init__(self, model: nn.Module, mesh: DeviceMesh) -> None:
        """Put them in place; the ranks of `mesh`, which has one axis, share every sequence."""
        self.batch = 1
        """Sequences of the micro-batch now read; the model works on flattened batches and does not know it."""
        group = mesh.get_group()
        for attention in model.modules():
            if not isinstance(attention, Attention):
                continue
            split_heads = lambda _, __, output, width=attention.head_dim: heads_for_tokens(
                output, self.batch, width, group
            )
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
                projection.register_forward_hook(split_heads)
            # before tensor parallelism's own hook, which takes the result as a slice of the heads
            attention.o_proj.register_forward_pre_hook(
                lambda _, inputs: (tokens_for_heads(inputs[0], self.batch, group),), prepend=True
            )
