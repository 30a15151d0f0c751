"""Figures of comparisons: variants with their seeds and intervals, and differences from a baseline."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bounds = tuple[float, float, float]
"""Mean, lower and upper end of an interval."""


def plot_scores(
    scores: Mapping[str, Mapping[str, Sequence[float]]],
    intervals: Mapping[str, Mapping[str, Bounds]],
    units: Mapping[str, str],
) -> "Figure":
    """One panel for each metric: every seed as a dot, and the mean over seeds with its interval.

    Args:
        scores: metric -> variant -> value of each seed.
        intervals: metric -> variant -> mean and interval.
        units: metric -> what its axis says.
    """
    figure, axes = new_figure(9.0, 1.0 + 0.5 * len(next(iter(scores.values()))), columns=len(scores))
    panels = axes if len(scores) > 1 else [axes]
    for place, (axis, (metric, rows)) in enumerate(zip(panels, scores.items(), strict=True)):
        for row, (variant, values) in enumerate(rows.items()):
            mean, low, high = intervals[metric][variant]
            axis.plot(values, [row - 0.18] * len(values), "o", color=GRAY, markersize=3.5)
            axis.errorbar(
                mean, row, xerr=[[mean - low], [high - mean]], color=COLORS[row % len(COLORS)],
                marker="os^Dvp"[row % 6], markersize=6, capsize=4, linewidth=1.8,
            )  # fmt: skip
        axis.set_yticks(range(len(rows)), list(rows) if place == 0 else [""] * len(rows))
        axis.set_ylim(len(rows) - 0.5, -0.6)
        axis.set_title(metric, fontsize=9.5)
        axis.set_xlabel(units[metric], fontsize=8)
        axis.locator_params(axis="x", nbins=4)
        axis.tick_params(axis="x", labelsize=8)
    return figure


def plot_differences(
    differences: Mapping[str, Mapping[str, Bounds]], baseline: str, units: Mapping[str, str]
) -> "Figure":
    """One panel for each metric: how far each variant lies from a baseline; intervals that reach zero are gray.

    Args:
        differences: metric -> variant -> mean difference and its interval.
        baseline: name of what was subtracted.
        units: metric -> what its axis says.
    """
    figure, axes = new_figure(9.0, 1.0 + 0.42 * len(next(iter(differences.values()))), columns=len(differences))
    panels = axes if len(differences) > 1 else [axes]
    for place, (axis, (metric, rows)) in enumerate(zip(panels, differences.items(), strict=True)):
        for row, (mean, low, high) in enumerate(rows.values()):
            color = GRAY if low <= 0 <= high else COLORS[0]
            axis.errorbar(
                mean, row, xerr=[[mean - low], [high - mean]], color=color, marker="o", markersize=6, capsize=4,
                linewidth=1.8,
            )  # fmt: skip
        axis.axvline(0, color="#333333", linewidth=0.9)
        names = [f"{name} - {baseline}" for name in rows]
        axis.set_yticks(range(len(rows)), names if place == 0 else [""] * len(rows))
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_title(metric, fontsize=9.5)
        axis.set_xlabel(units[metric], fontsize=8)
        axis.locator_params(axis="x", nbins=4)
        axis.tick_params(axis="x", labelsize=8)
    return figure
