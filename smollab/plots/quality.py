"""Figures of a quality model: scores against a threshold, calibration, and the words behind a score."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOOD, OTHER = COLORS[2], COLORS[1]


def plot_selection(
    predicted: Sequence[float],
    true: Sequence[int],
    threshold: float,
    good_from: int,
    curve: Sequence[tuple[float, float, float]],
) -> "Figure":
    """Each text by its predicted and its true score; beside it precision and recall of every threshold.

    Args:
        predicted: score of each text by a model.
        true: score by an annotator, 0 to 5.
        threshold: least predicted score that is kept.
        good_from: least true score that should be kept.
        curve: (threshold, precision, recall), ascending; NaN where nothing is kept.
    """
    figure, (left, right) = new_figure(9.0, 3.3, columns=2)
    figure.set_layout_engine("none")  # a fixed layout takes half the time of one that is computed
    left.set_position((0.06, 0.15, 0.50, 0.70))
    right.set_position((0.64, 0.15, 0.34, 0.70))
    x, y = np.asarray(predicted, dtype=float), np.asarray(true, dtype=float)
    # Scores are whole numbers: spread them so that texts do not hide one another, always in the same way.
    spread = y + np.random.default_rng(0).uniform(-0.32, 0.32, len(y))
    kept, good = x >= threshold, y >= good_from
    for chosen, color, marker, fill, name in (
        (kept & good, GOOD, "o", True, "kept, should be"),
        (kept & ~good, OTHER, "x", True, "kept, should not be"),
        (~kept & good, GOOD, "o", False, "dropped, should not be"),
        (~kept & ~good, GRAY, ".", True, "dropped, should be"),
    ):
        left.plot(
            x[chosen], spread[chosen], marker, color=color, markersize=4.5, alpha=0.75,
            markerfacecolor=color if fill else "none", label=f"{name}: {chosen.sum()}",
        )  # fmt: skip
    left.axvspan(-0.1, threshold, color="#000000", alpha=0.06)
    left.axvline(threshold, color="#222222", linewidth=1.4)
    left.axhline(good_from - 0.5, color="#222222", linewidth=0.8, linestyle="--")
    left.set_xlim(-0.1, 5.1)
    left.set_ylim(-0.5, 5.5)
    left.set_xlabel("predicted score (shaded: dropped)")
    left.set_ylabel("annotator's score")
    left.legend(frameon=False, fontsize=8.5, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    thresholds, precision, recall = (np.array(column) for column in zip(*curve, strict=True))
    right.plot(thresholds, precision, color=COLORS[0], label="precision")
    right.plot(thresholds, recall, color=COLORS[4], linestyle="--", label="recall")
    for values, color in ((precision, COLORS[0]), (recall, COLORS[4])):
        right.plot(threshold, np.interp(threshold, thresholds, values), "o", color=color, markersize=6)
    right.axvline(threshold, color="#222222", linewidth=1.0)
    right.set_xlim(thresholds[0], thresholds[-1])
    right.set_ylim(0, 1.03)
    right.set_xlabel("threshold")
    right.set_ylabel("share")
    right.legend(frameon=False, fontsize=8.5, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return figure


def plot_calibration(series: Mapping[str, Sequence[tuple[float, float, int]]]) -> "Figure":
    """Mean true score against mean predicted score of bins of texts, one line a series.

    Args:
        series: name -> (mean predicted, mean true, texts) of each bin.
    """
    figure, axis = new_figure(5.2, 3.6)
    highest = max(max(p, t) for bins in series.values() for p, t, _ in bins) * 1.08
    axis.plot([0, highest], [0, highest], color=GRAY, linestyle=":", linewidth=1.2, label="perfect")
    for (name, bins), color, marker in zip(series.items(), COLORS, "os^D", strict=False):
        axis.plot([b[0] for b in bins], [b[1] for b in bins], marker + "-", color=color, markersize=5, label=name)
    axis.set_xlim(0, highest)
    axis.set_ylim(0, highest)
    axis.set_xlabel("mean predicted score of a bin")
    axis.set_ylabel("mean score by the annotator")
    axis.legend(frameon=False, fontsize=8.5, loc="upper left")
    return figure


def plot_parts(parts: Sequence[tuple[str, float]], label: str) -> "Figure":
    """What raises and what lowers a score, one bar a word.

    Args:
        parts: (word, points), in the order of the bars from the top.
        label: of the axis.
    """
    figure, axis = new_figure(6.4, 0.8 + 0.23 * len(parts))
    positions = np.arange(len(parts))
    values = [value for _, value in parts]
    axis.barh(positions, values, height=0.68, color=[COLORS[0] if value > 0 else COLORS[1] for value in values])
    axis.axvline(0, color="#222222", linewidth=0.8)
    axis.set_yticks(positions, [name for name, _ in parts])
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.grid(False, axis="y")
    return figure
