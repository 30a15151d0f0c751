"""Figures of optimization: singular values of an update, learning-rate schedules, a race of optimizers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_singular_values(before: Sequence[float], after: Sequence[float], steps: int) -> "Figure":
    """Singular values of a matrix, and what Newton-Schulz makes of them.

    Args:
        before: descending, divided by the Frobenius norm of the matrix.
        after: of the matrix after Newton-Schulz.
        steps: how many iterations were made.
    """
    figure, (left, right) = new_figure(9.0, 3.3, columns=2)
    ranks = np.arange(1, len(before) + 1)
    left.semilogy(ranks, np.maximum(before, 1e-6), color=GRAY, linestyle="--", linewidth=2, label="momentum")
    left.semilogy(
        ranks, np.maximum(np.sort(after)[::-1], 1e-6), color=COLORS[0], linewidth=2, label=f"after {steps} steps"
    )
    left.set_ylim(1e-4, 3)
    left.set_xlabel("singular value, by rank")
    left.set_ylabel("size (log scale)")
    left.legend(frameon=False, fontsize=9, loc="lower left")
    right.hist(after, bins=np.linspace(0, 1.4, 29), color=COLORS[0])
    right.axvline(1, color=COLORS[1], linestyle="--", linewidth=1.5)
    right.set_xlabel(f"singular value after {steps} steps")
    right.set_ylabel("how many")
    return figure


def plot_newton_schulz_map(before: Sequence[float], after: Mapping[int, Sequence[float]]) -> "Figure":
    """What some steps of Newton-Schulz make of a single singular value.

    Args:
        before: singular values, ascending, as shares of the Frobenius norm.
        after: number of steps -> the values after them.
    """
    figure, axis = new_figure(8.0, 3.4)
    for index, (steps, values) in enumerate(after.items()):
        label = f"{steps} step" + ("s" if steps != 1 else "")
        axis.plot(
            before, values, color=COLORS[index], linestyle=("-", "--", "-.", ":")[index % 4], linewidth=2, label=label
        )
    axis.plot(before, before, color=GRAY, linewidth=1, label="unchanged")
    axis.axhline(1, color="#333333", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("singular value before (share of the Frobenius norm, log scale)")
    axis.set_ylabel("after")
    axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_learning_rate(
    steps: Sequence[int], planned: Sequence[float], measured: Sequence[float], stages: Mapping[str, int]
) -> "Figure":
    """A schedule as it was planned and as it was logged, with the stages of the data mixture.

    Args:
        steps: counted from 1.
        planned: learning rate by the schedule.
        measured: learning rate in the log of the run.
        stages: name -> first step.
    """
    figure, axis = new_figure(8.0, 2.9)
    axis.plot(steps, planned, color=COLORS[0], linewidth=2.2, label="schedule")
    every = max(1, len(steps) // 40)
    axis.plot(steps[::every], measured[::every], "o", color=COLORS[1], markersize=3.5, label="as logged")
    for index, (name, first) in enumerate(stages.items()):
        axis.axvline(first, color=GRAY, linestyle=":", linewidth=1)
        axis.text(first, 1.03 + 0.08 * (index % 2), f" {name}", transform=axis.get_xaxis_transform(), fontsize=8.5)
    axis.set_ylim(0)
    axis.set_xlabel("optimizer step")
    axis.set_ylabel("learning rate (matrices)")
    axis.legend(frameon=False, fontsize=9, loc="lower center")
    return figure


def plot_race(scores: Mapping[str, tuple[Sequence[float], np.ndarray]], ylabel: str) -> "Figure":
    """Several methods, each at its own learning rates and several seeds: mean, and the range of the seeds.

    Args:
        scores: method -> (rates, values of shape (rates, seeds)); lower is better.
        ylabel: what is measured, with its unit.
    """
    figure, axis = new_figure(7.0, 3.3)
    for index, (name, (rates, values)) in enumerate(scores.items()):
        mean = values.mean(1)
        error = np.stack([mean - values.min(1), values.max(1) - mean])
        axis.errorbar(
            rates,
            mean,
            error,
            color=COLORS[index],
            marker="os^"[index],
            linestyle=("-", "--", ":")[index],
            capsize=4,
            linewidth=1.8,
            label=name,
        )
    every = sorted({rate for rates, _ in scores.values() for rate in rates})
    axis.set_xscale("log")
    axis.set_xticks(every, [f"{rate:g}" for rate in every])
    axis.minorticks_off()
    axis.set_xlabel("peak learning rate (log scale)")
    axis.set_ylabel(ylabel)
    axis.legend(frameon=False, fontsize=9)
    return figure
