"""Grouped-query causal attention, confined to documents.

Several query heads share one key-value head (GQA; Ainslie et al. 2023), which shrinks the cache. Some layers use
no position embedding at all (NoPE; Yang et al. 2025), which helps at lengths beyond training. In a packed batch a
token sees only its own document (intra-document masking; Zhao et al. 2024).

Documents lie one after the other in the flattened batch, so a list of lengths says all about the mask: attention
runs on each piece alone. On CPUs that costs less than half of one call with a boolean mask, and nothing is
computed for pairs that may not see each other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.rope import apply_rope


def document_lengths(document_ids: Tensor) -> list[int]:
    """Lengths of the runs of equal ids in (batch, seq), row by row; a row's end always ends a document.

    `[[0, 0, 1], [1, 1, 1]]` gives `[2, 1, 3]`.
    """
    starts = torch.ones_like(document_ids, dtype=torch.bool)
    starts[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    boundaries = starts.flatten().nonzero().flatten().tolist()
    return [end - start for start, end in zip(boundaries, [*boundaries[1:], document_ids.numel()], strict=True)]


def document_attention(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """Causal attention within each of several documents.

    Args:
        query: (tokens, num_attention_heads, head_dim), the documents one after the other.
        key: (tokens, num_key_value_heads, head_dim).
        value: as key.
        lengths: tokens of each document; they sum to `tokens`.

    Returns:
        (tokens, num_attention_heads, head_dim)
    """
    if len(set(lengths)) == 1:  # one call for all
        q, k, v = (x.view(len(lengths), lengths[0], *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
        return grouped_query_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(0, 1)
    outputs = []
    for piece in zip(*(x.split(list(lengths)) for x in (query, key, value)), strict=True):
        q, k, v = (x.transpose(0, 1)[None] for x in piece)
        outputs.append(grouped_query_attention(q, k, v, is_causal=True)[0].transpose(0, 1))
    return torch.cat(outputs)


def grouped_query_attention(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(head_dim)) v for (batch, heads, seq, head_dim), key-value heads shared by groups."""
    return F.scaled_dot_product_attention(
        query, key, value, is_causal=is_causal, enable_gqa=query.shape[1] != key.shape[1]
    )


class Attention(nn.Module):
    """The attention of a block: project, rotate (or not), attend, project back."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        width, heads, key_value_heads = config.head_width, config.num_attention_heads, config.num_key_value_heads
        self.layer, self.head_dim = layer, width
        self.use_rope = config.uses_rope(layer)
        self.q_proj = nn.Linear(config.hidden_size, heads * width, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, key_value_heads * width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, key_value_heads * width, bias=False)
        self.o_proj = nn.Linear(heads * width, config.hidden_size, bias=False)

    def forward(
        self,
        x: Tensor,
        cos_sin: tuple[Tensor, Tensor],
        lengths: Sequence[int],
        cache: KVCache | None = None,
    ) -> Tensor:
        """Attend within documents, or to everything in the cache.

        Args:
            x: (tokens, hidden), the flattened batch.
            cos_sin: rotary angles of each token.
            lengths: tokens of each document; with a cache: one entry per row, all equal.
            cache: keys and values of earlier tokens; the new ones are appended.

        Returns:
            (tokens, hidden)
        """
        tokens = x.shape[0]
        query = self.q_proj(x).view(tokens, -1, self.head_dim)
        key = self.k_proj(x).view(tokens, -1, self.head_dim)
        value = self.v_proj(x).view(tokens, -1, self.head_dim)
        if self.use_rope:
            query, key = apply_rope(query, *cos_sin), apply_rope(key, *cos_sin)
        if cache is None:
            output = document_attention(query, key, value, lengths)
        else:
            rows = [t.view(len(lengths), lengths[0], *t.shape[1:]).transpose(1, 2) for t in (query, key, value)]
            past = cache.length
            keys, values = cache.append(self.layer, rows[1], rows[2])
            if past and lengths[0] > 1:
                raise ValueError("with a filled cache, feed one token at a time")
            output = grouped_query_attention(rows[0], keys, values, is_causal=not past)
            output = output.transpose(1, 2).flatten(0, 1)
        return self.o_proj(output.flatten(1))
