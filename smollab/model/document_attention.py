"""Causal attention confined to documents, on tensors whose documents lie one after the other.

In a packed batch a token sees only its own document (intra-document masking; Zhao et al. 2024). A list of the
documents' lengths says all about the mask: attention runs on each piece alone. On CPUs that costs less than half of one
call with a boolean mask, and nothing is computed for pairs that may not see each other. On accelerators, where many
small calls are slow and knowing the lengths would wait for the device, `flex_attention.py` does the same in one call.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from smollab.model.flex_attention import FlexDocuments


def document_lengths(document_ids: Tensor) -> list[int]:
    """Lengths of the runs of equal ids in (batch, seq), row by row; a row's end always ends a document.

    `[[0, 0, 1], [1, 1, 1]]` gives `[2, 1, 3]`.
    """
    starts = torch.ones_like(document_ids, dtype=torch.bool)
    starts[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    boundaries = starts.flatten().nonzero().flatten().tolist()
    return [end - start for start, end in zip(boundaries, [*boundaries[1:], document_ids.numel()], strict=True)]


def padded_documents(attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Document ids and positions of padded rows: padding, left or right, is a document of its own.

    Args:
        attention_mask: (batch, seq), 1 for tokens and 0 for padding, as tokenizers of Hugging Face give it.

    Returns:
        document ids, and positions counted from the first token that is no padding; both (batch, seq).
    """
    ids = attention_mask.long()
    return ids, (ids.cumsum(dim=-1) - 1).clamp(min=0)


def document_attention(
    query: Tensor, key: Tensor, value: Tensor, documents: Sequence[int] | FlexDocuments, window: int | None = None
) -> Tensor:
    """Causal attention within each of several documents.

    Args:
        query: (tokens, num_attention_heads, head_dim), the documents one after the other.
        key: (tokens, num_key_value_heads, head_dim).
        value: as key.
        documents: tokens of each document, which sum to `tokens`; or the mask of an accelerator.
        window: a token sees so many tokens, itself included; None: all before it.

    Returns:
        (tokens, num_attention_heads, head_dim)
    """
    if isinstance(documents, FlexDocuments):
        return documents.attend(query, key, value, window)
    lengths = list(documents)
    if len(set(lengths)) == 1:  # one call for all
        q, k, v = (x.view(len(lengths), lengths[0], *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
        return causal_attention(q, k, v, window).transpose(1, 2).flatten(0, 1)
    outputs = []
    for piece in zip(*(x.split(lengths) for x in (query, key, value)), strict=True):
        q, k, v = (x.transpose(0, 1)[None] for x in piece)
        outputs.append(causal_attention(q, k, v, window)[0].transpose(0, 1))
    return torch.cat(outputs)


def causal_attention(query: Tensor, key: Tensor, value: Tensor, window: int | None = None) -> Tensor:
    """Attention of (batch, heads, seq, head_dim) to all earlier tokens, or to those in a window.

    With a window the queries are taken a window at a time, each piece with the keys it can see, at most two windows;
    so cost grows with seq * window rather than with seq^2.
    """
    length = query.shape[-2]
    if window is None or length <= window:
        return grouped_query_attention(query, key, value, is_causal=True)
    outputs = []
    for start in range(0, length, window):
        first, stop = max(0, start - window + 1), min(start + window, length)
        looking = torch.arange(start, stop, device=query.device)[:, None]
        looked_at = torch.arange(first, stop, device=query.device)
        visible = (looked_at <= looking) & (looked_at > looking - window)
        piece = query[..., start:stop, :], key[..., first:stop, :], value[..., first:stop, :]
        outputs.append(grouped_query_attention(*piece, is_causal=False, visible=visible))
    return torch.cat(outputs, dim=-2)


def grouped_query_attention(
    query: Tensor, key: Tensor, value: Tensor, is_causal: bool, visible: Tensor | None = None
) -> Tensor:
    """softmax(q k^T / sqrt(head_dim)) v for (batch, heads, seq, head_dim), key-value heads shared by groups.

    Args:
        query: (batch, num_attention_heads, queries, head_dim).
        key: (batch, num_key_value_heads, keys, head_dim).
        value: as key.
        is_causal: query i sees keys 0 to i; there are as many keys as queries.
        visible: boolean, (queries, keys) or broadcastable to (batch, heads, queries, keys): True where a key is seen.
    """
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=visible, is_causal=is_causal, enable_gqa=query.shape[1] != key.shape[1]
    )
