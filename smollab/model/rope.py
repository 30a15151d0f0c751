"""Rotary position embedding (RoPE): turn each pair of channels by an angle proportional to the position.

Channel i is paired with channel i + head_dim/2 (the "rotate half" layout of Hugging Face and of SmolLM3's
`rope_interleaved: false`); pair i turns by position * theta^(-2i/head_dim). The product of a rotated query and a
rotated key depends only on how far apart they are.

Source: Su et al. 2021 (RoFormer), section 3.2.
"""

import torch
from torch import Tensor


def rope_frequencies(head_dim: int, theta: float) -> Tensor:
    """Angular frequency of each channel pair, in radians per position, as (head_dim / 2,)."""
    return theta ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)


def rope_cos_sin(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every angle, each (tokens, 1, head_dim / 2), for positions (tokens,).

    In float32: at positions in the ten thousands lower precision would blur neighbors.
    """
    angles = positions.float()[:, None, None] * rope_frequencies(head_dim, theta).to(positions.device)
    return angles.cos(), angles.sin()


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate queries or keys (tokens, heads, head_dim) by the angles of `rope_cos_sin`."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)
