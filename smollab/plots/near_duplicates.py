"""Figures of near-duplicates: estimates, S-curves, and which real pairs are caught."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GRID = np.linspace(0, 1, 201)


def s_curve(similarity: NDArray[np.float64], buckets: int, rows: int) -> NDArray[np.float64]:
    """The probability that two documents agree in a bucket, by their similarity."""
    return np.asarray(1 - (1 - similarity**rows) ** buckets)


def plot_estimates(counts: Sequence[int], estimates: Sequence[Sequence[float]], exact: float) -> "Figure":
    """Estimates of one pair's similarity by various numbers of hashes, one dot a seed, with the theory's spread.

    Args:
        counts: of hashes.
        estimates: for each count, one for each seed.
        exact: the Jaccard similarity.
    """
    figure, axis = new_figure(7.5, 3.0)
    for place, (count, values) in enumerate(zip(counts, estimates, strict=True)):
        spread = np.linspace(-0.22, 0.22, len(values))
        axis.scatter(place + spread, values, s=12, color=COLORS[0], alpha=0.6, linewidths=0)
        error = 2 * (exact * (1 - exact) / count) ** 0.5
        axis.errorbar(place, exact, error, color=COLORS[1], capsize=14, linewidth=1.6, label="_")
    axis.axhline(exact, color=GRAY, linestyle="--", linewidth=1.2)
    axis.text(len(counts) - 0.74, exact, f"exact: {exact:.3f}", fontsize=8.5, va="bottom")
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.set_xlim(-0.5, len(counts) - 0.3)
    axis.set_xlabel("hashes")
    axis.set_ylabel("share that agree")
    return figure


def plot_s_curves(shapes: Sequence[tuple[int, int]]) -> "Figure":
    """The S-curves of several band shapes.

    Args:
        shapes: (buckets, hashes per bucket).
    """
    figure, axis = new_figure(7.0, 3.2)
    styles = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
    for place, (buckets, rows) in enumerate(shapes):
        curve = s_curve(_GRID, buckets, rows)
        name = f"{buckets} x {rows}"
        axis.plot(_GRID, curve, color=COLORS[place], linestyle=styles[place], linewidth=2, label=name)
    axis.set_xlabel("Jaccard similarity")
    axis.set_ylabel("probability of a candidate")
    axis.legend(frameon=False, fontsize=9, title="buckets x hashes", title_fontsize=9)
    return figure


def plot_pairs(
    similarities: NDArray[np.float64], caught: NDArray[np.bool_], shape: tuple[int, int], threshold: float
) -> "Figure":
    """Real pairs by their exact similarity, caught ones above, missed ones below, and the S-curve between them.

    Args:
        similarities: of the pairs.
        caught: whether a bucket agreed.
        shape: buckets and hashes per bucket of the curve.
        threshold: from where on a pair is meant to be caught.
    """
    figure, axis = new_figure(8.6, 3.6)
    spread = np.random.default_rng(0).uniform(-0.055, 0.055, len(similarities))
    alike = similarities >= threshold
    groups = (
        (caught & alike, "o", COLORS[0], "caught"),
        (~caught & alike, "X", COLORS[1], "missed"),
        (caught & ~alike, "^", COLORS[4], "false alarm"),
        (~caught & ~alike, ".", GRAY, "rightly left alone"),
    )
    for chosen, marker, color, name in groups:
        level = 1.1 if name in ("caught", "false alarm") else -0.1
        axis.scatter(
            similarities[chosen],
            level + spread[chosen],
            s={"X": 80, ".": 16}.get(marker, 34),
            marker=marker,
            color=color,
            alpha=0.8,
            linewidths=0,
            label=f"{name} ({chosen.sum()})",
        )
    axis.plot(_GRID, s_curve(_GRID, *shape), color="#222222", linewidth=1.8)
    axis.axvline(threshold, color=GRAY, linestyle="--", linewidth=1.2)
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.2, 1.2)
    axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axis.set_xlabel("exact Jaccard similarity of a pair")
    axis.set_ylabel("probability of a candidate")
    axis.legend(frameon=False, fontsize=8.5, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
    return figure


def plot_shapes(names: Sequence[str], recall: NDArray[np.float64], alarms: NDArray[np.float64]) -> "Figure":
    """Recall and false alarms of several band shapes, with the spread over seeds.

    Args:
        names: of the shapes.
        recall: (shapes, seeds), of pairs meant to be caught.
        alarms: (shapes, seeds), of pairs caught though they are not alike.
    """
    figure, (left, right) = new_figure(8.6, 2.8, columns=2)
    for axis, values, color, label in (
        (left, recall, COLORS[0], "recall"),
        (right, alarms, COLORS[1], "false alarms"),
    ):
        places = np.arange(len(names))
        for seed in range(values.shape[1]):
            axis.scatter(values[:, seed], places + 0.16, s=9, color=color, alpha=0.35, linewidths=0)
        error = 2 * values.std(axis=1, ddof=1) / values.shape[1] ** 0.5
        axis.errorbar(values.mean(axis=1), places - 0.1, xerr=error, fmt="o", color=color, capsize=4)
        axis.set_yticks(places, names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlabel(f"{label}, mean over seeds")
    return figure
