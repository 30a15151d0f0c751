"""The largest logit of attention of every head, measured while the model runs.

    S_h = max over i and the j that i may see of q_i . k_j / sqrt(head_dim)

Attention itself never holds the scores of a whole sequence, and neither does this: queries are taken some at a time.
What may not be seen does not count: later tokens, other documents, places outside the window.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from smollab.model.attention import Attention
from smollab.model.flex_attention import FlexDocuments

CHUNK = 128
"""Queries whose scores exist at one time, for all heads of a document."""


@torch.no_grad()
def largest_logits(
    query: Tensor, key: Tensor, documents: Sequence[int] | FlexDocuments, window: int | None = None
) -> Tensor:
    """The largest logit of each query head, (num_attention_heads,).

    Args:
        query: (tokens, num_attention_heads, head_dim), the documents one after the other.
        key: (tokens, num_key_value_heads, head_dim).
        documents: tokens of each document; or the mask of an accelerator.
        window: a token sees so many tokens, itself included; None: all before it.
    """
    if isinstance(documents, FlexDocuments):
        ids = documents.document_ids
        rows = zip(query.split(documents.length), key.split(documents.length), ids, strict=True)
        best = torch.stack([_largest(q[None], k[None], window, row) for q, k, row in rows]).amax(dim=0)
    elif len(set(documents)) == 1:
        count, length = len(documents), documents[0]
        best = _largest(query.view(count, length, *query.shape[1:]), key.view(count, length, *key.shape[1:]), window)
    else:
        pieces = zip(query.split(list(documents)), key.split(list(documents)), strict=True)
        best = torch.stack([_largest(q[None], k[None], window) for q, k in pieces]).amax(dim=0)
    return best.float() / math.sqrt(query.shape[-1])


def _largest(query: Tensor, key: Tensor, window: int | None, ids: Tensor | None = None) -> Tensor:
    """Of (documents, length, heads, head_dim), the largest product of each query head with a key it sees."""
    documents, length, heads, _ = query.shape
    groups = key.shape[2]
    query = query.view(documents, length, groups, heads // groups, -1).permute(0, 2, 3, 1, 4)
    key = key.permute(0, 2, 3, 1)[:, :, None]  # (documents, groups, 1, head_dim, length)
    place = torch.arange(length, device=query.device)
    best = []
    for start in range(0, length, CHUNK):
        stop = min(start + CHUNK, length)
        first = 0 if window is None else max(0, start - window + 1)
        scores = query[..., start:stop, :] @ key[..., first:stop]
        looking, looked_at = place[start:stop, None], place[None, first:stop]
        hidden = looked_at > looking
        if window is not None:
            hidden = hidden | (looking - looked_at >= window)
        if ids is not None:
            hidden = hidden | (ids[start:stop, None] != ids[None, first:stop])
        best.append(scores.masked_fill_(hidden, -math.inf).amax(dim=(0, 3, 4)).flatten())
    return torch.stack(best).amax(dim=0)


class AttentionLogits:
    """The largest logit of every layer and head since the last `take`, over all micro-batches and ranks.

    Only passes that record gradients count: evaluation does not.

    Args:
        model: whole, or this rank's part of it. Its attentions are watched from now on, while `active`.
    """

    def __init__(self, model: nn.Module) -> None:
        config: Any = model.config
        self.active = True
        """Whether to measure."""
        self._shape = (config.num_hidden_layers, config.num_attention_heads)
        self._is_shared = getattr(model, "layout", None) is not None
        self._first_head = _first_head(model, config.num_attention_heads)
        self._best: dict[int, Tensor] = {}
        self.device = next(model.parameters()).device
        for module in model.modules():
            if isinstance(module, Attention):
                module.attend = self._watched(module)  # type: ignore[method-assign]

    def _watched(self, attention: Attention) -> Callable[..., Tensor]:
        """The attention of a layer, which now looks at queries and keys as they come by."""
        attend, layer, window = attention.attend, attention.layer, attention.window

        @torch.compiler.disable
        def watched(query: Tensor, key: Tensor, value: Tensor, documents: Sequence[int] | FlexDocuments) -> Tensor:
            if self.active and torch.is_grad_enabled():
                found = largest_logits(query, key, documents, window)
                self._best[layer] = torch.maximum(self._best[layer], found) if layer in self._best else found
            return attend(query, key, value, documents)

        return watched

    def forget(self) -> None:
        """Forget what was seen on this rank."""
        self._best.clear()

    def take(self) -> Tensor:
        """(num_hidden_layers, num_attention_heads), the same on all ranks; minus infinity where nothing was seen.

        All ranks of a run call this. Forgets what was seen.
        """
        largest = torch.full(self._shape, -math.inf, device=self.device)
        for layer, found in self._best.items():
            # A maximum over ranks may lose what is not a number, but not infinity.
            largest[layer, self._first_head : self._first_head + len(found)] = found.nan_to_num(nan=math.inf)
        self._best.clear()
        if self._is_shared:
            distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
        return largest


def _first_head(model: nn.Module, num_heads: int) -> int:
    """The first of the heads whose queries this rank computes: tensor ranks divide them, context ranks once more."""
    layout: Any = getattr(model, "layout", None)
    if layout is None:
        return 0
    each = num_heads // layout.size("tensor")
    return int(layout.rank("tensor") * each + layout.rank("context") * (each // layout.size("context")))
