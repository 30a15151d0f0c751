"""The map of the course: from documents to a model, and where each pillar acts."""

from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATIONS = ("documents", "tokens", "model", "loss", "gradient", "update")
PILLARS = (
    ("1  data", "which documents,\nin which mixture", 0.5, COLORS[0]),
    ("2  architecture", "quality per FLOP\nand per byte", 1.9, "#00755A"),
    ("3  information", "what each step\nis asked to predict", 3.1, "#9C3F75"),
    ("4  optimization", "how a gradient\nbecomes an update", 4.5, "#B04A00"),
)


def plot_pillars() -> "Figure":
    """Six stations in a row, four pillars that act on them, and scaling below all."""
    figure, axis = new_figure(9.0, 3.1)
    axis.set_axis_off()
    axis.set_xlim(-0.6, 5.6)
    axis.set_ylim(-1.45, 1.75)
    for index, name in enumerate(STATIONS):
        axis.text(index, 0, name, ha="center", va="center", fontsize=11.5, bbox={
            "boxstyle": "round,pad=0.45", "facecolor": "#F3F5F7", "edgecolor": "#9AA5AE",
        })  # fmt: skip
        if index:
            axis.annotate("", (index - 0.36, 0), (index - 0.64, 0), arrowprops={"arrowstyle": "->", "color": "#5F5F5F"})
    for name, text, place, color in PILLARS:
        axis.text(place, 1.45, name, ha="center", va="center", fontsize=11.5, fontweight="bold", color=color)
        axis.text(place, 0.98, text, ha="center", va="center", fontsize=9.5, color="#333333")
        axis.annotate(
            "", (place, 0.28), (place, 0.68), arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 2}
        )
    axis.annotate("", (2.0, -0.3), (5.0, -0.3), arrowprops={
        "arrowstyle": "-|>", "color": "#5F5F5F", "connectionstyle": "arc3,rad=-0.18", "linewidth": 1.3,
    })  # fmt: skip
    axis.text(3.5, -0.48, "new weights, next batch", ha="center", va="center", fontsize=9.5, color="#333333")
    axis.text(
        2.5, -1.15, "5  scaling: how large, how many tokens, which settings, what it will cost",
        ha="center", va="center", fontsize=11.5, fontweight="bold", color="#7A5200",
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "#FFF4DC", "edgecolor": COLORS[4]},
    )  # fmt: skip
    return figure
