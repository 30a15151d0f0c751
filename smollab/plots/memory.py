"""Figures of memory and operations: what a step reads, what it computes, and what was measured."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GIBIBYTE = 2**30


def plot_decode_step(
    contexts: Sequence[int],
    weight_bytes: float,
    cache_bytes: Sequence[float],
    shares: Sequence[Sequence[float]],
    chosen: int,
) -> "Figure":
    """What one step of decoding reads and computes, by the length of the texts.

    Args:
        contexts: lengths, ascending; tokens.
        weight_bytes: read in every step.
        cache_bytes: read at each length.
        shares: of the operations, at each length: matrices, attention, unembedding; each sums to one.
        chosen: place of the length that is marked.
    """
    figure, (left, right) = new_figure(9.2, 3.5, columns=2)
    left.loglog(contexts, [b / GIBIBYTE for b in cache_bytes], color=COLORS[1], linewidth=2, label="cache")
    left.axhline(weight_bytes / GIBIBYTE, color=COLORS[0], linestyle="--", linewidth=1.8, label="weights")
    left.plot(contexts[chosen], cache_bytes[chosen] / GIBIBYTE, "o", color=COLORS[1], markersize=8)
    left.set_ylabel("read in each step (GiB)")
    names = ("matrices", "attention", "unembedding")
    right.stackplot(
        contexts, np.array(shares).T * 100, labels=names, colors=(COLORS[0], COLORS[1], "#B8C9D6"), alpha=0.9
    )
    right.set_xscale("log")
    right.axvline(contexts[chosen], color="#333333", linewidth=1.2)
    right.set_ylabel("share of the operations (%)")
    right.set_ylim(0, 100)
    right.margins(x=0)
    for axis in (left, right):
        axis.set_xlabel("tokens in each text")
    left.legend(frameon=False, fontsize=9, loc="lower right")
    right.legend(fontsize=9, loc="lower left")
    return figure


def plot_intensity(rows: Sequence[int], lines: Mapping[str, Sequence[float]], ridges: Mapping[str, float]) -> "Figure":
    """Operations for each byte against texts side by side, with the ratio that a machine can sustain.

    Args:
        rows: texts.
        lines: name -> intensity at each number of texts.
        ridges: name of a machine -> operations it does while it reads a byte.
    """
    figure, axis = new_figure(7.4, 3.5)
    for color, (name, values) in zip(COLORS, lines.items(), strict=False):
        axis.loglog(rows, values, color=color, marker="o", markersize=4, linewidth=1.8, label=name)
    for name, ridge in ridges.items():
        axis.axhline(ridge, color=GRAY, linestyle="--", linewidth=1.2)
        axis.text(rows[0], ridge * 1.12, name, fontsize=9, color="#444444")
    axis.set_xlabel("texts side by side")
    axis.set_ylabel("operations per byte read")
    axis.set_ylim(top=max(*ridges.values(), *(max(v) for v in lines.values())) * 3)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def plot_measured(
    names: Sequence[str], measured: np.ndarray, expected: Sequence[float], labels: tuple[str, str], expectation: str
) -> "Figure":
    """Repeated measurements as dots, their median as a bar, and what arithmetic alone would give.

    Args:
        names: of the settings.
        measured: (rounds, settings).
        expected: of each setting.
        labels: of the two axes.
        expectation: what `expected` is.
    """
    figure, axis = new_figure(7.4, 3.4)
    places = np.arange(len(names))
    axis.bar(places, np.median(measured, axis=0), width=0.6, color="#B8C9D6", label="measured, median")
    for place in places:
        spread = np.linspace(-0.18, 0.18, len(measured))
        axis.plot(place + spread, measured[:, place], ".", color=COLORS[0], markersize=5)
    axis.plot(places, expected, "D", color=COLORS[1], markersize=6, label=expectation)
    axis.set_xticks(places, names)
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=9)
    axis.grid(False, axis="x")
    return figure
