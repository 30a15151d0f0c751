"""RMSNorm: scale each token's vector to unit root mean square, then by a learned weight per channel.

    y = w * x / sqrt(mean(x^2) + eps)

Source: Zhang and Sennrich 2019, equation 4. Against LayerNorm it drops the mean and the bias.
"""

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
