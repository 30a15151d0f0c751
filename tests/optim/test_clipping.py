"""Clipping rules against other libraries' and by hand."""

import json
import math

import pytest
import torch

from smollab.optim.clipping import Clipper, check_clipping
from smollab.recipe import Clipping, Optimizer, Parallel

ZCLIP_LIMITS = {40: 0.339088, 41: 0.344946, 45: 0.386311, 59: 0.367686, 60: 0.338645, 69: 0.387941}
"""Step -> threshold below 1 that zclip 1.0.0 from PyPI finds in `norms()` with its defaults (z-scores, adaptive)."""


def norms() -> list[float]:
    """Of 80 steps, quiet at first, with outliers."""
    generator = torch.Generator().manual_seed(0)
    quiet = 0.3 + 0.05 * torch.randn(80, generator=generator).abs()
    quiet[[40, 41, 60]] = torch.tensor([3.0, 0.9, 20.0])
    return [round(float(norm), 6) for norm in quiet]


def clipper(rule: str, max_grad_norm: float = 1.0, **settings) -> Clipper:
    return Clipper(Optimizer(max_grad_norm=max_grad_norm, clipping=Clipping(rule=rule, **settings)))


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    made = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Linear(6, 4))
    for parameter in made.parameters():
        parameter.grad = torch.randn_like(parameter)
    return made


def test_norm_equals_torch():
    ours, theirs = model(), model()
    norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.7)
    clipper("norm", 0.7).clip(ours.named_parameters(), float(norm))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_value_equals_torch():
    ours, theirs = model(), model()
    torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.5)
    clipper("value", maximum_value=0.5).clip(ours.named_parameters(), 9.0)
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_agc_by_hand():
    made = model()
    with torch.no_grad():
        made[0].weight[0] = 0.0  # counts as 1e-3 long
        made[0].weight.grad[1] = 1e-4  # small enough
    before = made[0].weight.grad.clone()
    clipper("agc", ratio=0.01).clip(made.named_parameters(), 9.0)
    rows, weights = made[0].weight.grad.norm(dim=1), made[0].weight.norm(dim=1)
    assert rows[0] == pytest.approx(1e-5) and torch.equal(made[0].weight.grad[1], before[1])
    torch.testing.assert_close(rows[2:], 0.01 * weights[2:])
    assert made[0].bias.grad.norm() == pytest.approx(0.01 * float(made[0].bias.detach().norm()))
    assert torch.allclose(torch.nn.functional.cosine_similarity(before, made[0].weight.grad), torch.ones(6))


def test_zclip_equals_its_authors_over_eighty_steps():
    rule = clipper("zclip", max_grad_norm=1.0)
    ours = [rule.limit(norm) for norm in norms()]
    assert {step: limit for step, limit in enumerate(ours) if limit < 1} == pytest.approx(ZCLIP_LIMITS, abs=2e-6)


def test_percentile_by_hand():
    rule = clipper("percentile", max_grad_norm=100.0, percentile=50.0, warmup_steps=2, window=4)
    assert [rule.limit(norm) for norm in (1, 2, 3, 9, 5, 7)] == [100, 100, 2, 2.5, 4, 6]


@pytest.mark.parametrize("kind", ["zclip", "percentile"])
def test_what_is_remembered_goes_through_json(kind):
    whole, first = clipper(kind), clipper(kind)
    for stop in (10, 50):  # within the warmup of zclip, and after it
        expected = [whole.limit(norm) for norm in norms()]
        before = [first.limit(norm) for norm in norms()[:stop]]
        second = clipper(kind)
        second.state = json.loads(json.dumps(first.state))
        assert before + [second.limit(norm) for norm in norms()[stop:]] == expected
        whole, first = clipper(kind), clipper(kind)


def test_divided_rows_are_refused():
    settings = Optimizer(clipping=Clipping(rule="agc"))
    check_clipping(settings, Parallel(shard=4))
    with pytest.raises(ValueError, match=r"agc.*parallel\.tensor = 2"):
        check_clipping(settings, Parallel(tensor=2))
    assert not math.isnan(clipper("zclip").limit(1.0))
