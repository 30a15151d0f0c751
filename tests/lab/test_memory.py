"""Notebook 2.3: its checks tell typical mistakes apart, its panels answer every control, its measurements hold."""

import numpy as np
import pytest
import torch

from smollab.lab.checks import memory
from smollab.lab.costs import (
    attention_times,
    decode_step,
    measured_activation_bytes,
    measured_flops,
    rates_by_rows,
)
from smollab.lab.panels import CostsPanel, WritingPanel
from smollab.model.config import ModelConfig
from smollab.scaling.flops import count_flops
from smollab.scaling.memory import activation_bytes


def texts_that_fit(memory_bytes, weight_bytes, token_bytes, tokens):
    return max(0, (memory_bytes - weight_bytes) // (token_bytes * tokens))


def training_flops(parameters, layers, width, length):
    return 3 * (2 * parameters + layers * 2 * 2 * width * length / 2)


def intensity(parameters, number, cache, texts):
    return 2 * parameters * texts / (parameters * number + cache * texts)


def min_p_filter(probabilities, min_p):
    kept = [p if p >= min_p * max(probabilities) else 0 for p in probabilities]
    return [p / sum(kept) for p in kept]


REFERENCES = {
    "2.3.1": (memory.check_2_3_1, texts_that_fit),
    "2.3.2": (memory.check_2_3_2, training_flops),
    "2.3.3": (memory.check_2_3_3, intensity),
    "2.3.4": (memory.check_2_3_4, min_p_filter),
}
MISTAKES = [
    ("2.3.1", lambda m, w, t, n: m // (t * n), "the weights take"),
    ("2.3.1", lambda m, w, t, n: (m - w) / (t * n), "round down"),
    ("2.3.1", lambda m, w, t, n: (m - w) // (t * n), "not a negative"),
    ("2.3.2", lambda p, layers, w, n: 2 * p + layers * 4 * w * n / 2, "forward pass"),
    ("2.3.2", lambda p, layers, w, n: 6 * p, "are missing"),
    ("2.3.2", lambda p, layers, w, n: 3 * (2 * p + layers * 4 * w * n), "causal"),
    ("2.3.2", lambda p, layers, w, n: 3 * (2 * p + layers * 2 * w * n / 2), "twice for each"),
    ("2.3.3", lambda p, b, c, n: p * n / (p * b + c * n), "two operations"),
    ("2.3.3", lambda p, b, c, n: 2 * p * n / (p * b * n + c * n), "read once"),
    ("2.3.3", lambda p, b, c, n: 2 * p * n / (p * b + c), "cache of its own"),
    ("2.3.4", lambda ps, m: [p if p >= m * max(ps) else 0.0 for p in ps], "sums to 0.95"),
    ("2.3.4", lambda ps, m: [p / sum(q for q in ps if q >= m) if p >= m else 0 for p in ps], "the *largest*"),
    ("2.3.4", lambda ps, m: 3, "list of numbers"),
]


@pytest.mark.parametrize(
    ("control", "value"), [("key_value_heads", 16), ("context", 9), ("rows", 7), ("type", "4 bits")]
)
def test_every_control_of_the_calculator_changes_text_and_picture(control, value):
    panel = CostsPanel(ModelConfig(), "SmolLM3-3B")
    assert "72.0 KiB a token, 4.50 GiB a text of 65,536 tokens" in panel.readout
    before = panel.readout, panel.picture
    getattr(panel, control).value = value
    assert panel.readout != before[0]
    assert panel.picture != before[1]


@pytest.mark.parametrize(
    ("control", "value"),
    [("temperature", 0.0), ("top_k", 3), ("top_p", 0.5), ("min_p", 0.5), ("penalty", 2.0), ("seed", 3)],
)
def test_every_control_of_the_writing_panel_changes_the_text(model, tokenizer, control, value):
    panel = WritingPanel(model, tokenizer, "ba ne ba ne ba", new_tokens=12)
    before, told = panel.readout, []
    panel.tell = told.append
    getattr(panel, control).value = value
    assert panel.readout != before
    assert len(told) > 2, "the text comes piece by piece"
    assert told[-1] == panel.readout


def test_measurements_agree_with_the_accountant(make_model, random_tokens):
    model = make_model(tie_word_embeddings=False)
    assert measured_flops(model, [40, 24]) == count_flops(model.config, [40, 24])
    assert measured_activation_bytes(model, random_tokens(2, 32)) == activation_bytes(model.config, 64)


def test_a_decode_step_reads_every_weight_once_and_every_cache():
    config = ModelConfig()
    one, many = decode_step(config, 1000, 1, 2), decode_step(config, 1000, 8, 2)
    assert one.weight_bytes == many.weight_bytes == 2 * 3_075_098_624
    assert many.cache_bytes == 8 * one.cache_bytes == 8 * 1000 * 72 * 1024
    assert many.flops.forward == 8 * one.flops.forward
    assert one.intensity < many.intensity < 8 * one.intensity


def test_times_are_relative_to_the_first(make_model):
    rates = rates_by_rows(make_model(), [1, 3], rounds=2, steps=3)
    times = attention_times(4, [4, 1], 8, 32, rounds=2)
    for values in (rates, times):
        assert values.shape == (2, 2)
        assert np.array_equal(values[:, 0], [1, 1])
        assert (values > 0).all()
    assert torch.get_num_threads() == 1
