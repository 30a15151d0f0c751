"""From logits to the distribution that a token is drawn from: penalty, temperature, top-k, top-p, min-p.

In the order, and with the meaning, of `transformers`: each step changes some logits or sets them to minus infinity,
and the softmax of what is left is drawn from. At temperature 0 the likeliest token is taken (greedy).

Source: top-k: Fan et al. 2018, section 5.4; top-p (nucleus): Holtzman et al. 2020, section 3.1; min-p: Nguyen et al.
2024, section 3; repetition penalty: Keskar et al. 2019 (CTRL), section 4.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. The defaults draw from the model's own distribution.

    Raises:
        ValueError: a setting out of range.
    """

    temperature: float = 1.0
    """Logits are divided by it: below one sharpens, above one flattens, 0 takes the likeliest token."""
    top_p: float = 1.0
    """Keep the likeliest tokens that together have this probability; 1: all."""
    top_k: int = 0
    """Keep so many of the likeliest tokens; 0: all."""
    min_p: float = 0.0
    """Keep tokens with at least this share of the likeliest token's probability; 0: all."""
    repetition_penalty: float = 1.0
    """Logits of tokens that occur in the prompt or the continuation are divided by it if positive, multiplied if
    negative; 1: none."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; logits over a smaller temperature would be infinite."""
        temperature = self.temperature
        for name, allowed, valid in (
            ("temperature", "0, or from 1e-6 on and finite", temperature == 0 or 1e-6 <= temperature < math.inf),
            ("top_p", "above 0 and at most 1", 0 < self.top_p <= 1),
            ("top_k", "at least 0", self.top_k >= 0),
            ("min_p", "from 0 to 1", 0 <= self.min_p <= 1),
            ("repetition_penalty", "above 0 and finite", 0 < self.repetition_penalty < math.inf),
        ):
            if not valid:
                raise ValueError(f"{name} ({getattr(self, name)}) must be {allowed}")


FREE = Sampling()
"""From the model's own distribution."""
GREEDY = Sampling(temperature=0.0)
"""Always the likeliest token."""


def shape_logits(logits: Tensor, sampling: Sampling, seen: Tensor | None = None) -> Tensor:
    """Logits whose softmax is drawn from; minus infinity for tokens that cannot be.

    Args:
        logits: (batch, vocab_size), float32.
        sampling: the settings. At temperature 0 only the penalty is applied: the largest logit is what is taken.
        seen: (batch, vocab_size), True for tokens that the penalty is for.
    """
    if sampling.repetition_penalty != 1 and seen is not None:
        logits = penalize(logits, seen, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return logits
    if sampling.temperature != 1:
        logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        logits = keep_top_k(logits, sampling.top_k)
    if sampling.top_p < 1:
        logits = keep_top_p(logits, sampling.top_p)
    if sampling.min_p > 0:
        logits = keep_min_p(logits, sampling.min_p)
    return logits


def penalize(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make seen tokens less likely: a positive logit is divided by the penalty, a negative one multiplied."""
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def keep_top_k(logits: Tensor, top_k: int) -> Tensor:
    """Cut all but the `top_k` largest logits; ties with the last of them stay."""
    return logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -math.inf)


def keep_top_p(logits: Tensor, top_p: float) -> Tensor:
    """Cut the least likely tokens that together have at most 1 - `top_p`; the likeliest always stays."""
    ascending, order = logits.sort()
    cut = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
    cut[..., -1] = False
    return logits.masked_fill(torch.zeros_like(cut).scatter(-1, order, cut), -math.inf)


def keep_min_p(logits: Tensor, min_p: float) -> Tensor:
    """Cut tokens less likely than `min_p` times the likeliest."""
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < min_p * probabilities.amax(-1, keepdim=True), -math.inf)


def shape_distribution(logits: Tensor, sampling: Sampling, seen: Tensor | None = None) -> Tensor:
    """The probabilities that are drawn from, (..., vocab_size), from logits of that shape."""
    shaped = shape_logits(logits.float(), sampling, seen)
    if sampling.temperature == 0:
        return torch.nn.functional.one_hot(shaped.argmax(-1), shaped.shape[-1]).float()
    return shaped.softmax(-1)


def sample(
    logits: Tensor, sampling: Sampling, generators: Sequence[torch.Generator], seen: Tensor | None = None
) -> Tensor:
    """Draw a token for each row, (batch,), from logits (batch, vocab_size).

    Args:
        logits: of the next token.
        sampling: the settings.
        generators: one of each row, so that what a row draws does not depend on the rows beside it.
        seen: as for `shape_logits`.
    """
    if sampling.temperature == 0:
        return shape_logits(logits.float(), sampling, seen).argmax(-1)
    probabilities = shape_distribution(logits, sampling, seen)
    rows = zip(probabilities, generators, strict=True)
    return torch.cat([torch.multinomial(row, 1, generator=generator) for row, generator in rows])
