"""The same weights with a longer reach."""

import pytest
import torch

from smollab.model.extend import METHODS, extend
from smollab.model.rope import PositionInterpolation
from smollab.model.yarn import Yarn


@pytest.fixture
def model(make_model):
    return make_model(max_position_embeddings=32, rope_theta=500.0)


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_shared_and_the_model_is_left_as_it_was(model, method, random_tokens):
    before = model.config
    longer = extend(model, 128, method)
    assert model.config is before and longer.config.max_position_embeddings == 128
    assert longer.layers[0].mlp.up_proj.weight is model.layers[0].mlp.up_proj.weight
    assert longer(random_tokens(1, 128)).isfinite().all()
    with pytest.raises(ValueError, match="exceeds max_position_embeddings"):
        model(random_tokens(1, 128))


def test_each_method_changes_what_it_should(model):
    changed = {method: extend(model, 128, method).config for method in METHODS}
    assert changed["none"].rope_scaling is None and changed["none"].rope_theta == 500.0
    assert changed["interpolation"].rope_scaling == PositionInterpolation(factor=4.0)
    assert changed["ntk"].rope_theta == pytest.approx(500 * 4 ** (8 / 6))
    assert changed["yarn"].rope_scaling == Yarn(factor=4.0, original_max_position_embeddings=32)


@pytest.mark.parametrize("method", METHODS)
def test_within_the_trained_length_nothing_changes(model, method, random_tokens):
    tokens = random_tokens(1, 20)
    torch.testing.assert_close(extend(model, 32, method)(tokens), model(tokens), rtol=0, atol=0)


def test_a_layer_without_positions_is_not_touched_by_a_scaling(make_model, random_tokens):
    nope = make_model(no_rope_layer_interval=1, max_position_embeddings=32)
    tokens = random_tokens(1, 64)
    plain = extend(nope, 64)(tokens)
    torch.testing.assert_close(extend(nope, 64, "interpolation")(tokens), plain, rtol=0, atol=0)


def test_a_scaled_model_and_an_unknown_method_are_refused(model):
    with pytest.raises(ValueError, match="scaled already"):
        extend(extend(model, 64, "yarn"), 128, "yarn", 32)
    with pytest.raises(ValueError, match="no method 'longrope'; known: none"):
        extend(model, 64, "longrope")
