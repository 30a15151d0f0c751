"""Figures of PDF extraction: a page with its blocks, and what a threshold on P(scan) does."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND_COLORS = {"heading": COLORS[1], "table": COLORS[4], "code": COLORS[3], "list item": COLORS[2]}
_TEXT, _LEFT_OUT = COLORS[0], "#777777"

Box = tuple[float, float, float, float]


def plot_page(
    pixels: NDArray[np.uint8],
    size: tuple[float, float],
    blocks: Sequence[tuple[Box, str]],
    left_out: Sequence[tuple[Box, str]],
    title: str,
) -> "Figure":
    """A page with its blocks, their reading order as a line through numbers, and what is left out hatched.

    Args:
        pixels: (height, width, 3) picture of the page.
        size: of the page; points.
        blocks: (box in points, kind) in reading order.
        left_out: (box in points, kind).
        title: above the page.
    """
    from matplotlib.patches import Rectangle

    width, height = size
    figure, axis = new_figure(5.6, min(5.6 * height / width, 7.4) + 0.3)
    # Few levels of gray, and white paper: a notebook stores the picture.
    gray = np.asarray(pixels, dtype=np.float32).mean(axis=2)
    gray = np.where(gray > 190, 255, 110 + 48 * (gray // 64))
    axis.imshow(gray, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0), interpolation="nearest")
    for box, kind in left_out:
        x0, y0, x1, y1 = box
        axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=_LEFT_OUT, hatch="////", lw=0.6))
        axis.annotate(kind, (x1, y0), fontsize=6.5, color=_LEFT_OUT, ha="right", va="bottom")
    centers = []
    for number, (box, kind) in enumerate(blocks, 1):
        x0, y0, x1, y1 = box
        color = KIND_COLORS.get(kind, _TEXT)
        axis.add_patch(Rectangle((x0 - 2, y0 - 1), x1 - x0 + 4, y1 - y0 + 2, fill=False, edgecolor=color, lw=1.2))
        axis.annotate(
            str(number), (x0 - 3, y0), fontsize=7, color="white", ha="right", va="top",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": color, "edgecolor": "none"},
        )  # fmt: skip
        centers.append(((x0 + x1) / 2, (y0 + y1) / 2))
    if len(centers) > 1:
        axis.plot(*zip(*centers, strict=True), color=COLORS[3], lw=1.1, alpha=0.75)
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(title, fontsize=9)
    return figure


def plot_threshold(
    thresholds: Sequence[float], curves: Mapping[str, Sequence[tuple[float, float, float]]], default: float
) -> "Figure":
    """Precision and recall against the threshold, with intervals.

    Args:
        thresholds: on P(scan), rising.
        curves: name -> (mean, low, high) for each threshold.
        default: threshold that is marked.
    """
    figure, axis = new_figure(7.0, 3.4)
    looks = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
    for k, (name, rows) in enumerate(curves.items()):
        mean, low, high = np.array(rows).T
        line, marker = looks[k % len(looks)]
        axis.plot(thresholds, mean, line, marker=marker, ms=4, color=COLORS[k], label=name)
        axis.fill_between(thresholds, low, high, color=COLORS[k], alpha=0.15, lw=0)
    axis.axvline(default, color=GRAY, lw=1)
    axis.annotate(f" {default}", (default, axis.get_ylim()[0]), fontsize=8, color=GRAY, va="bottom")
    axis.set_xlabel("threshold on P(scan)", fontsize=9)
    axis.set_ylabel("share", fontsize=9)
    axis.set_ylim(top=1.01)
    axis.legend(fontsize=8, frameon=False)
    return figure
