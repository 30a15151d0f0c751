"""One look for every figure: colors that survive color-blindness and gray printing, quiet axes."""

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5F5F5F")
"""Okabe and Ito's palette without its yellow, which vanishes on white."""
GRAY = "#8A8A8A"


def new_figure(width: float = 7.0, height: float = 3.2, rows: int = 1, columns: int = 1) -> "tuple[Figure, Any]":
    """A figure and its axes (one, or an array), sizes in inches; not registered with pyplot, so never leaked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for axis in figure.axes:
        style_axis(axis)
    return figure, axes


def style_axis(axis: "Axes") -> None:
    """Quiet spines, a faint grid behind the data."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#E4E4E4", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=9)


def to_png(figure: "Figure", dpi: int = 110) -> bytes:
    """The figure as PNG, with no metadata, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def to_data_url(figure: "Figure", dpi: int = 140) -> str:
    """The figure as a data URL for an HTML page that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(to_png(figure, dpi)).decode("ascii")
