"""Context parallelism: one sequence over several ranks.

Everything in a transformer but attention treats tokens one by one, so each rank keeps a slice of every sequence. For
attention there are two ways.

Ulysses: the ranks exchange. Each gives away the queries, keys and values of its tokens for all heads but its own, and
receives those of all other tokens for its own heads. Then it has whole sequences for a few heads, attention runs as if
alone (documents, masks and all), and the exchange is undone on its output.

    (batch, seq / ranks, heads)  --all-to-all-->  (batch, seq, heads / ranks)

Causal attention is balanced this way without any reordering: each rank does all positions of its heads. With fewer
key-value heads than ranks each key-value head is given to several ranks. On the wire: per layer and rank about
4 * (ranks - 1) / ranks of its tokens' hidden states.

All-gather: each rank gathers the keys and values of all tokens, all heads of them, and lets its own queries look at
them. The number of heads does not matter, and with few key-value heads little is sent: 2 * key-value heads / heads of
the hidden states of *all* tokens. A rank's queries look at all that is before them in their document: in a document as
long as the sequence the last rank does almost twice the mean, in short ones all do the same. Dealing each rank a piece
of the beginning and one of the end ("zigzag") would balance the former, and cost every objective its contiguous
slices; since packed documents are mostly shorter than a slice, and Ulysses balances the long ones, it is left out.

Positions and document ids are passed to the model whole, because it uses them where sequences are whole.

Source: Jacobs et al. 2023 (DeepSpeed Ulysses); Llama 3 (2024), section 3.3.2 (all-gathered keys and values).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh

from smollab.model.attention import Attention
from smollab.model.document_attention import causal_attention, grouped_query_attention
from smollab.model.flex_attention import FlexDocuments

QUERIES_AT_A_TIME = 1024
"""Where a rank's queries look at keys before its slice, so many at a time have a mask of their own."""


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
    """The exchanges around every attention of a model (Ulysses)."""

    def __init__(self, model: nn.Module, mesh: DeviceMesh) -> None:
        """Put them in place; the ranks of `mesh`, which has one axis, share every sequence."""
        self._batch = 1
        group = mesh.get_group()
        for attention in model.modules():
            if not isinstance(attention, Attention):
                continue
            split_heads = lambda _, __, output, width=attention.head_dim: heads_for_tokens(
                output, self._batch, width, group
            )
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
                projection.register_forward_hook(split_heads)
            # before tensor parallelism's own hook, which takes the result as a slice of the heads
            attention.o_proj.register_forward_pre_hook(
                lambda _, inputs: (tokens_for_heads(inputs[0], self._batch, group),), prepend=True
            )

    def begin(self, positions: Tensor) -> Tensor:
        """Take note of a micro-batch's shape, (batch, seq), and return the positions that attention needs: all."""
        self._batch = positions.shape[0]  # the model works on flattened batches and does not know it
        return positions


class _AllGather(torch.autograd.Function):
    """Stack the tensors of all ranks along a new first dimension; each rank gets the sum of its part's gradients.

    `torch.distributed.nn.functional.all_gather` would do it, but with gloo its backward pass silently misreads
    gradients that are not contiguous.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: distributed.ProcessGroup) -> Tensor:  # type: ignore[override]
        ctx.group = group
        output = x.new_empty((group.size(), *x.shape))
        distributed.all_gather_into_tensor(output.flatten(0, 1), x.contiguous(), group=group)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        output = torch.empty_like(grad[0], memory_format=torch.contiguous_format)
        distributed.reduce_scatter_tensor(output, grad.contiguous().flatten(0, 1), group=ctx.group)
        return output, None


class Gathering:
    """Keys and values of all tokens at every attention of a model; queries stay on their ranks."""

    def __init__(self, model: nn.Module, mesh: DeviceMesh) -> None:
        """Put it in place; the ranks of `mesh`, which has one axis, share every sequence."""
        self._group, self._ranks = mesh.get_group(), mesh.size()
        self._batch = self._length = 1
        for attention in model.modules():
            if isinstance(attention, Attention):
                attention.attend = partial(self._attend, attention.window)  # type: ignore[method-assign]

    def begin(self, positions: Tensor) -> Tensor:
        """Take note of a micro-batch's shape, (batch, seq), and return the positions of this rank's tokens."""
        self._batch, self._length = positions.shape[0], positions.shape[1] // self._ranks
        return positions[:, self.first : self.first + self._length]

    @property
    def first(self) -> int:
        """The place of this rank's first token in its sequence."""
        return self._group.rank() * self._length

    def _attend(
        self, window: int | None, query: Tensor, key: Tensor, value: Tensor, documents: Sequence[int] | FlexDocuments
    ) -> Tensor:
        """Attention of this rank's queries (batch * seq / ranks, heads, head_dim), to the same shape."""
        both = torch.stack([x.view(self._batch, self._length, *x.shape[1:]) for x in (key, value)])
        gathered = _AllGather.apply(both, self._group)  # (ranks, 2, batch, length, heads, head_dim)
        key, value = gathered.permute(1, 2, 0, 3, 4, 5).flatten(1, 3)
        if isinstance(documents, FlexDocuments):
            return documents.attend(query, key, value, window, self.first)
        return attention_of_slices(query, key, value, documents, self._batch, self.first, window)


def attention_of_slices(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Sequence[int],
    batch: int,
    first: int,
    window: int | None = None,
) -> Tensor:
    """Causal attention within documents, for a slice of the queries of every sequence.

    Args:
        query: (batch * slice, num_attention_heads, head_dim).
        key: (batch * seq, num_key_value_heads, head_dim), of whole sequences.
        value: as key.
        lengths: tokens of each document, row by row.
        batch: sequences.
        first: where the slice begins in each of them.
        window: a token sees so many tokens, itself included; None: all before it.
    """
    outputs = []
    for mine, seen in slices_of_documents(lengths, key.shape[0] // batch, first, query.shape[0] // batch):
        q, k, v = (x.transpose(0, 1)[None] for x in (query[mine], key[seen], value[seen]))
        attend = causal_attention if q.shape[-2] == k.shape[-2] else _attend_to_earlier
        outputs.append(attend(q, k, v, window)[0].transpose(0, 1))
    return torch.cat(outputs)


def slices_of_documents(
    lengths: Sequence[int], sequence_length: int, first: int, length: int
) -> Iterator[tuple[slice, slice]]:
    """For each document with tokens among the `length` from `first` on: those tokens, and all that they see.

    Both are places in flattened batches: the first of (batch, length), the second of (batch, sequence_length).
    """
    ends = list(itertools.accumulate(lengths))
    for end, tokens in zip(ends, lengths, strict=True):
        begin = end - tokens
        row = begin // sequence_length
        mine = row * sequence_length + first
        start, stop = max(begin, mine), min(end, mine + length)
        if start < stop:
            local = row * length - mine
            yield slice(start + local, stop + local), slice(begin, stop)


def _attend_to_earlier(query: Tensor, key: Tensor, value: Tensor, window: int | None) -> Tensor:
    """Causal attention of the last tokens of (batch, heads, keys, head_dim)."""
    earlier = key.shape[-2] - query.shape[-2]
    outputs = []
    for start in range(0, query.shape[-2], QUERIES_AT_A_TIME):
        piece = query[..., start : start + QUERIES_AT_A_TIME, :]
        stop = earlier + start + piece.shape[-2]
        looking = torch.arange(stop - piece.shape[-2], stop, device=query.device)[:, None]
        looked_at = torch.arange(stop, device=query.device)
        visible = looked_at <= looking
        if window is not None:
            visible &= looked_at > looking - window
        outputs.append(
            grouped_query_attention(piece, key[..., :stop, :], value[..., :stop, :], is_causal=False, visible=visible)
        )
    return torch.cat(outputs, dim=-2)


METHODS: dict[str, Callable[[nn.Module, DeviceMesh], Exchange | Gathering]] = {
    "ulysses": Exchange,
    "all_gather": Gathering,
}
"""By the recipe's `parallel.context_method`."""
