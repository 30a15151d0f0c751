"""YaRN: read sequences some times longer than those of training, without training.

Position interpolation slows every channel pair alike, and with the fast ones the model loses its sense of which token
is next to which. YaRN looks at how many turns r = training length / wavelength a pair made within the training length:

    r > beta_fast (32)   many turns: every angle was seen, so the pair is left alone
    r < beta_slow (1)    never a whole turn: larger distances would be new angles, so it is interpolated
    between              a mixture, along a ramp

This part alone is called NTK-by-parts. Longer sequences also spread attention over more tokens, so its logits are
sharpened by attention_factor^2, where attention_factor = 0.1 ln(factor) + 1.

Source: Peng et al. 2023 (YaRN), sections 3.2 (the parts) and 3.4 (the temperature). The paper's ramp is linear in r;
that of its published code, and of `transformers`, which we equal, is linear in the number of the pair, between the
pairs where r is beta_fast and beta_slow, rounded outward.

Fails when: `factor` is far above what is needed. It is the same for short sequences, which it disturbs a little.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from smollab.model.rope import rope_frequencies


@dataclass(frozen=True, kw_only=True)
class Yarn:
    """YaRN's settings; names as in `rope_parameters` of a config.json. SmolLM3 reads 128k with factor 2.

    Raises:
        ValueError: a setting out of range.
    """

    factor: float
    """How many times longer the sequences become; at least 1."""
    original_max_position_embeddings: int
    """Longest sequence of training, in tokens."""
    beta_fast: float = 32.0
    """Pairs with more turns within the training length are left alone."""
    beta_slow: float = 1.0
    """Pairs with fewer turns are interpolated."""
    attention_factor: float = 0.0
    """Queries and keys are multiplied by it; left out (0): 0.1 ln(factor) + 1."""
    truncate: bool = True
    """Round the ends of the ramp outward to whole pairs."""

    def __post_init__(self) -> None:
        """Check the settings, and compute what was left out."""
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"yarn: factor ({self.factor}) must be at least 1")
        if self.original_max_position_embeddings < 1:
            raise ValueError(f"yarn: original_max_position_embeddings ({self.original_max_position_embeddings}) < 1")
        if not 0 < self.beta_slow <= self.beta_fast:
            raise ValueError(f"yarn: 0 < beta_slow ({self.beta_slow}) <= beta_fast ({self.beta_fast}) must hold")
        if not self.attention_factor:
            object.__setattr__(self, "attention_factor", yarn_attention_factor(self.factor))

    def frequencies(self, head_dim: int, theta: float) -> Tensor:
        """Frequency of each channel pair, (head_dim / 2,): a mixture of the trained and the interpolated one."""
        trained = rope_frequencies(head_dim, theta)
        kept = self.ramp(head_dim, theta)
        return trained / self.factor * (1 - kept) + trained * kept

    def ramp(self, head_dim: int, theta: float) -> Tensor:
        """How much of its trained frequency each pair keeps, (head_dim / 2,): 1 for the fast ones, 0 for the slow."""
        low = self._pair_with_turns(self.beta_fast, head_dim, theta)
        high = self._pair_with_turns(self.beta_slow, head_dim, theta)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, head_dim - 1)
        if low == high:
            high += 0.001  # a step, as in the published code
        pairs = torch.arange(head_dim // 2, dtype=torch.float32)
        return 1 - ((pairs - low) / (high - low)).clamp(0, 1)

    def _pair_with_turns(self, turns: float, head_dim: int, theta: float) -> float:
        """Number of the pair, not rounded, that makes so many turns within the training length."""
        wavelength = self.original_max_position_embeddings / turns
        return head_dim * math.log(wavelength / (2 * math.pi)) / (2 * math.log(theta))


def yarn_attention_factor(factor: float, mscale: float = 1.0) -> float:
    """What YaRN multiplies queries and keys by: 0.1 mscale ln(factor) + 1 (Peng et al. 2023, section 3.4)."""
    return 0.1 * mscale * math.log(factor) + 1.0 if factor > 1 else 1.0
