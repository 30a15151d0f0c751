"""Logit soft-capping: logits become cap * tanh(logits / cap), so that none leaves (-cap, cap).

Small logits pass almost unchanged, large ones saturate; their gradient is scaled by 1 - (capped / cap)^2.

Source: Gemma 2 (Gemma Team 2024), section 2, with a cap of 30 for the last logits.
"""

from torch import Tensor


def softcap(logits: Tensor, cap: float | None) -> Tensor:
    """Capped logits; None leaves them as they are."""
    return logits if cap is None else cap * (logits / cap).tanh()
