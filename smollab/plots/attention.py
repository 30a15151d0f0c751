"""Figures of attention: who looks at whom, and what remembering costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_attention(maps: Sequence[np.ndarray], titles: Sequence[str], labels: Sequence[str]) -> "Figure":
    """Attention weights as squares side by side; darker means more weight.

    Args:
        maps: each (seq, seq), row = the token that looks, column = the token looked at.
        titles: one for each map.
        labels: the tokens.
    """
    figure, axes = new_figure(4.5 * len(maps), 4.9, columns=len(maps))
    for axis, weights, title in zip(np.atleast_1d(axes), maps, titles, strict=True):
        # The square root makes small weights visible beside the large ones on the diagonal and at the beginning.
        axis.imshow(np.sqrt(weights), cmap="Blues", vmin=0, vmax=1)
        axis.grid(False)
        axis.set_title(title, loc="left", fontsize=10.5)
        axis.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7.5)
        axis.set_yticks(range(len(labels)), labels, fontsize=7.5)
        axis.set_xlabel("token looked at")
        axis.spines[:].set_visible(False)
    np.atleast_1d(axes)[0].set_ylabel("token that looks")
    return figure


def plot_look_back(distances: Sequence[float], layers: Sequence[str], highlighted: Sequence[bool]) -> "Figure":
    """How far back each layer looks on average, as bars.

    Args:
        distances: mean distance to the tokens looked at, weighted by attention; tokens.
        layers: their names.
        highlighted: layers without position embedding.
    """
    figure, axis = new_figure(7.0, 2.6)
    for position, (distance, special) in enumerate(zip(distances, highlighted, strict=True)):
        axis.bar(
            position,
            distance,
            color=COLORS[1] if special else COLORS[0],
            hatch="//" if special else "",
            edgecolor="white",
            width=0.7,
        )
        axis.text(position, distance, f"{distance:.1f}", ha="center", va="bottom", fontsize=9)
    axis.set_xticks(range(len(layers)), layers)
    axis.set_ylabel("mean look-back (tokens)")
    axis.margins(y=0.15)
    axis.grid(False, axis="x")
    return figure


def plot_cache_sizes(names: Sequence[str], gibibytes: Sequence[float], published: int) -> "Figure":
    """Memory of the key-value cache for several numbers of key-value heads.

    Args:
        names: of the choices.
        gibibytes: of the cache.
        published: index of the choice the real model made.
    """
    figure, axis = new_figure(7.0, 0.9 + 0.42 * len(names))
    for position, size in enumerate(gibibytes):
        axis.barh(position, size, color=COLORS[0] if position == published else "#B8C9D6", height=0.66)
        axis.text(size, position, f"  {size:.2f} GiB", va="center", fontsize=9, color="#333333")
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.margins(x=0.14)
    axis.set_xlabel("key-value cache of one sequence (GiB)")
    axis.grid(False, axis="y")
    return figure
