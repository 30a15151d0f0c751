"""Figures of curation: the funnel, and why documents were dropped."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_funnel(steps: Sequence[tuple[str, int]], title: str) -> "Figure":
    """Documents left after each step, as bars from top to bottom.

    Args:
        steps: (name, documents after it), the first being what was read.
        title: above the figure.
    """
    figure, axis = new_figure(7.0, 0.9 + 0.32 * len(steps))
    names, counts = [name for name, _ in steps], [count for _, count in steps]
    before = [counts[0], *counts[:-1]]
    positions = range(len(steps))
    axis.barh(positions, before, color="#E4E4E4", height=0.72)
    axis.barh(positions, counts, color=COLORS[0], height=0.72)
    for position, (count, previous) in enumerate(zip(counts, before, strict=True)):
        lost = f"   −{previous - count:,}" if previous > count else ""
        axis.text(previous, position, f"  {count:,}{lost}", va="center", fontsize=9, color="#333333")
    axis.set_yticks(positions, names)
    axis.invert_yaxis()
    axis.set_xlim(0, max(counts[0], 1) * 1.18)
    axis.set_xlabel("documents left (gray: dropped by this step)")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_title(title, loc="left", fontsize=11)
    axis.grid(False, axis="y")
    return figure


def plot_drop_reasons(reasons: Sequence[tuple[str, int]], title: str) -> "Figure":
    """The most frequent reasons for a drop.

    Args:
        reasons: (reason, documents), most frequent first.
        title: above the figure.
    """
    figure, axis = new_figure(7.0, 0.9 + 0.28 * max(len(reasons), 1))
    positions = range(len(reasons))
    axis.barh(positions, [count for _, count in reasons], color=COLORS[1], height=0.7)
    for position, (_, count) in enumerate(reasons):
        axis.text(count, position, f"  {count:,}", va="center", fontsize=9, color=GRAY)
    axis.set_yticks(positions, [reason for reason, _ in reasons])
    axis.invert_yaxis()
    axis.set_xlabel("documents dropped")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(x=0.12)
    axis.set_title(title, loc="left", fontsize=11)
    axis.grid(False, axis="y")
    return figure
