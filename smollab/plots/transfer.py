"""Figures of muP: learning-rate curves by width, and the size of changes by width or depth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "os^Dv"


def plot_rates(curves: Mapping[str, np.ndarray], widths: Sequence[int], rates: Sequence[int]) -> "Figure":
    """Score by learning rate, a line for each width and a panel for each parametrization; a ring marks the best rate.

    Args:
        curves: parametrization -> (widths, rates, seeds) bits per byte; the band reaches from seed to seed.
        widths: of the models.
        rates: exponents of two.
    """
    figure, axes = new_figure(9.0, 3.6, columns=len(curves))
    axes = np.atleast_1d(axes)
    low = min(values.min() for values in curves.values())
    high = max(values.mean(axis=2).max() for values in curves.values())
    for axis, (name, values) in zip(axes, curves.items(), strict=True):
        for place, width in enumerate(widths):
            color, mean = COLORS[place % len(COLORS)], values[place].mean(axis=1)
            axis.plot(rates, mean, color=color, marker=MARKERS[place % 5], markersize=4, label=f"width {width}")
            axis.fill_between(rates, values[place].min(axis=1), values[place].max(axis=1), color=color, alpha=0.15)
            best = int(mean.argmin())
            axis.plot(rates[best], mean[best], "o", markersize=11, markerfacecolor="none", color=color)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("log2 of the learning rate")
        axis.set_xticks(list(rates))
        axis.set_ylim(low - 0.05, high + 0.05)
    axes[0].set_ylabel("bits per byte, held out")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def plot_coordinates(
    checks: Mapping[str, Mapping[str, np.ndarray]], sizes: Sequence[int], label: str = "width"
) -> "Figure":
    """Mean change of a number of each part after some steps, by width, both axes logarithmic.

    Args:
        checks: title of a panel -> part of the model -> (seeds, sizes) changes.
        sizes: widths, or numbers of layers.
        label: of the horizontal axis.
    """
    figure, axes = new_figure(9.0, 3.4, columns=len(checks))
    axes = np.atleast_1d(axes)
    every = [values for parts in checks.values() for values in parts.values()]
    low, high = min(v.min() for v in every), max(v.max() for v in every)
    for axis, (title, parts) in zip(axes, checks.items(), strict=True):
        for place, (part, values) in enumerate(parts.items()):
            color = COLORS[place % len(COLORS)]
            axis.plot(sizes, values.mean(axis=0), color=color, marker=MARKERS[place % 5], markersize=4, label=part)
            for seed in values:
                axis.plot(sizes, seed, color=GRAY, linewidth=0.5, zorder=0)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_ylim(low / 1.5, high * 1.5)
        axis.set_xticks(list(sizes), [str(size) for size in sizes])
        axis.minorticks_off()
        axis.set_xlabel(label)
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("mean size of the change")
    axes[-1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
