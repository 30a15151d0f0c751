"""Who looks at whom: the attention weights of one layer, recomputed from its inputs.

Training never forms this matrix (fused attention works on tiles of it), so it is recomputed here from the very
tensors that entered the layer.
"""

import math
from typing import cast

import torch
from torch import Tensor

from smollab.model.rope import apply_rope
from smollab.model.transformer import Block, Transformer


@torch.inference_mode()
def attention_weights(model: Transformer, tokens: Tensor, layer: int, document_ids: Tensor | None = None) -> Tensor:
    """Attention weights of all heads of a layer.

    Args:
        model: the model.
        tokens: (seq,) packed documents, or one.
        layer: counted from 0.
        document_ids: (seq,); a token sees only equal ids, and positions restart with each. Left out: one document.

    Returns:
        (heads, seq, seq): row = the token that looks, column = the token looked at; rows sum to one.
    """
    ids = torch.zeros_like(tokens) if document_ids is None else document_ids
    query, key, _ = _projections(model, tokens, layer, ids)
    scores = torch.einsum("qhc,khc->hqk", query, key) / math.sqrt(query.shape[-1])
    places = torch.arange(len(tokens), device=scores.device)
    back = places[:, None] - places
    window = model.config.window(layer) or len(tokens)
    visible = (back >= 0) & (back < window) & (ids[:, None] == ids)
    return scores.masked_fill(~visible, -torch.inf).softmax(-1)


def mean_look_back(weights: Tensor) -> float:
    """Mean distance from a token to those it looks at, in tokens, weighted by attention (heads, seq, seq)."""
    places = torch.arange(weights.shape[-1], dtype=weights.dtype)
    return float((weights * (places[:, None] - places[None])).sum(-1).mean())


def share_across(weights: Tensor, document_ids: Tensor) -> float:
    """Share of attention (heads, seq, seq) that goes to another document."""
    return float((weights * (document_ids[:, None] != document_ids)).sum(-1).mean())


def restarting_positions(document_ids: Tensor) -> Tensor:
    """Positions counted from the start of each document, (seq,)."""
    places = torch.arange(len(document_ids), device=document_ids.device)
    starts = torch.ones_like(document_ids, dtype=torch.bool)
    starts[1:] = document_ids[1:] != document_ids[:-1]
    return places - torch.where(starts, places, 0).cummax(dim=0).values


def _projections(model: Transformer, tokens: Tensor, layer: int, document_ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of a layer, each (seq, heads, head_dim), key-value heads repeated for their group."""
    block = cast(Block, model.layers[layer])
    attention = block.self_attn
    seen: list[tuple[Tensor, tuple[Tensor, Tensor]]] = []
    hook = attention.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[0], inputs[1])))
    try:
        model(tokens[None], document_ids[None], restarting_positions(document_ids)[None])
    finally:
        hook.remove()
    x, cos_sin = seen[0]
    project = lambda linear: linear(x).view(len(tokens), -1, attention.head_dim)
    query, key, value = (project(p) for p in (attention.q_proj, attention.k_proj, attention.v_proj))
    query, key = attention.q_norm(query), attention.k_norm(key)
    if attention.use_rope:
        query, key = apply_rope(query, *cos_sin), apply_rope(key, *cos_sin)
    group = query.shape[1] // key.shape[1]
    return query, key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
