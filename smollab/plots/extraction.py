"""Figures of extraction: the blocks of a page with their fates, and length against links."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FATES = ("kept, rightly", "kept, wrongly", "dropped, wrongly", "dropped, rightly")
_LOOKS = dict(zip(FATES, ((COLORS[2], ""), (COLORS[1], "//"), (COLORS[4], ".."), ("#D8D8D8", "")), strict=True))
LABEL_CHARACTERS = 58


def plot_blocks(
    texts: Sequence[str],
    sizes: Sequence[int],
    link_shares: Sequence[float],
    fates: Sequence[str],
    reasons: Sequence[str],
) -> "Figure":
    """The blocks of a page from top to bottom: how long, how much of them links, and what became of them.

    Args:
        texts: of the blocks; their beginnings are written beside the bars.
        sizes: characters.
        link_shares: share of the characters inside links.
        fates: one of `FATES` for each.
        reasons: why a block was dropped, or `kept`.
    """
    from matplotlib.patches import Patch

    figure, axis = new_figure(9.6, 0.9 + 0.185 * len(texts))
    figure.set_layout_engine("none")
    height = figure.get_figheight()
    axis.set_position((0.39, 0.5 / height, 0.46, 1 - 0.9 / height))
    shown = [min(size, 400) for size in sizes]
    for i, fate in enumerate(fates):
        color, hatch = _LOOKS[fate]
        axis.barh(i, shown[i], height=0.8, color=color, hatch=hatch, edgecolor="white", linewidth=0)
    linked = [i for i, share in enumerate(link_shares) if share > 0]
    axis.barh(linked, [shown[i] * link_shares[i] for i in linked], height=0.22, color="#222222")
    axis.set_yticks(range(len(texts)), [_shorten(text) for text in texts], fontsize=7)
    axis.tick_params(axis="y", length=0)
    for i, (fate, reason) in enumerate(zip(fates, reasons, strict=True)):
        axis.text(408, i, reason, va="center", fontsize=7, color="#222222" if fate.endswith("wrongly") else GRAY)
    axis.set_xlim(0, 405)
    axis.set_ylim(len(texts) - 0.4, -0.6)
    axis.set_xlabel("characters (bars end at 400)", fontsize=8.5)
    axis.grid(False, axis="y")
    patches = [Patch(facecolor=c, hatch=h, edgecolor="white", label=fate) for fate, (c, h) in _LOOKS.items()]
    patches.append(Patch(facecolor="#222222", label="inside links"))
    figure.legend(handles=patches, loc="upper right", ncols=5, fontsize=7.5, frameon=False)
    return figure


def plot_density(
    gold: Sequence[tuple[int, float]], other: Sequence[tuple[int, float]], good_characters: int, link_density: float
) -> "Figure":
    """Length against link density of many blocks, those that readers came for and the others.

    Args:
        gold: (characters, link density) of each block of gold text.
        other: of each other block.
        good_characters: shorter blocks lie left of the line.
        link_density: blocks with more links lie above the line.
    """
    figure, axis = new_figure(7.0, 3.4)
    for points, color, marker, name in ((other, COLORS[1], "x", "other"), (gold, COLORS[0], "o", "gold")):
        sizes, exact = zip(*points, strict=True)
        # Most shares are 0 or 1: spread them evenly by the golden ratio, so that points do not hide each other.
        shares = [share + 0.05 * (i * 0.618034 % 1 - 0.5) for i, share in enumerate(exact)]
        axis.scatter(
            sizes, shares, s=13, color=color, marker=marker, alpha=0.45, label=f"{name} ({len(points)})", linewidth=1
        )
    axis.set_xscale("log")
    axis.axvline(good_characters, color=GRAY, linestyle="--", linewidth=1.2)
    axis.axhline(link_density, color=GRAY, linestyle="--", linewidth=1.2)
    axis.set_xlabel("characters of the block")
    axis.set_ylabel("share inside links")
    axis.legend(fontsize=8.5, loc="center right")
    return figure


def _shorten(text: str) -> str:
    line = " ".join(text.split()).replace("$", r"\$")
    return line if len(line) <= LABEL_CHARACTERS else line[: LABEL_CHARACTERS - 1] + "…"
