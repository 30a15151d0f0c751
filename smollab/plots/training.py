"""Figures of training: loss, held-out bits per byte, learning rate and gradient norm, with the stages marked."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_loss(metrics: Sequence[Mapping[str, Any]]) -> "Figure":
    """Training loss against tokens, raw and smoothed."""
    figure, axis = new_figure(7.0, 3.2)
    tokens = [row["tokens"] / 1e6 for row in metrics]
    losses = [row["loss"] for row in metrics]
    axis.plot(tokens, losses, color=COLORS[0], alpha=0.3, linewidth=1, label="each step")
    axis.plot(tokens, smooth(losses), color=COLORS[0], linewidth=2, label="moving average")
    axis.set_ylabel("loss (nats per token)")
    axis.set_xlabel("training tokens (millions)")
    _mark_stages(axis, metrics)
    axis.legend(frameon=False, fontsize=9, loc="upper right")
    return figure


def plot_held_out(metrics: Sequence[Mapping[str, Any]]) -> "Figure":
    """Bits per byte on held-out text of each source, as training goes on."""
    rows = [row for row in metrics if "held_out" in row]
    figure, axis = new_figure(7.0, 3.4)
    for index, name in enumerate(sorted(rows[-1]["held_out"]) if rows else []):
        axis.plot(
            [row["tokens"] / 1e6 for row in rows],
            [row["held_out"][name] for row in rows],
            color=COLORS[index % len(COLORS)],
            linestyle=("-", "--", ":")[index // len(COLORS) % 3],
            marker="o",
            markersize=3,
            label=name,
        )
    axis.set_ylabel("bits per byte, held-out text")
    axis.set_xlabel("training tokens (millions)")
    _mark_stages(axis, metrics)
    if rows:
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def plot_schedule(metrics: Sequence[Mapping[str, Any]]) -> "Figure":
    """Learning rate and gradient norm against steps."""
    figure, (left, right) = new_figure(7.0, 2.6, columns=2)
    steps = [row["step"] for row in metrics]
    left.plot(steps, [row["learning_rate"] for row in metrics], color=COLORS[2], linewidth=2)
    left.set_ylabel("learning rate")
    right.plot(steps, [row["grad_norm"] for row in metrics], color=COLORS[3], linewidth=1)
    right.set_ylabel("gradient norm, before clipping")
    for axis in (left, right):
        axis.set_xlabel("step")
    return figure


def plot_bits_per_byte(bits: Mapping[str, float]) -> "Figure":
    """Final bits per byte of each source, as bars."""
    figure, axis = new_figure(7.0, 0.9 + 0.3 * len(bits))
    names = sorted(bits, key=lambda name: bits[name])
    axis.barh(range(len(names)), [bits[name] for name in names], color=COLORS[0], height=0.7)
    for position, name in enumerate(names):
        axis.text(bits[name], position, f"  {bits[name]:.2f}", va="center", fontsize=9, color="#333333")
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlabel("bits per byte on held-out text (lower is better; a uniform guess needs 8)")
    axis.margins(x=0.1)
    axis.grid(False, axis="y")
    return figure


def smooth(values: Sequence[float], window: int = 15) -> list[float]:
    """Mean of each value and up to `window - 1` before it."""
    return [sum(values[max(0, i - window + 1) : i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))]


def _mark_stages(axis: "Axes", metrics: Sequence[Mapping[str, Any]]) -> None:
    """A dotted line where the mixture changes, with the new stage's name."""
    previous, count = None, 0
    for row in metrics:
        if row["stage"] != previous:
            previous, count = row["stage"], count + 1
            place = row["tokens"] / 1e6
            axis.axvline(place, color=GRAY, linestyle=":", linewidth=1)
            axis.annotate(
                previous,
                (place, 1.02 if count % 2 else 1.09),  # neighbors at two heights, so that they never overlap
                xycoords=("data", "axes fraction"),
                fontsize=7.5,
                color="#5F5F5F",
                ha="left",
                va="bottom",
            )
