"""RMSNorm with its derivative written out, against PyTorch's and against finite differences."""

import pytest
import torch
from torch.nn import functional as F

from smollab.model.norms import RMSNorm


def make_norm(width: int, eps: float, dtype: torch.dtype) -> tuple[RMSNorm, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    norm = RMSNorm(width, eps).to(dtype)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(width, generator=generator))
    x = torch.randn(3, 5, width, generator=generator, dtype=dtype, requires_grad=True)
    return norm, x


@pytest.mark.parametrize("eps", [1e-6, 0.5])
def test_gradients_agree_with_finite_differences(eps):
    norm, x = make_norm(7, eps, torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, w: torch.func.functional_call(norm, {"weight": w}, (x,)), (x, norm.weight)
    )


@pytest.mark.parametrize("eps", [1e-6, 0.5])
def test_equals_pytorchs_in_value_and_gradients(eps):
    norm, x = make_norm(48, eps, torch.float32)
    ours, theirs = norm(x), F.rms_norm(x, (48,), norm.weight, eps)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    for a, b in zip(*(torch.autograd.grad(y, (x, norm.weight), upstream) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_statistics_of_low_precision_are_taken_in_float32():
    norm, x = make_norm(1024, 1e-6, torch.bfloat16)
    exact = F.rms_norm(x.double(), (1024,), norm.weight.double(), 1e-6)
    assert norm(x).dtype == torch.bfloat16
    torch.testing.assert_close(norm(x).double(), exact, rtol=1e-2, atol=1e-2)


def test_the_input_is_left_as_it_was():
    norm, x = make_norm(16, 1e-6, torch.float32)
    before = x.detach().clone()
    norm(x).sum().backward()
    assert torch.equal(x.detach(), before)
