"""Figures of single predictions: the surprise at each token, and the distribution of the next one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_surprise(labels: Sequence[str], bits: Sequence[float], uniform_bits: float) -> "Figure":
    """The surprise at each token of a text, as bars.

    Args:
        labels: the tokens.
        bits: -log2 of the probability the model gave each.
        uniform_bits: what a uniform guess over the vocabulary would need.
    """
    figure, axis = new_figure(9.0, 3.0)
    positions = np.arange(len(labels))
    axis.bar(positions, bits, color=[COLORS[0] if b < uniform_bits else COLORS[1] for b in bits], width=0.8)
    axis.axhline(uniform_bits, color=GRAY, linestyle="--", linewidth=1.2)
    axis.annotate(
        "uniform guess", (1.0, uniform_bits), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", va="center", fontsize=9, color="#5F5F5F",
    )  # fmt: skip
    axis.set_xticks(positions, labels, rotation=90, fontsize=8.5)
    axis.set_xlim(-0.7, len(labels) - 0.3)
    axis.set_ylabel("surprise (bits)")
    axis.grid(False, axis="x")
    return figure


def plot_next_token(labels: Sequence[str], model: Sequence[float], drawn: Sequence[float], title: str = "") -> "Figure":
    """The likeliest next tokens: the model's probability, and the one they are drawn with.

    Args:
        labels: tokens, likeliest first.
        model: their probabilities as the model gives them.
        drawn: their probabilities after temperature and top-p; zero where cut.
        title: above the figure.
    """
    figure, axis = new_figure(8.0, 0.9 + 0.27 * len(labels))
    positions = np.arange(len(labels))
    axis.barh(positions - 0.2, model, height=0.36, color="#B8C9D6", label="the model's probability")
    axis.barh(positions + 0.2, drawn, height=0.36, color=COLORS[0], label="drawn with")
    for position, probability in enumerate(drawn):
        text, color = (f" {probability:.1%}", "#333333") if probability > 0 else (" cut", "#B04A00")
        axis.text(probability, position + 0.2, text, va="center", fontsize=8.5, color=color)
    axis.set_yticks(positions, labels, fontsize=9.5, family="monospace")
    axis.invert_yaxis()
    most = max(*model, *drawn)
    axis.set_xlim(0, min(1.12, most * 1.15))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if most > 0.1 else f"{100 * value:.3g}%")
    axis.set_xlabel("probability of being the next token")
    axis.set_title(title, loc="left", fontsize=10.5)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    axis.grid(False, axis="y")
    return figure


def plot_temperatures(
    temperatures: Sequence[float], distributions: Sequence[Sequence[float]], entropies: Sequence[float], target: int
) -> "Figure":
    """One distribution at several temperatures: what a teacher can show that the bare next token cannot.

    Args:
        temperatures: of each row.
        distributions: probabilities of the likeliest tokens, likeliest first.
        entropies: of the whole distributions, bits.
        target: place of the token that really came next among the likeliest, or -1.
    """
    figure, axes = new_figure(9.0, 2.7, columns=len(temperatures))
    for axis, temperature, row, entropy in zip(axes, temperatures, distributions, entropies, strict=True):
        colors = [COLORS[1] if i == target else COLORS[0] for i in range(len(row))]
        axis.bar(range(len(row)), row, color=colors, width=0.85)
        axis.set_title(f"T = {temperature:g}: {entropy:.1f} bits", loc="left", fontsize=10)
        axis.set_ylim(0, max(map(max, distributions)) * 1.05)
        axis.set_xticks([])
        axis.grid(False, axis="x")
    axes[0].set_ylabel("probability")
    axes[len(axes) // 2].set_xlabel("the likeliest tokens, in order (orange: the one that came)")
    return figure
