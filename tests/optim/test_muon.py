"""Muon against `torch.optim.Muon`, and Newton-Schulz against the singular-value decomposition."""

import pytest
import torch

from smollab.optim import Muon
from smollab.optim.newton_schulz import COEFFICIENTS, newton_schulz


def with_singular_values(rows: int, columns: int, values: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """A matrix of random singular vectors and given singular values."""
    generator = torch.Generator().manual_seed(seed)
    u, _ = torch.linalg.qr(torch.randn(rows, len(values), generator=generator, dtype=torch.float64))
    v, _ = torch.linalg.qr(torch.randn(columns, len(values), generator=generator, dtype=torch.float64))
    return u @ torch.diag(values.double()) @ v.T


def polar_factor(matrix: torch.Tensor) -> torch.Tensor:
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a * b).sum() / a.norm() / b.norm())


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (50, 50)], ids=str)
def test_singular_values_of_at_least_half_a_percent_end_near_one(shape):
    matrix = with_singular_values(*shape, torch.logspace(-1.9, 0, 40))
    assert torch.linalg.svdvals(matrix)[39] / matrix.norm() == pytest.approx(0.0056, abs=6e-4)
    ends = torch.linalg.svdvals(newton_schulz(matrix))[:40]
    assert ends.min() >= 0.68 and ends.max() <= 1.16


def test_smaller_singular_values_do_not_get_there():
    """The negative control of the test above, and the reason for its lower bound."""
    matrix = with_singular_values(40, 60, torch.logspace(-4, 0, 40))
    assert torch.linalg.svdvals(newton_schulz(matrix))[39] < 0.3


def test_one_direction_is_the_known_scalar_recursion():
    """A rank-one matrix has the singular value 1, so the matrix iteration is that of a number."""
    a, b, c = COEFFICIENTS
    s = 1.0
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    matrix = 7 * with_singular_values(9, 5, torch.tensor([1.0]))
    assert torch.linalg.svdvals(newton_schulz(matrix))[0].item() == pytest.approx(s, rel=1e-5)


def test_the_result_points_along_the_exact_polar_factor():
    matrix = with_singular_values(64, 256, torch.logspace(-1.7, 0, 64))
    by_steps = [cosine(newton_schulz(matrix, steps), polar_factor(matrix)) for steps in (0, 1, 3, 5)]
    assert by_steps == sorted(by_steps)
    assert by_steps[0] < 0.8
    assert by_steps[-1] > 0.97


def test_singular_vectors_are_kept():
    matrix = with_singular_values(30, 20, torch.linspace(0.1, 1, 20))
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    in_that_basis = u.T @ newton_schulz(matrix) @ vh.T
    torch.testing.assert_close(in_that_basis, torch.diag(in_that_basis.diagonal()), rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(6, 11), (11, 6), (8, 8)], ids=str)
def test_a_batch_is_each_matrix_by_itself(shape):
    batch = torch.randn(5, *shape, generator=torch.Generator().manual_seed(1))
    one_by_one = torch.stack([newton_schulz(matrix) for matrix in batch])
    torch.testing.assert_close(newton_schulz(batch), one_by_one, rtol=1e-4, atol=1e-5)


def test_scale_does_not_matter_and_zero_stays_zero():
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(newton_schulz(1e3 * matrix), newton_schulz(matrix), rtol=1e-3, atol=1e-4)
    assert newton_schulz(torch.zeros(2, 4, 3)).abs().max() == 0


def make_layers() -> torch.nn.ModuleDict:
    """Matrices wide, tall and square, two of the same shape."""
    torch.manual_seed(0)
    shapes = {"wide": (96, 64), "tall": (64, 160), "square": (64, 64), "square too": (64, 64)}
    return torch.nn.ModuleDict({name: torch.nn.Linear(*shape, bias=False) for name, shape in shapes.items()})


def train(layers: torch.nn.ModuleDict, optimizer: torch.optim.Optimizer, steps: int) -> None:
    generator = torch.Generator().manual_seed(3)
    for _ in range(steps):
        for layer in layers.values():
            layer.weight.grad = torch.randn(layer.weight.shape, generator=generator)
        optimizer.step()


def relative_difference(first: torch.nn.ModuleDict, second: torch.nn.ModuleDict) -> float:
    """How far two trainings ended apart, over how far they moved; the worst layer."""
    first, second, start = (
        {n: layer.weight.detach() for n, layer in x.items()} for x in (first, second, make_layers())
    )
    return max(float((first[n] - second[n]).norm() / (second[n] - start[n]).norm()) for n in start)


def torchs(layers: torch.nn.ModuleDict, **settings: object) -> torch.optim.Optimizer:
    defaults = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True}
    return torch.optim.Muon(layers.parameters(), adjust_lr_fn="match_rms_adamw", **defaults | settings)


def test_several_steps_equal_torchs_muon_to_the_precision_of_its_bfloat16():
    ours, theirs = make_layers(), make_layers()
    train(ours, Muon(ours.parameters(), lr=0.02, weight_decay=0.1, momentum=0.95), steps=6)
    train(theirs, torchs(theirs), steps=6)
    assert relative_difference(ours, theirs) < 0.02


@pytest.mark.parametrize(
    "change", [{"lr": 0.021}, {"weight_decay": 3.0}, {"momentum": 0.8}, {"nesterov": False}], ids=str
)
def test_the_comparison_notices_other_settings(change):
    ours, theirs = make_layers(), make_layers()
    train(ours, Muon(ours.parameters(), lr=0.02, weight_decay=0.1, momentum=0.95), steps=6)
    train(theirs, torchs(theirs, **change), steps=6)
    assert relative_difference(ours, theirs) > 0.02


def test_an_update_has_the_root_mean_square_of_adamws():
    """0.2, up to Newton-Schulz ending near one instead of at it."""
    layers = make_layers()
    train(layers, Muon(layers.parameters(), lr=1.0, weight_decay=0.0), steps=1)
    for name, before in make_layers().items():
        rms = (layers[name].weight - before.weight).square().mean().sqrt().item()
        assert rms == pytest.approx(0.2, rel=0.15), name


def test_gradients_are_left_as_they_were():
    layers = make_layers()
    train(layers, Muon(layers.parameters()), steps=1)
    generator = torch.Generator().manual_seed(3)
    for layer in layers.values():
        assert torch.equal(layer.weight.grad, torch.randn(layer.weight.shape, generator=generator))


def test_what_has_no_gradient_is_not_touched():
    layers = make_layers()
    optimizer = Muon(layers.parameters())
    layers["tall"].weight.grad = torch.ones_like(layers["tall"].weight)
    optimizer.step()
    unchanged = [name for name, before in make_layers().items() if torch.equal(layers[name].weight, before.weight)]
    assert unchanged == ["wide", "square", "square too"]


@pytest.mark.parametrize("shape", [(7,), (), (2, 3, 4)], ids=str)
def test_only_matrices_are_accepted(shape):
    with pytest.raises(ValueError, match=f"shape {tuple(shape)}".replace("(", r"\(").replace(")", r"\)")):
        Muon([torch.nn.Parameter(torch.ones(shape))])


def test_the_state_dict_restores_the_run():
    straight, resumed = make_layers(), make_layers()
    generator = torch.Generator().manual_seed(4)
    gradients = [[torch.randn(p.shape, generator=generator) for p in straight.parameters()] for _ in range(4)]

    def steps(layers, optimizer, chosen):
        for row in chosen:
            for parameter, gradient in zip(layers.parameters(), row, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()

    steps(straight, Muon(straight.parameters()), gradients)
    first = Muon(resumed.parameters())
    steps(resumed, first, gradients[:2])
    second = Muon(resumed.parameters())
    second.load_state_dict(first.state_dict())
    steps(resumed, second, gradients[2:])
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))
