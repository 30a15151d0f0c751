"""Newton-Schulz: bring all singular values of a matrix near one by multiplications alone.

Each iteration maps every singular value s to a s + b s^3 + c s^5 and leaves the singular vectors alone. Two choices of
coefficients:

    quintic         the same three in every iteration, steepest at zero (Jordan et al. 2024)
    polar_express   in each iteration those that are best for the interval the values lie in by then (Amsel et al. 2025)

The iteration is older than both (Kovarik 1970; Bjorck and Bowie 1971).
"""

from typing import Literal

import torch
from torch import Tensor

Orthogonalization = Literal["quintic", "polar_express"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Jordan's quintic: steepest at zero, so that small singular values grow fastest; it ends near one, not at it."""

POLAR_EXPRESS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
"""Of the first five iterations; any further ones repeat the last. Found for values in [0.001, 1], with some cushion."""

POLAR_EXPRESS_MARGIN = 1.02
"""The matrix is divided by so many times its norm: in low precision a value above one would be thrown far off."""


def coefficients_of(method: Orthogonalization, steps: int) -> list[tuple[float, float, float]]:
    """a, b and c of each iteration."""
    if method == "quintic":
        return [COEFFICIENTS] * steps
    return [POLAR_EXPRESS[min(step, len(POLAR_EXPRESS) - 1)] for step in range(steps)]


def newton_schulz(matrices: Tensor, steps: int = 5, eps: float = 1e-7, method: Orthogonalization = "quintic") -> Tensor:
    """Bring all singular values of matrices (..., rows, columns) near one, keeping their singular vectors.

    Each step maps every singular value s to a s + b s^3 + c s^5. After five steps values that began in
    [0.005, 1] times the Frobenius norm lie in [0.68, 1.16], by `polar_express` in [0.85, 1.15].
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices  # X X^T is smaller this way
    margin = 1.0 if method == "quintic" else POLAR_EXPRESS_MARGIN
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) * margin + eps)
    for a, b, c in coefficients_of(method, steps):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c) if x.ndim == 3 else b * gram + c * gram @ gram
        x = torch.baddbmm(x, polynomial, x, beta=a) if x.ndim == 3 else a * x + polynomial @ x
    return x.mT if tall else x


def orthogonalize(matrices: Tensor, steps: int = 5, method: Orthogonalization = "quintic") -> Tensor:
    """The same as `newton_schulz` for a batch (count, rows, columns), by the cheaper of two ways.

    All iterations are polynomials of X X^T times X, so their product can be built from small square matrices alone and
    multiplied by X once, at the end. That saves work where the matrix is at least twice as long as wide, and costs
    precision: the square of a small singular value is smaller still. So it is for float32, not for bfloat16.
    """
    short, long = sorted(matrices.shape[-2:])
    if long < 2 * short or matrices.dtype in (torch.bfloat16, torch.float16):
        return newton_schulz(matrices, steps, method=method)
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    margin = 1.0 if method == "quintic" else POLAR_EXPRESS_MARGIN
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) * margin + 1e-7)
    gram = x @ x.mT
    product = polynomial = None
    for a, b, c in coefficients_of(method, steps):
        if polynomial is not None:
            gram = polynomial @ (polynomial @ gram)  # of the iterate before, since all of these commute
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=-2, dim2=-1).add_(a)
        product = polynomial if product is None else polynomial @ product
    x = x if product is None else product @ x
    return x.mT if tall else x
