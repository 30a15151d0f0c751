"""Figures of scale: what models of growing size cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_costs(
    parameters: Sequence[float],
    flops_per_token: Sequence[float],
    state_bytes: Sequence[float],
    marks: Sequence[tuple[str, int]],
) -> "Figure":
    """Compute and memory against parameters, both axes logarithmic.

    Args:
        parameters: of each model, ascending.
        flops_per_token: to train on one token.
        state_bytes: weights, gradients and optimizer state on each device.
        marks: (name, index) of the models to point at.
    """
    figure, (left, right) = new_figure(9.0, 3.4, columns=2)
    for axis, values, label in (
        (left, flops_per_token, "FLOPs per training token"),
        (right, [b / 2**30 for b in state_bytes], "training state on each device (GiB)"),
    ):
        axis.loglog(parameters, values, color=COLORS[0], marker="o", markersize=4, linewidth=1.8)
        for name, index in marks:
            axis.plot(parameters[index], values[index], marker="s", markersize=8, color=COLORS[1])
            right_side = index > len(parameters) / 2
            axis.annotate(
                name,
                (parameters[index], values[index]),
                xytext=(-10 if right_side else 10, 0),
                textcoords="offset points",
                ha="right" if right_side else "left",
                va="center",
                fontsize=9,
            )
        axis.set_xlabel("parameters")
        axis.set_ylabel(label)
    left.loglog(
        parameters, [6 * p for p in parameters], color=GRAY, linestyle="--", linewidth=1.2, label="6 x parameters"
    )
    left.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def plot_passes(sources: Sequence[str], available: Sequence[int], read: Sequence[int]) -> "Figure":
    """Tokens that curation left of each source beside those that training read.

    Args:
        sources: their names.
        available: tokens left for training.
        read: tokens trained on, repetitions included.
    """
    figure, axis = new_figure(8.0, 1.2 + 0.55 * len(sources))
    for position, (have, used) in enumerate(zip(available, read, strict=True)):
        names = ("left by curation", "read in training") if position == 0 else ("", "")
        axis.barh(position - 0.2, have / 1e6, height=0.36, color="#B8C9D6", label=names[0])
        axis.barh(position + 0.2, used / 1e6, height=0.36, color=COLORS[0], label=names[1])
        axis.text(used / 1e6, position + 0.2, f"  {used / have:.2f} times", va="center", fontsize=9, color="#333333")
    axis.set_yticks(range(len(sources)), sources)
    axis.invert_yaxis()
    axis.margins(x=0.15)
    axis.set_xlabel("tokens (millions)")
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    axis.grid(False, axis="y")
    return figure
