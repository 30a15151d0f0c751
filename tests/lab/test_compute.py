"""What notebooks compute about a model, against independent computations."""

import numpy as np
import pytest
import torch

from smollab.lab.attention_maps import _projections, attention_weights, mean_look_back
from smollab.lab.costs import cache_gibibytes, estimate_widths
from smollab.lab.next_tokens import (
    describe_next_token,
    entropies_bits,
    entropy_bits,
    next_logits,
    surprise_bits,
    token_label,
)
from smollab.model.config import ModelConfig
from smollab.model.sampling import GREEDY, Sampling, sample, shape_distribution
from smollab.recipe import load_recipe
from smollab.scaling.accountant import estimate


@pytest.mark.parametrize("layer", [2, 3])  # with and without rotary embedding
@torch.inference_mode()
def test_attention_weights_reproduce_the_layer(model, tokens, layer):
    weights = attention_weights(model, tokens, layer)
    value = _projections(model, tokens, layer, torch.zeros_like(tokens))[2]
    attention = model.layers[layer].self_attn
    outputs = []
    hook = attention.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(tokens[None])
    hook.remove()
    mine = attention.o_proj(torch.einsum("hqk,khc->qhc", weights, value).flatten(1))
    torch.testing.assert_close(mine, outputs[0], rtol=1e-4, atol=1e-5)


def test_attention_is_causal_and_sums_to_one(model, tokens):
    weights = attention_weights(model, tokens, 2)
    assert weights.shape == (4, len(tokens), len(tokens))
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, len(tokens)))
    assert float(weights.triu(1).abs().max()) == 0


def test_look_back_of_uniform_and_of_diagonal_attention():
    length = 9
    uniform = torch.ones(1, length, length).tril() / torch.arange(1, length + 1)[:, None]
    assert mean_look_back(uniform) == pytest.approx((length - 1) / 4)
    assert mean_look_back(torch.eye(length)[None]) == 0


def test_surprise_and_entropy_against_numpy(model, tokens):
    with torch.inference_mode():
        logits = model.logits(model(tokens[None])[0]).double().numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = [-np.log2(probabilities[i, tokens[i + 1]]) for i in range(len(tokens) - 1)]
    np.testing.assert_allclose(surprise_bits(model, tokens), expected, rtol=1e-3)
    np.testing.assert_allclose(
        entropies_bits(model, tokens), -(probabilities * np.log2(probabilities)).sum(-1), rtol=1e-3
    )


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 0.6), (2.0, 0.3)])
def test_shaped_distribution_is_what_generation_draws_from(temperature, top_p):
    logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([sample(logits[None], Sampling(temperature, top_p), [generator])[0] for _ in range(4000)])
    frequencies = torch.bincount(draws, minlength=5) / len(draws)
    shaped = shape_distribution(logits, Sampling(temperature, top_p))
    torch.testing.assert_close(shaped, frequencies, rtol=0, atol=0.03)
    assert torch.equal(shaped == 0, frequencies == 0)


def test_zero_temperature_is_greedy():
    logits = torch.tensor([0.0, 3.0, 1.0])
    assert shape_distribution(logits, GREEDY).tolist() == [0, 1, 0]
    assert entropy_bits(shape_distribution(logits, GREEDY)) == 0


def test_entropy_of_a_uniform_distribution():
    assert entropy_bits(torch.full((8,), 1 / 8)) == pytest.approx(3)


def test_description_is_ordered_and_counts_what_is_allowed(model, tokenizer, tokens):
    described = describe_next_token(next_logits(model, tokens), tokenizer, 1.0, 0.5)
    assert list(described.model) == sorted(described.model, reverse=True)
    assert len(described.labels) == 12
    assert 1 <= described.allowed < 300
    assert described.drawn[0] > described.model[0], "what top-p cuts is shared by the rest"


def test_labels_show_spaces_line_ends_special_tokens_and_what_cannot_be_drawn(tokenizer):
    label = lambda text: token_label(tokenizer, tokenizer.token_to_id(text))
    assert label("<|begin_of_text|>") == "BOS"
    assert label("Ġ") == "␣"
    assert label("Ċ") == "\\n"
    assert label("Ã").startswith("token ")


def test_costs_of_widths_and_caches_against_hand_counts():
    smollm3 = load_recipe("smollm3-3b")
    narrow, published = estimate_widths(smollm3, [128, 2048])
    assert published.parameters == estimate(smollm3).parameters
    assert published.state_bytes_per_device == estimate(smollm3).state_bytes_per_device
    layer = 128 * 8 * (2 * 16 + 2 * 4) + 3 * 128 * 688
    assert narrow.parameters == 128_256 * 128 + 36 * (layer + 2 * 128) + 128
    config = ModelConfig.from_recipe(smollm3.model, 128_256)
    assert cache_gibibytes(config, 4, 65_536) == pytest.approx(2 * 36 * 4 * 128 * 65_536 * 2 / 2**30)
    assert cache_gibibytes(config, 16, 65_536) == pytest.approx(4 * cache_gibibytes(config, 4, 65_536))
