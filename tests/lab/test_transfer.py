"""Notebook 5.2: its checks tell typical mistakes apart, its panels answer every control, its numbers are the rules'."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from smollab.lab.checks import transfer
from smollab.lab.panels import CoordinatePanel, TransferPanel
from smollab.lab.transfer import BASE, group_numbers, load_transfer, muon_step_norm, scaled, small_batch
from smollab.recipe import Optimizer
from smollab.scaling.shapes import at_width


def factors(width, base):
    ratio = width / base
    return 1 / math.sqrt(ratio), 1 / ratio, ratio


def slope(widths, changes):
    return np.polyfit(np.log(widths), np.log(changes), 1)[0]


def muon_rate(rate, base, width):
    return rate * math.sqrt(base / width)


def folded_gain(gain, ratio, multiplier):
    return gain / ratio / multiplier


REFERENCES = {
    "5.2.1": (transfer.check_5_2_1, factors),
    "5.2.2": (transfer.check_5_2_2, slope),
    "5.2.3": (transfer.check_5_2_3, muon_rate),
    "5.2.4": (transfer.check_5_2_4, folded_gain),
}
MISTAKES = [
    ("5.2.1", lambda w, b: (b / w, b / w, w / b), "not 1/4"),
    ("5.2.1", lambda w, b: ((b / w) ** 0.5, (b / w) ** 0.5, 1), "push the same way"),
    ("5.2.1", lambda w, b: ((b / w) ** 0.5, b / w, 1), "keeps their product"),
    ("5.2.1", lambda w, b: (0.5, 0.25, 4), "at the base width"),
    ("5.2.1", lambda w, b: 0.5, "expected 3 numbers"),
    ("5.2.1", lambda w, b: (0.5, 0.25), "expected 3 numbers"),
    ("5.2.2", lambda w, c: (c[-1] - c[0]) / (w[-1] - w[0]), "take logarithms"),
    ("5.2.2", lambda w, c: np.log(c[2] / c[0]) / np.log(w[2] / w[0]), "least squares"),
    ("5.2.3", lambda r, b, w: r * b / w, "AdamW's rule"),
    ("5.2.3", lambda r, b, w: r * math.sqrt(w / b), "other way around"),
    ("5.2.4", lambda g, r, m: g * r, "divided"),
    ("5.2.4", lambda g, r, m: g / r, "undo it here"),
    ("5.2.4", lambda g, r, m: g / r * m, "divide by 10"),
]


@pytest.fixture
def tokens():
    return torch.randint(50, (2, 17), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("control", "value"),
    [("parametrization", "completep"), ("optimizer", "muon"), ("count", 3), ("rate", -6), ("steps", 2)],
)
def test_every_control_of_the_coordinate_panel_changes_text_and_picture(monkeypatch, tokens, control, value):
    monkeypatch.setattr("smollab.lab.panels.transfer.SIZES", {"width": (64, 128, 256), "depth": (2, 4, 6)})
    panel = CoordinatePanel(tokens)
    with panel.settle():
        panel.count.value, panel.steps.value = 2, 1
        panel.grows.value = "depth"
    panel.refresh()
    before = panel.readout, panel.picture
    assert "slopes of the change over the depth: embedding" in panel.readout
    getattr(panel, control).value = value
    assert panel.readout != before[0]
    assert panel.picture != before[1]


def test_the_panel_compares_widths_too(monkeypatch, tokens):
    monkeypatch.setattr("smollab.lab.panels.transfer.SIZES", {"width": (64, 128, 256), "depth": (2, 4, 6)})
    assert "width 64, 128, 256; 3 steps of adamw" in CoordinatePanel(tokens).readout


@pytest.mark.parametrize(("control", "value"), [("tuned", 128), ("used", 64), ("seeds", 1)])
def test_every_control_of_the_transfer_panel_changes_text_and_picture(control, value):
    results = load_transfer()
    bits = {
        k: [[[r[0], r[0] + 0.01 * i] for i, r in enumerate(w)] for w in v] for k, v in results["bits_per_byte"].items()
    }
    panel = TransferPanel(results | {"bits_per_byte": bits, "seeds": [1, 2]})  # one more seed, made up
    before = panel.readout, panel.picture
    getattr(panel, control).value = value
    assert panel.readout != before[0]
    assert panel.picture != before[1]


def test_groups_and_muons_step_follow_the_rules():
    settings = Optimizer(name="adamw", learning_rate=0.01, weight_decay=0.1)
    wide = at_width(scaled(BASE, "mup"), 256)
    numbers = group_numbers(wide, settings)
    assert numbers["matrix"] == pytest.approx((0.0025, 0.4))
    assert numbers["norm"] == pytest.approx((0.01, 0.1))
    norms = [muon_step_norm(at_width(scaled(BASE, "mup"), width), 0.01) for width in (64, 256)]
    assert norms[1] == pytest.approx(norms[0], rel=0.15)


def test_a_batch_numbers_its_tokens_anew():
    run = SimpleNamespace(held_out=lambda source, count: torch.tensor([7, 900, 7, 31, 5, 900, 7, 7]))
    batch = small_batch(run, rows=2, length=3)
    assert batch.shape == (2, 4)
    assert batch.flatten().tolist() == [1, 3, 1, 2, 0, 3, 1, 1]
