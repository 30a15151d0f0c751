"""NorMuon, Lion, Polar Express, the scales and cautious decay, against other implementations and formulas."""

import pytest
import torch

from smollab.optim import Muon, NorMuon, build_optimizers, check_groups
from smollab.optim.cautious import make_cautious
from smollab.optim.newton_schulz import newton_schulz, orthogonalize
from smollab.recipe import Optimizer
from tests.optim.test_muon import make_layers, relative_difference, train, with_singular_values


def groups(layers):
    return [{"params": list(layers.parameters()), "use_muon": True}]


@pytest.mark.parametrize("ours, adjusted", [("original", False), ("match_rms_adamw", True)])
def test_muon_equals_pytorch_optimizers(ours, adjusted):
    pytorch_optimizer = pytest.importorskip("pytorch_optimizer")
    settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    mine, theirs = make_layers(), make_layers()
    train(mine, Muon(mine.parameters(), scale=ours, precision="bfloat16", **settings), steps=6)
    train(theirs, pytorch_optimizer.Muon(groups(theirs), use_adjusted_lr=adjusted, **settings), steps=6)
    assert relative_difference(mine, theirs) < 0.02
    other = make_layers()
    train(other, Muon(other.parameters(), scale="spectral", **settings), steps=6)
    assert relative_difference(other, theirs) > 0.02


def test_normuon_equals_pytorch_optimizers():
    pytorch_optimizer = pytest.importorskip("pytorch_optimizer")
    mine, theirs, plain = make_layers(), make_layers(), make_layers()
    settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    train(mine, NorMuon(mine.parameters(), 0.95, scale="original", precision="bfloat16", **settings), steps=6)
    other = pytorch_optimizer.NorMuon(groups(theirs), beta2=0.95, update_scale="preserve_norm", **settings)
    train(theirs, other, steps=6)
    train(plain, Muon(plain.parameters(), scale="original", **settings), steps=6)
    assert relative_difference(mine, theirs) < 0.02  # what bfloat16 leaves open
    assert relative_difference(plain, theirs) > 0.035


def test_normuon_keeps_the_length_of_an_update_and_evens_its_rows():
    layers, plain = make_layers(), make_layers()
    train(layers, NorMuon(layers.parameters(), lr=1.0, weight_decay=0.0), steps=1)
    train(plain, Muon(plain.parameters(), lr=1.0, weight_decay=0.0), steps=1)
    for name, before in make_layers().items():
        moved, unchanged = (x[name].weight.detach() - before.weight.detach() for x in (layers, plain))
        assert moved.norm() == pytest.approx(unchanged.norm().item(), rel=1e-4)
        rows = moved.norm(dim=1)
        torch.testing.assert_close(rows, rows.mean().expand_as(rows), rtol=1e-4, atol=0)


def test_polar_express_ends_nearer_to_one():
    matrix = with_singular_values(40, 60, torch.logspace(-1.9, 0, 40))
    ends = torch.linalg.svdvals(newton_schulz(matrix, method="polar_express"))[:40]
    assert ends.min() >= 0.85 and ends.max() <= 1.15


@pytest.mark.parametrize("method", ["quintic", "polar_express"])
@pytest.mark.parametrize("shape", [(16, 60), (60, 16), (30, 40)], ids=str)
def test_the_cheaper_way_gives_the_same(method, shape):
    batch = torch.randn(3, *shape, generator=torch.Generator().manual_seed(2))
    expected = newton_schulz(batch, method=method)
    assert (orthogonalize(batch, method=method) - expected).norm() / expected.norm() < 1e-3


def test_cautious_decay_is_the_formula():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(5, 4))
    before, gradient = weight.detach().clone(), torch.randn(5, 4)
    optimizer = make_cautious(torch.optim.SGD([weight], lr=0.1, weight_decay=0.5))
    weight.grad = gradient.clone()
    optimizer.step()
    torch.testing.assert_close(weight.detach(), before - 0.1 * (gradient + 0.5 * before * (gradient * before >= 0)))


def test_a_parameter_in_no_group_or_in_two_is_refused(make_model):
    model = make_model()
    optimizers = build_optimizers(model, Optimizer())
    with pytest.raises(ValueError, match="no parameter group"):
        check_groups(model, optimizers[:1])
    with pytest.raises(ValueError, match="2 parameter groups"):
        check_groups(model, [*optimizers, *build_optimizers(model, Optimizer())])


@pytest.mark.parametrize("setting", [{"lr": -1.0}, {"weight_decay": -0.1}, {"momentum": 1.0}], ids=str)
def test_settings_outside_their_range_are_refused(setting):
    with pytest.raises(ValueError, match="must be at least"):
        Muon(make_layers().parameters(), **setting)
