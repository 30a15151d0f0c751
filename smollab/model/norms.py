"""Normalizations of the residual stream, each (tokens, hidden) -> (tokens, hidden).

    RMSNorm     y = w * x / sqrt(mean(x^2) + eps)                         per token
    LayerNorm   y = w * (x - mean(x)) / sqrt(var(x) + eps) + b            per token
    BatchNorm   y = w * (x - mean(x)) / sqrt(var(x) + eps) + b            per channel, over all tokens

RMSNorm drops LayerNorm's mean and bias. BatchNorm is a warning: while training, its statistics run over all tokens of
the batch, so a token is told something of the tokens it is to predict and of other documents.

Source: Zhang and Sennrich 2019, equation 4; Ba et al. 2016; Ioffe and Szegedy 2015. That BatchNorm does worse than
LayerNorm in language models: Shen et al. 2020 (PowerNorm), section 3.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Root-mean-square normalization over the last dimension, with a learned weight."""

    def __init__(self, hidden_size: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (..., hidden_size); the statistics are in float32 at least, whatever the precision of `x`."""
        return _RMSNorm.apply(x, self.weight, self.eps)


class _RMSNorm(torch.autograd.Function):
    """The formula with its derivative written out.

    PyTorch has no fused RMSNorm on CPUs: F.rms_norm there runs, and saves for backward, half a dozen elementwise
    steps. Written out, the backward pass needs the input and one number per token.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, eps: float) -> Tensor:  # type: ignore[no-untyped-def]
        x32 = x.to(torch.promote_types(x.dtype, torch.float32))
        mean_square = torch.linalg.vector_norm(x32, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        inverse_rms = mean_square.add_(eps).rsqrt_()
        ctx.save_for_backward(x, inverse_rms, weight)
        return (x32 * inverse_rms).to(x.dtype).mul_(weight)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[no-untyped-def, override]
        x, inverse_rms, weight = ctx.saved_tensors
        normalized, grad32 = x * inverse_rms, grad.to(inverse_rms.dtype)
        grad_weight = (grad32 * normalized).flatten(0, -2).sum(0)
        grad_normalized = grad32 * weight
        # y is invariant to the length of x, so the component along x does not reach x.
        along = (grad_normalized * normalized).mean(-1, keepdim=True)
        grad_x = grad_normalized.sub_(normalized.mul_(along)).mul_(inverse_rms)
        return grad_x.to(x.dtype), grad_weight.to(weight.dtype), None


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization over tokens: each channel is normalized by its mean and variance over the whole batch.

    While training this breaks causality and the separation of documents: the statistics hold the future. In `eval`
    mode running averages take their place, tokens are apart again, and the model meets a function it was not trained
    as. `tests/model/test_switches.py` shows both.
    """

    def __init__(self, hidden_size: int, eps: float = 1e-6) -> None:
        super().__init__(hidden_size, eps)


NORMS: dict[str, Callable[[int, float], nn.Module]] = {
    "rmsnorm": RMSNorm,
    "layernorm": nn.LayerNorm,
    "batchnorm": BatchNorm,
}
"""By the recipe's name: from (hidden_size, eps) to a module."""
