"""Notebook 2.2: its exercises, what its panels compute, and the small model that finds keys."""

import math

import pytest
import torch

from smollab.evaluate import passkey
from smollab.evaluate.passkey import evaluate_passkey
from smollab.experiments.context_summary import context_intervals
from smollab.lab.ablation import load_results
from smollab.lab.checks import positions
from smollab.lab.panels import FrequencyPanel, PasskeyPanel
from smollab.lab.positions import METHOD_NAMES, load_passkey_model, method_frequencies, score_decay
from smollab.model.extend import extend
from smollab.model.rope import apply_rope, rope_cos_sin, rope_frequencies


def rotate(x, y, position, frequency):
    turned = complex(x, y) * complex(math.cos(position * frequency), math.sin(position * frequency))
    return turned.real, turned.imag


def count_turned(head_dim, theta, length):
    return sum(2 * math.pi * theta ** (2 * i / head_dim) <= length for i in range(head_dim // 2))


def raise_theta(theta, factor, head_dim):
    return theta * factor ** (head_dim / (head_dim - 2))


def mix(frequency, length, factor, alpha, beta):
    turns = length * frequency / (2 * math.pi)
    ramp = min(max((turns - alpha) / (beta - alpha), 0), 1)
    return ramp * frequency + (1 - ramp) * frequency / factor


REFERENCES = {
    "2.2.1": (positions.check_2_2_1, rotate),
    "2.2.2": (positions.check_2_2_2, count_turned),
    "2.2.3": (positions.check_2_2_3, raise_theta),
    "2.2.4": (positions.check_2_2_4, mix),
}
MISTAKES = [
    ("2.2.1", lambda x, y, p, f: rotate(x, y, -p, f), "turns the other way"),
    ("2.2.1", lambda x, y, p, f: rotate(x, y, 1, f), "position 7 turns seven times"),
    ("2.2.1", lambda x, y, p, f: (x * math.cos(p * f), x * math.sin(p * f)), r"takes (0, 1) to (-1, 0)"),
    ("2.2.1", lambda x, y, p, f: x, "return two numbers"),
    ("2.2.2", lambda d, t, n: sum(t ** (2 * i / d) <= n for i in range(d // 2)), "a turn is 2 pi"),
    ("2.2.2", lambda d, t, n: sum(2 * math.pi * t ** (i / d) <= n for i in range(d // 2)), "is the exponent"),
    ("2.2.2", lambda d, t, n: 2 * count_turned(d, t, n), "not the channels"),
    ("2.2.3", lambda t, s, d: t * s, "slows the slowest pair by less"),
    ("2.2.3", lambda t, s, d: t * s ** ((d - 2) / d), "upside down"),
    ("2.2.4", lambda f, n, s, a, b: f / s, "wrong way round"),
    ("2.2.4", lambda f, n, s, a, b: f, "below alpha"),
    ("2.2.4", lambda f, n, s, a, b: f / (s * (1 - mix_share(f, n, a, b)) + mix_share(f, n, a, b)), "mixed the factors"),
]


def mix_share(frequency, length, alpha, beta):
    return min(max((length * frequency / (2 * math.pi) - alpha) / (beta - alpha), 0), 1)


def test_the_decay_is_that_of_the_packages_rope():
    vector = torch.ones(1, 1, 32)
    rotated = lambda p: apply_rope(vector, *rope_cos_sin(torch.tensor([p]), 32, 500.0))[0, 0]
    expected = [float(rotated(0) @ rotated(p)) / 32 for p in (0, 3, 50)]
    assert score_decay(rope_frequencies(32, 500.0), [0, 3, 50]) == pytest.approx(expected, abs=1e-5)


def test_every_method_is_what_the_model_uses():
    model, _, _ = load_passkey_model()
    for method in METHOD_NAMES.values():
        config = extend(model, 1024, method, 128).config
        scaling = config.rope_scaling
        own = scaling.frequencies(32, config.rope_theta) if scaling else rope_frequencies(32, config.rope_theta)
        frequencies, sharpening = method_frequencies(method, 32, model.config.rope_theta, 128, 8.0)
        torch.testing.assert_close(frequencies, own)
        assert sharpening == (scaling.attention_factor**2 if scaling else 1.0)
    with pytest.raises(ValueError, match="no method"):
        method_frequencies("longrope", 32, 500.0, 128, 8.0)


@torch.inference_mode()
def test_the_committed_model_finds_keys_where_it_was_trained_and_its_greedy_decoding_says_so(monkeypatch):
    model, tokenizer, filler = load_passkey_model()
    prompts = []
    real = passkey.make_prompt
    monkeypatch.setattr(passkey, "make_prompt", lambda *a: prompts.append(real(*a)) or prompts[-1])
    scores = evaluate_passkey(lambda n: extend(model, n), tokenizer, filler, [128, 1024], keys=4, digits=2)
    longer = extend(model, 1024)
    greedy = [int(model.logits(longer(prompt[None, :-1])[0, -1]).argmax()) for prompt in prompts]
    assert scores.correct.flatten().tolist() == [g == int(p[-1]) for g, p in zip(greedy, prompts, strict=True)]
    assert scores.accuracy(128).value > 0.7 > 0.4 > scores.accuracy(1024).value


def test_the_frequency_panel_counts_pairs_and_follows_its_sliders():
    panel = FrequencyPanel()
    assert "39 of 64 channel pairs" in panel.readout
    assert "YaRN: 0 pairs reach angles" in panel.readout
    panel.method.value = "as trained"
    assert "25 pairs reach angles" in panel.readout
    before = panel.picture
    panel.theta.value = 5e6
    assert "39 of 64" not in panel.readout and panel.picture != before
    panel.times.value = 1
    assert "as trained: 0 pairs" in panel.readout


def test_the_passkey_panel_asks_again_for_another_method():
    panel = PasskeyPanel(*load_passkey_model())
    assert "as trained: at 128 tokens" in panel.readout
    before = panel.picture
    panel.method.value = "YaRN"
    assert "YaRN: at 128 tokens" in panel.readout and panel.picture != before
    panel.keys.value = 1
    assert "of 5 keys are found" in panel.readout


def test_committed_results_are_whole():
    results = load_results("ablation-context")
    panels = context_intervals(results)
    assert len(results["seeds"]) >= 3
    assert list(panels) == ["RoPE", "RoPE + NoPE"]
    for rows in panels.values():
        assert len(rows) == 6
        assert rows["YaRN"][128] == rows["as trained"][128]
        assert all(low <= mean <= high for row in rows.values() for mean, low, high in row.values())
