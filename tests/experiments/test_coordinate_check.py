"""Under muP a step changes every activation by as much at any width; in the standard parametrization by ever more."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from smollab.experiments.coordinate_check import CoordinateCheck, check_depths, check_widths
from smollab.recipe import Model, Optimizer

MODEL = Model(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              parametrization="mup", base_hidden_size=64)  # fmt: skip
STANDARD = replace(MODEL, parametrization="standard", base_hidden_size=None)
ADAMW = Optimizer(name="adamw", learning_rate=0.001)


def tokens() -> torch.Tensor:
    """Four rows of tokens whose frequencies fall as those of words do."""
    frequencies = 1 / torch.arange(1, 129).float()
    generator = torch.Generator().manual_seed(0)
    return torch.multinomial(frequencies, 4 * 33, replacement=True, generator=generator).view(4, 33)


def mean_slopes(check: CoordinateCheck) -> dict[str, float]:
    """After the last step, over the seeds."""
    return {part: float(check.slopes(part)[:, -1].mean()) for part in check.changes}


def test_adamw_from_width_64_to_512():
    seeds, widths = range(5), (64, 128, 256, 512)
    scaled = mean_slopes(check_widths(MODEL, ADAMW, tokens(), widths, seeds))
    assert all(abs(slope) <= 0.1 for slope in scaled.values()), scaled
    plain = mean_slopes(check_widths(STANDARD, ADAMW, tokens(), widths, seeds[:2]))
    assert plain["logits"] > 0.3 and plain["residual stream"] > 1 and plain["attention"] > 1, plain


def test_muon():
    settings = replace(ADAMW, name="muon", learning_rate=0.01)
    scaled = mean_slopes(check_widths(MODEL, settings, tokens(), (64, 128, 256), (0, 1)))
    assert all(abs(slope) <= 0.1 for slope in scaled.values()), scaled
    plain = mean_slopes(check_widths(STANDARD, settings, tokens(), (64, 128, 256), (0,)))
    assert plain["logits"] > 0.3, plain


def test_slopes_are_those_of_powers():
    sizes, seeds, steps = (2, 4, 8, 16), 3, 2
    changes = np.array([[[5 * size**0.7, size**-0.2] for size in sizes] for _ in range(seeds)])
    check = CoordinateCheck(sizes, {"x": changes})
    np.testing.assert_allclose(check.slopes("x"), [[0.7, -0.2]] * seeds, atol=1e-12)
    assert check.slopes("x").shape == (seeds, steps)


def test_depth():
    """CompleteP: the residual stream moves as much at any depth; without, by ever more."""
    base = replace(MODEL, hidden_size=32, num_attention_heads=2, num_key_value_heads=1, base_hidden_size=32)
    deep = replace(base, parametrization="completep", base_num_hidden_layers=2, no_rope_layer_interval=0)
    depths = (2, 4, 8, 16)
    scaled = mean_slopes(check_depths(deep, ADAMW, tokens(), depths, (0, 1)))
    assert abs(scaled["residual stream"]) < 0.25 and abs(scaled["logits"]) < 0.25, scaled
    plain = replace(deep, parametrization="standard", base_hidden_size=None, base_num_hidden_layers=None)
    grows = mean_slopes(check_depths(plain, ADAMW, tokens(), depths, (0, 1)))
    assert grows["residual stream"] > scaled["residual stream"] + 0.3, (grows, scaled)


def test_one_size_has_no_slope():
    with pytest.raises(ValueError, match="at least two sizes; got 64"):
        check_widths(MODEL, ADAMW, tokens(), (64,), (0,))
