"""Rotary embedding: by hand, relative, and the two simple ways to reach further."""

import math

import pytest
import torch
from transformers import SmolLM3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from smollab.model.rope import (
    PositionInterpolation,
    apply_rope,
    ntk_theta,
    rope_cos_sin,
    rope_frequencies,
    rope_wavelengths,
)


def rotate(x, positions, theta=100.0, scaling=None):
    return apply_rope(x, *rope_cos_sin(torch.as_tensor(positions), x.shape[-1], theta, scaling))


def test_one_pair_turns_as_a_complex_number_does():
    x = torch.tensor([[[3.0, 4.0]]])
    turned = rotate(x, [5])[0, 0]
    expected = complex(3, 4) * complex(math.cos(5), math.sin(5))  # the first pair turns one radian per position
    assert turned.tolist() == pytest.approx([expected.real, expected.imag], rel=1e-6)


def test_channels_are_paired_with_those_half_a_head_away():
    x = torch.zeros(1, 1, 8)
    x[..., 1] = 1.0
    assert rotate(x, [3])[0, 0].nonzero().flatten().tolist() == [1, 5]


@pytest.mark.parametrize("scaling", [None, PositionInterpolation(factor=4.0)])
def test_scores_depend_only_on_the_distance(scaling):
    query, key = torch.randn(2, 1, 1, 16, generator=torch.Generator().manual_seed(0))
    score = lambda i, j: float((rotate(query, [i], scaling=scaling) * rotate(key, [j], scaling=scaling)).sum())
    assert score(9, 2) == pytest.approx(score(107, 100), abs=1e-4)
    assert score(9, 2) != pytest.approx(score(9, 3), abs=1e-2)


def test_wavelengths_grow_from_a_turn_in_six_positions_by_equal_ratios():
    lengths = rope_wavelengths(64, 10_000.0)
    assert float(lengths[0]) == pytest.approx(2 * math.pi)
    ratios = lengths[1:] / lengths[:-1]
    torch.testing.assert_close(ratios, torch.full_like(ratios, 10_000 ** (2 / 64)))


def test_interpolation_equals_dividing_the_positions_and_transformers():
    config = SmolLM3Config(
        hidden_size=64, num_attention_heads=2, rope_parameters={"rope_type": "linear", "rope_theta": 5e4, "factor": 3.0}
    )
    theirs, factor = ROPE_INIT_FUNCTIONS["linear"](config)
    ours = PositionInterpolation(factor=3.0)
    torch.testing.assert_close(ours.frequencies(32, 5e4), theirs)
    assert ours.attention_factor == factor
    cos, _ = rope_cos_sin(torch.tensor([12]), 32, 5e4, ours)
    torch.testing.assert_close(cos, rope_cos_sin(torch.tensor([4]), 32, 5e4)[0])


def test_ntk_theta_slows_the_slowest_pair_by_the_factor_and_the_fastest_not_at_all():
    before, after = rope_frequencies(64, 1e4), rope_frequencies(64, ntk_theta(1e4, 8.0, 64))
    assert float(before[0] / after[0]) == 1.0
    assert float(before[-1] / after[-1]) == pytest.approx(8.0, rel=1e-5)
    assert ((before / after).diff() > 0).all(), "between them the slowing grows with the wavelength"


def test_ntk_theta_of_a_single_pair_is_refused():
    with pytest.raises(ValueError, match="does not depend on theta"):
        ntk_theta(1e4, 2.0, 2)
