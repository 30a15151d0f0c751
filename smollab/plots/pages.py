"""Figures of quality rules at work on single pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = (("kept", "o", COLORS[0]), ("Gopher", "x", COLORS[1]), ("FineWeb", "^", COLORS[2]))
"""Verdict, its marker, its color: told apart by shape as well."""


def plot_pages(
    words: Sequence[float],
    with_letters: Sequence[float],
    dropped_by: Sequence[str],
    changed: Sequence[bool],
    thresholds: tuple[float, float],
    reasons: Sequence[tuple[str, int]],
) -> "Figure":
    """Each page by two of its measurements, with its verdict; beside it why pages were dropped.

    Args:
        words: of each page.
        with_letters: share of its words with at least one letter.
        dropped_by: `""`, `Gopher` or `FineWeb`.
        changed: whether the verdict differs from that under the published thresholds.
        thresholds: fewest words, and smallest share of words with letters; drawn as lines.
        reasons: (reason, pages), most frequent first.
    """
    figure, (left, right) = new_figure(9.0, 3.7, columns=2)
    figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    x, y, ringed = np.maximum(words, 1), np.asarray(with_letters), np.asarray(changed)
    for name, marker, color in MARKERS:
        chosen = np.asarray([drop == (name if name != "kept" else "") for drop in dropped_by])
        label = f"kept ({chosen.sum()})" if name == "kept" else f"dropped by {name} ({chosen.sum()})"
        left.scatter(x[chosen], y[chosen], s=30, marker=marker, color=color, alpha=0.75, linewidths=1.4, label=label)
    if ringed.any():
        left.scatter(
            x[ringed],
            y[ringed],
            s=120,
            facecolors="none",
            edgecolors="#222222",
            linewidths=1.2,
            label="verdict changed",
        )
    left.axvline(max(thresholds[0], 1), color=GRAY, linestyle="--", linewidth=1.2)
    left.axhline(thresholds[1], color=GRAY, linestyle="--", linewidth=1.2)
    left.set_xscale("log")
    left.set_xlim(3, 6000)
    left.set_ylim(min(0.6, y.min(initial=1.0) - 0.03), 1.0)
    left.set_xlabel("words on the page")
    left.set_ylabel("share of words with a letter")
    left.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    _draw_reasons(right, reasons)
    return figure


def _draw_reasons(axis: "Axes", reasons: Sequence[tuple[str, int]]) -> None:
    """Bars with the reason written above each, so that long reasons do not shrink the bars."""
    slots = 6
    for position, (reason, count) in enumerate(reasons[:slots]):
        axis.barh(position, count, color=COLORS[1] if reason.startswith("gopher") else COLORS[2], height=0.34)
        axis.text(0, position - 0.27, reason.replace("_quality", ""), fontsize=8.5, va="bottom", color="#333333")
        axis.text(count, position, f" {count}", fontsize=9, va="center", color="#333333")
    axis.set_ylim(slots - 0.5, -0.7)
    axis.set_yticks([])
    axis.set_xlim(0, max([count for _, count in reasons] + [10]) * 1.15)
    axis.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    axis.set_xlabel("pages dropped, by first rule that failed")
    axis.spines["left"].set_visible(False)
    axis.grid(False, axis="y")
