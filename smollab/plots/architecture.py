"""Figures of architectures: first losses, and differences from a baseline at equal operations."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bounds = tuple[float, float, float]
"""Mean, lower and upper end of an interval."""


def plot_first_losses(losses: Mapping[str, Sequence[float]]) -> "Figure":
    """The loss of each step, a line for each model; nats per token."""
    figure, axis = new_figure(7.0, 3.2)
    for place, (name, values) in enumerate(losses.items()):
        style = {"color": GRAY, "linestyle": "--"} if place == 0 else {"color": COLORS[place % len(COLORS)]}
        axis.plot(range(1, len(values) + 1), values, label=name, linewidth=1.8, marker="os^"[place % 3], markersize=4,
                  **style)  # fmt: skip
    axis.set_xlabel("step")
    axis.set_ylabel("loss (nats per token)")
    axis.legend(frameon=False)
    return figure


def plot_choices(differences: Mapping[str, Bounds], baseline: str) -> "Figure":
    """How far each choice lies from the baseline, ordered by the mean; intervals that reach zero are gray.

    Args:
        differences: variant -> mean difference in bits per byte, and its interval.
        baseline: name of what was subtracted.
    """
    ordered = sorted(differences.items(), key=lambda item: item[1][0])
    figure, axis = new_figure(7.6, 1.0 + 0.3 * len(ordered))
    for row, (_, (mean, low, high)) in enumerate(ordered):
        color = GRAY if low <= 0 <= high else COLORS[0]
        axis.errorbar(mean, row, xerr=[[mean - low], [high - mean]], color=color, marker="o", markersize=5, capsize=3,
                      linewidth=1.6)  # fmt: skip
    axis.axvline(0, color="#333333", linewidth=0.9)
    axis.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axis.set_ylim(len(ordered) - 0.5, -0.5)
    axis.set_xlabel(f"bits per byte minus {baseline} (left: better)")
    return figure


def plot_mask(visible: Sequence[Sequence[bool]], labels: Sequence[str], title: str) -> "Figure":
    """Who may see whom, as squares.

    Args:
        visible: (seq, seq), row = the token that looks, column = the token looked at.
        labels: the tokens.
        title: above the picture.
    """
    figure, axis = new_figure(4.2, 4.2)
    axis.imshow(visible, cmap="Blues", vmin=0, vmax=1.4)
    axis.grid(False)
    axis.set_title(title, loc="left", fontsize=10.5)
    axis.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_xlabel("token looked at")
    axis.set_ylabel("token that looks")
    return figure
