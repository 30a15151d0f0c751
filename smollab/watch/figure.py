"""A run as a figure, for notebooks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smollab.plots.style import COLORS, new_figure
from smollab.plots.training import smooth
from smollab.watch.curves import CURVES, curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_watched(rows: Sequence[Mapping[str, Any]]) -> "Figure":
    """The curves of a run so far; empty axes where nothing was measured yet."""
    figure, axes = new_figure(8.0, 4.4, rows=2, columns=3)
    for index, (axis, title) in enumerate(zip(axes.flat, CURVES, strict=True)):
        steps, values = curve(rows, title)
        noisy = title in ("loss", "gradient norm", "tokens per second") and len(values) > 30
        axis.plot(steps, values, color=COLORS[index], linewidth=1.5, alpha=0.3 if noisy else 1)
        if noisy:
            axis.plot(steps, smooth(values), color=COLORS[index], linewidth=2)
        axis.set_title(f"{title}: {values[-1]:.3g}" if values else f"{title}: not yet", fontsize=9, loc="left")
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=8)
    return figure
