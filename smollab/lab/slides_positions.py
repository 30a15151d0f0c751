"""The figures of the slides of notebook 2.2."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from smollab.experiments.context_summary import draw_context, draw_maps
from smollab.lab.ablation import load_results
from smollab.lab.positions import METHOD_NAMES, method_frequencies, score_decay
from smollab.lab.runs import Run
from smollab.model.rope import rope_frequencies, rope_wavelengths
from smollab.plots.positions import plot_rotation, plot_slowing, plot_wavelengths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOLLM3_CHANNELS, SMOLLM3_THETA, SMOLLM3_LENGTH = 128, 5e6, 65_536
"""After its last stage; YaRN then doubles the length."""


def rotation(run: Run) -> "Figure":
    """Two channel pairs at positions 0 to 5."""
    turned = lambda degrees: [
        (math.cos(math.radians(degrees * p)), math.sin(math.radians(degrees * p))) for p in range(6)
    ]
    return plot_rotation({"fast pair: 30 degrees a position": turned(30), "slow pair: 6 degrees a position": turned(6)})


def wavelengths(run: Run) -> "Figure":
    """SmolLM3's two bases: which pairs turn within 4,096 tokens, and how scores fall with the distance."""
    distances = np.geomspace(1, 8 * 4096, 400).tolist()
    thetas = {"theta 50,000": 5e4, "theta 2,000,000": 2e6}
    frequencies = {name: rope_frequencies(SMOLLM3_CHANNELS, theta) for name, theta in thetas.items()}
    waves = {name: (2 * math.pi / values).tolist() for name, values in frequencies.items()}
    decay = {name: (distances, score_decay(values, distances)) for name, values in frequencies.items()}
    return plot_wavelengths(waves, decay, 4096, 8 * 4096)


def slowing(run: Run) -> "Figure":
    """How much each method slows SmolLM3's pairs for twice its length."""
    own = rope_frequencies(SMOLLM3_CHANNELS, SMOLLM3_THETA)
    rows = {}
    for name in ("interpolation", "NTK-aware", "YaRN"):
        changed, _ = method_frequencies(METHOD_NAMES[name], SMOLLM3_CHANNELS, SMOLLM3_THETA, SMOLLM3_LENGTH, 2.0)
        rows[name] = (own / changed).tolist()
    turns = (SMOLLM3_LENGTH / rope_wavelengths(SMOLLM3_CHANNELS, SMOLLM3_THETA)).tolist()
    return plot_slowing(rows, turns)


def passkeys(run: Run) -> "Figure":
    """Keys found by length and depth: as trained, with YaRN, and after training on with a larger theta."""
    return draw_maps(load_results("ablation-context"), "RoPE")


def context(run: Run) -> "Figure":
    """The committed results of the context ablation."""
    return draw_context(load_results("ablation-context"))


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    f.__name__: f for f in (rotation, wavelengths, slowing, passkeys, context)
}
