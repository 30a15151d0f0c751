"""Rotary position embedding (RoPE): turn each pair of channels by an angle proportional to the position.

Channel i is paired with channel i + head_dim/2 (the "rotate half" layout of Hugging Face and of SmolLM3's
`rope_interleaved: false`); pair i turns by position * theta^(-2i/head_dim). The product of a rotated query and a
rotated key depends only on how far apart they are.

A model is trained on distances below its training length. Pairs whose wavelength is longer have then never made a
whole turn, so at larger distances they show angles that the model has not seen. Two simple remedies stand here, the
one used in practice in `yarn.py`:

    raise theta            slows all pairs but the first; SmolLM3 does it with continued training (5e4, 2e6, 5e6)
    position interpolation position / factor: all angles as before, but neighbors are closer together

Source: Su et al. 2021 (RoFormer), section 3.2; position interpolation: Chen et al. 2023; theta raised by a rule:
"NTK-aware" scaling, described in Peng et al. 2023 (YaRN), section 3.1.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


def rope_frequencies(head_dim: int, theta: float) -> Tensor:
    """Angular frequency of each channel pair, in radians per position, as (head_dim / 2,)."""
    return theta ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)


def rope_wavelengths(head_dim: int, theta: float) -> Tensor:
    """Positions after which each channel pair has made a whole turn, as (head_dim / 2,)."""
    return 2 * math.pi / rope_frequencies(head_dim, theta)


class RopeScaling(Protocol):
    """What changes the frequencies of a trained model for longer sequences."""

    def frequencies(self, head_dim: int, theta: float) -> Tensor:
        """In place of `rope_frequencies`."""

    @property
    def attention_factor(self) -> float:
        """Queries and keys are multiplied by it, so attention's logits by its square."""


@dataclass(frozen=True, kw_only=True)
class PositionInterpolation:
    """All frequencies divided by a factor, as if the positions were (Chen et al. 2023)."""

    factor: float
    """How many times longer the sequences become."""
    attention_factor: float = 1.0
    """Attention's logits are left as they are."""

    def frequencies(self, head_dim: int, theta: float) -> Tensor:
        """Each frequency over `factor`, (head_dim / 2,)."""
        return rope_frequencies(head_dim, theta) / self.factor


def ntk_theta(theta: float, factor: float, head_dim: int) -> float:
    """The base with which the slowest pair turns `factor` times more slowly and the fastest as before.

        theta * factor^(head_dim / (head_dim - 2))

    Source: the "NTK-aware" rule, Peng et al. 2023, section 3.1.

    Raises:
        ValueError: fewer than two channel pairs, which have no slowest one beside the fastest.
    """
    if head_dim <= 2:
        raise ValueError(f"head_dim ({head_dim}) must be above 2: the only channel pair does not depend on theta")
    return float(theta * factor ** (head_dim / (head_dim - 2)))


def rope_cos_sin(
    positions: Tensor, head_dim: int, theta: float, scaling: RopeScaling | None = None
) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every angle, each (tokens, 1, head_dim / 2), for positions (tokens,).

    In float32: at positions in the ten thousands lower precision would blur neighbors. With a scaling they are also
    multiplied by its attention factor, once in the query and once in the key.
    """
    frequencies = scaling.frequencies(head_dim, theta) if scaling else rope_frequencies(head_dim, theta)
    angles = positions.float()[:, None, None] * frequencies.to(positions.device)
    if scaling and scaling.attention_factor != 1:
        return angles.cos() * scaling.attention_factor, angles.sin() * scaling.attention_factor
    return angles.cos(), angles.sin()


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate queries or keys (tokens, heads, head_dim) by the angles of `rope_cos_sin`."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)
