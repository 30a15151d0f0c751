"""Figures of mixtures: where text comes from, and how often a mixture reads it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}


def plot_shares(shares: Mapping[str, Sequence[tuple[str, float]]], most: int = 8) -> "Figure":
    """One panel for each dimension: the shares of its largest names, and of all others together.

    Args:
        shares: dimension -> (name, share of the text), the largest first; each dimension sums to one.
        most: names shown of each dimension.
    """
    rows = {name: _shorten(values, most) for name, values in shares.items()}
    longest = max(len(values) for values in rows.values())
    figure, axes = new_figure(9.6, 1.0 + 0.27 * longest, columns=len(rows))
    for axis, (dimension, values) in zip(axes if len(rows) > 1 else [axes], rows.items(), strict=True):
        for position, (name, share) in enumerate(values):
            axis.barh(position, 100 * share, color=GRAY if name.startswith("other ") else COLORS[0], height=0.7)
            axis.text(100 * share, position, f" {100 * share:.1f}", va="center", fontsize=8, color="#333333")
        axis.set_yticks(range(len(values)), [name for name, _ in values], fontsize=8)
        axis.set_ylim(longest - 0.4, -0.6)
        axis.margins(x=0.25)
        axis.set_title(f"by {dimension}", fontsize=9.5, loc="left")
        axis.set_xlabel("% of the bytes", fontsize=8.5)
        axis.grid(False, axis="y")
    return figure


def plot_mixture(
    names: Sequence[str],
    natural: Sequence[float],
    weights: Sequence[float],
    epochs: Sequence[float],
    free_epochs: float,
) -> "Figure":
    """Natural proportions beside a mixture's weights, and how often each text is read for it.

    Args:
        names: of the texts.
        natural: shares of what there is.
        weights: shares of what is read.
        epochs: how often each text is read.
        free_epochs: up to so many, repetition costs next to nothing.
    """
    figure, (left, right) = new_figure(9.6, 1.2 + 0.36 * len(names), columns=2)
    places = range(len(names))
    left.barh([p - 0.19 for p in places], [100 * n for n in natural], height=0.36, color="#B8C9D6", label="there is")
    left.barh([p + 0.19 for p in places], [100 * w for w in weights], height=0.36, color=COLORS[0], label="is read")
    left.set_xlabel("share of the tokens (%)")
    left.set_xlim(0, min(100, 115 * max(*natural, *weights)))
    left.legend(frameon=False, fontsize=9, loc="lower right")
    colors = [COLORS[1] if value > free_epochs else COLORS[0] for value in epochs]
    right.barh(places, [max(value, 0.01) for value in epochs], height=0.6, color=colors, left=0)
    for place, value in zip(places, epochs, strict=True):
        mark = "  repeated too often" if value > free_epochs else ""
        right.text(
            max(value, 0.011), place, f" {value:.2f}{mark}", va="center", fontsize=8.5, color="#333333"
        ).set_bbox(_WHITE)
    right.axvline(free_epochs, color="#333333", linestyle="--", linewidth=1)
    right.set_xscale("log")
    right.set_xlim(0.01, 3000)
    right.set_xlabel(f"epochs (log scale; dashed: {free_epochs:g})")
    for axis, labels in ((left, list(names)), (right, [""] * len(names))):
        axis.set_yticks(places, labels, fontsize=9)
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.grid(False, axis="y")
    return figure


def _shorten(values: Sequence[tuple[str, float]], most: int) -> list[tuple[str, float]]:
    if len(values) <= most + 1:
        return list(values)
    others = values[most:]
    return [*values[:most], (f"other {len(others)}", sum(share for _, share in others))]


def plot_repetition(epochs: Sequence[float], worth: Sequence[float], free_epochs: float) -> "Figure":
    """What reading the same text some times is worth, against what new text would be.

    Args:
        epochs: how often the text is read.
        worth: new epochs that would teach as much.
        free_epochs: up to so many, repetition costs next to nothing.
    """
    figure, axis = new_figure(8.0, 3.2)
    axis.plot(epochs, epochs, color=GRAY, linestyle="--", linewidth=1.5, label="new text")
    axis.plot(epochs, worth, color=COLORS[0], linewidth=2.2, label="the same text again")
    axis.axvline(free_epochs, color=COLORS[1], linestyle=":", linewidth=1.5)
    axis.text(free_epochs, max(worth) * 1.15, f" {free_epochs:g} epochs", color=COLORS[1], fontsize=9)
    axis.set_ylim(0, max(worth) * 1.3)
    axis.set_xlim(0, max(epochs))
    axis.set_xlabel("epochs read")
    axis.set_ylabel("worth, in epochs of new text")
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def plot_overlap(rows: Sequence[tuple[str, float]], threshold: float) -> "Figure":
    """How much of each page is in a test, and the threshold above which pages are left out.

    Args:
        rows: (page, share of its n-grams in the test), the largest first.
        threshold: a share.
    """
    figure, axis = new_figure(9.0, 0.8 + 0.19 * len(rows))
    places = range(len(rows))
    colors = [COLORS[1] if share > threshold else COLORS[0] for _, share in rows]
    axis.barh(places, [100 * share for _, share in rows], color=colors, height=0.7)
    axis.axvline(100 * threshold, color="#333333", linestyle="--", linewidth=1)
    axis.set_yticks(places, [name for name, _ in rows], fontsize=7)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of the page's runs of 13 words that are in the test (dashed: threshold)")
    axis.grid(False, axis="y")
    return figure
