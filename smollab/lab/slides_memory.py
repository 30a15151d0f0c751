"""The figures of the slides of notebook 2.3."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from smollab.lab.costs import attention_times, decode_step
from smollab.lab.panels.costs import CONTEXTS
from smollab.lab.runs import Run
from smollab.model.config import ModelConfig
from smollab.plots.memory import plot_decode_step, plot_intensity, plot_measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BFLOAT16 = 2
MARKED = 4096
"""Tokens of a training sequence."""
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
HEADS = (16, 8, 4, 2, 1)
LABELS = ("key-value heads", "time, relative to 16 heads")


def decode_step_figure(run: Run) -> "Figure":
    """What a step of decoding reads and computes, for SmolLM3-3B and one text."""
    steps = [decode_step(ModelConfig(), context, 1, BFLOAT16) for context in CONTEXTS]
    shares = [
        [part / s.flops.forward for part in (s.flops.matrices, s.flops.attention, s.flops.unembedding)] for s in steps
    ]
    caches = [step.cache_bytes for step in steps]
    return plot_decode_step(CONTEXTS, steps[0].weight_bytes, caches, shares, CONTEXTS.index(MARKED))


def decode_intensity(run: Run) -> "Figure":
    """Operations for each byte by texts side by side."""
    lines = {}
    for name, context, heads in (
        ("256 tokens each", 256, 4),
        ("8,192 tokens each", 8192, 4),
        ("8,192 tokens, 16 key-value heads", 8192, 16),
    ):
        config = replace(ModelConfig(), num_key_value_heads=heads)
        lines[name] = [decode_step(config, context, rows, BFLOAT16).intensity for rows in ROWS]
    return plot_intensity(ROWS, lines, {"an H100 in bfloat16: 989 TFLOP/s over 3.35 TB/s": 989 / 3.35})


def attention_by_heads(run: Run) -> "Figure":
    """Measured time of attention with fewer and fewer key-value heads."""
    times = attention_times(HEADS[0], HEADS, head_dim=128, context=4096, rounds=5)
    shares = [count / HEADS[0] for count in HEADS]
    return plot_measured([str(n) for n in HEADS], times, shares, LABELS, "bytes of the cache")


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    "decode_step": decode_step_figure,
    "decode_intensity": decode_intensity,
    "attention_by_heads": attention_by_heads,
}
