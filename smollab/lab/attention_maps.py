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
def attention_weights(model: Transformer, tokens: Tensor, layer: int) -> Tensor:
    """Attention weights of all heads of a layer.

    Args:
        model: the model.
        tokens: (seq,) one document.
        layer: counted from 0.

    Returns:
        (heads, seq, seq): row = the token that looks, column = the token looked at; rows sum to one.
    """
    query, key, _ = _projections(model, tokens, layer)
    scores = torch.einsum("qhc,khc->hqk", query, key) / math.sqrt(query.shape[-1])
    future = torch.ones(len(tokens), len(tokens), dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(-1)


def mean_look_back(weights: Tensor) -> float:
    """Mean distance from a token to those it looks at, in tokens, weighted by attention (heads, seq, seq)."""
    places = torch.arange(weights.shape[-1], dtype=weights.dtype)
    return float((weights * (places[:, None] - places[None])).sum(-1).mean())


def _projections(model: Transformer, tokens: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of a layer, each (seq, heads, head_dim), key-value heads repeated for their group."""
    block = cast(Block, model.layers[layer])
    attention = block.self_attn
    seen: list[tuple[Tensor, tuple[Tensor, Tensor]]] = []
    hook = attention.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[0], inputs[1])))
    try:
        model(tokens[None])
    finally:
        hook.remove()
    x, cos_sin = seen[0]
    project = lambda linear: linear(x).view(len(tokens), -1, attention.head_dim)
    query, key, value = (project(p) for p in (attention.q_proj, attention.k_proj, attention.v_proj))
    if attention.use_rope:
        query, key = apply_rope(query, *cos_sin), apply_rope(key, *cos_sin)
    group = query.shape[1] // key.shape[1]
    return query, key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
