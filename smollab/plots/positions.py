"""Figures of positions: rotations, wavelengths, decay with distance, and keys found by length and depth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bounds = tuple[float, float, float]
"""Mean, lower and upper end of an interval."""
MARKERS = "os^Dvp"


def plot_rotation(points: Mapping[str, Sequence[tuple[float, float]]]) -> "Figure":
    """Channel pairs turned on their circles.

    Args:
        points: title of each circle -> the pair at positions 0, 1, 2, ...
    """
    figure, axes = new_figure(3.1 * len(points), 3.2, columns=len(points))
    for axis, (title, places) in zip(np.atleast_1d(axes), points.items(), strict=True):
        circle = np.linspace(0, 2 * np.pi, 200)
        axis.plot(np.cos(circle), np.sin(circle), color="#D5D5D5", linewidth=1)
        for position, (x, y) in enumerate(places):
            shade = 0.25 + 0.75 * position / max(len(places) - 1, 1)
            axis.plot([0, x], [0, y], color=COLORS[0], alpha=shade, linewidth=1.6)
            axis.plot(x, y, "o", color=COLORS[0], alpha=shade, markersize=5)
            axis.text(1.16 * x, 1.16 * y, str(position), fontsize=9, ha="center", va="center")
        axis.set_xlim(-1.35, 1.35)
        axis.set_ylim(-1.35, 1.35)
        axis.set_aspect("equal")
        axis.set_title(title, fontsize=9.5)
        axis.set_xlabel("first channel of the pair", fontsize=8.5)
    np.atleast_1d(axes)[0].set_ylabel("second channel", fontsize=8.5)
    return figure


def plot_wavelengths(
    wavelengths: Mapping[str, Sequence[float]],
    decay: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    trained_length: float,
    length: float,
) -> "Figure":
    """Wavelength of every channel pair, and how far the score of two equal vectors falls with their distance.

    Args:
        wavelengths: name of a setting -> positions for a whole turn, of each pair.
        decay: name of a setting -> distances, and scores as a share of the score at distance zero.
        trained_length: pairs with a longer wavelength made no whole turn in training.
        length: that is asked for.
    """
    figure, (left, right) = new_figure(9.6, 3.5, columns=2)
    figure.set_layout_engine("none")  # a fixed layout takes half the time of one that is computed
    left.set_position((0.075, 0.15, 0.40, 0.76))
    right.set_position((0.565, 0.15, 0.42, 0.76))
    for place, (name, values) in enumerate(wavelengths.items()):
        pairs, lengths = np.arange(len(values)), np.asarray(values)
        turned = lengths <= trained_length
        color = COLORS[place]
        left.plot(pairs, lengths, color=color, linewidth=1, alpha=0.6)
        left.plot(pairs[turned], lengths[turned], MARKERS[place], color=color, markersize=4.5, label=name)
        left.plot(pairs[~turned], lengths[~turned], MARKERS[place], color=color, markersize=4.5, fillstyle="none")
    left.axhline(trained_length, color="#333333", linewidth=1)
    left.axhline(length, color="#333333", linewidth=1, linestyle="--")
    left.set_yscale("log")
    left.set_xlabel("channel pair")
    left.set_ylabel("wavelength (tokens)")
    left.set_title("filled: whole turn within training", fontsize=9.5, loc="left")
    left.legend(frameon=False, fontsize=8.5, loc="upper left")
    for place, (name, (distances, scores)) in enumerate(decay.items()):
        right.plot(distances, scores, color=COLORS[place], linewidth=1.5, label=name, linestyle="-" if place else "--")
    right.axvline(trained_length, color="#333333", linewidth=1)
    right.axhline(0, color="#BBBBBB", linewidth=0.8)
    right.set_xscale("log")
    right.set_xlim(1, length)
    right.set_ylim(-0.6, 1.6)
    right.set_xlabel("distance (tokens)")
    right.set_ylabel("score / score at distance 0", labelpad=1)
    right.set_title("line: longest distance of training", fontsize=9.5, loc="left")
    right.legend(frameon=False, fontsize=8.5, loc="upper right")
    return figure


def plot_slowing(slowing: Mapping[str, Sequence[float]], turns: Sequence[float]) -> "Figure":
    """How much each method slows each channel pair.

    Args:
        slowing: method -> trained frequency over the method's, of each pair.
        turns: of each pair within the trained length.
    """
    figure, axis = new_figure(8.4, 3.3)
    for place, (name, values) in enumerate(slowing.items()):
        axis.plot(range(len(values)), values, color=COLORS[place], marker=MARKERS[place], markersize=4, label=name)
    once = sum(turn >= 1 for turn in turns) - 0.5
    axis.axvline(once, color="#333333", linewidth=1, linestyle="--")
    low, high = axis.get_ylim()
    axis.text(once, low + 0.08 * (high - low), "  no whole turn in training", fontsize=8.5, va="bottom")
    axis.set_ylim(low, high)
    axis.set_xlabel("channel pair, from the fastest to the slowest")
    axis.set_ylabel("times slower")
    axis.legend(frameon=False, fontsize=9, loc="center left")
    return figure


def plot_passkeys(
    maps: Mapping[str, Sequence[Sequence[float]] | np.ndarray],
    lengths: Sequence[int],
    depths: Sequence[float],
    trained_length: int,
) -> "Figure":
    """Share of keys found by length and depth, one map for each model.

    Args:
        maps: name -> (lengths, depths) shares.
        lengths: tokens.
        depths: 0 the beginning of the text, 1 right before the question.
        trained_length: longer texts are marked.
    """
    figure, axes = new_figure(max(3.0 * len(maps), 5.2), 3.2, columns=len(maps))
    for axis, (name, rows) in zip(np.atleast_1d(axes), maps.items(), strict=True):
        shares = np.asarray(rows)
        # Viridis is ordered by lightness, so it reads in gray as well; the numbers make it exact.
        axis.imshow(shares.T, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        for (i, j), share in np.ndenumerate(shares):
            axis.text(i, j, f"{100 * share:.0f}", ha="center", va="center", fontsize=8.5,
                          color="white" if share < 0.6 else "black")  # fmt: skip
        within = sum(length <= trained_length for length in lengths)
        if 0 < within < len(lengths):
            axis.axvline(within - 0.5, color=COLORS[1], linewidth=2)
        axis.grid(False)
        axis.set_title(name, fontsize=9.5)
        axis.set_xticks(range(len(lengths)), [f"{length}" for length in lengths], fontsize=8.5)
        axis.set_yticks(range(len(depths)), [f"{100 * depth:.0f}" for depth in depths], fontsize=8.5)
        axis.set_xlabel("length (tokens)", fontsize=9)
    np.atleast_1d(axes)[0].set_ylabel("depth of the key (%)", fontsize=9)
    return figure


def plot_context(
    panels: Mapping[str, Mapping[str, Mapping[int, Bounds]]], trained_length: int, chance: float
) -> "Figure":
    """Accuracy by length for several ways to extend a model, one panel for each kind of positions.

    Args:
        panels: kind of positions -> way to extend -> length -> mean accuracy over seeds and its interval.
        trained_length: of the first training.
        chance: accuracy of a guess.
    """
    figure, axes = new_figure(9.6, 4.2, columns=len(panels))
    for axis, (title, rows) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        for place, (name, row) in enumerate(rows.items()):
            lengths = np.array(list(row)) * (1 + 0.035 * (place - len(rows) / 2))  # side by side, not on top
            mean, low, high = np.clip(np.array(list(row.values())).T, 0, 1)
            axis.errorbar(
                lengths, mean, yerr=[mean - low, high - mean], color=COLORS[place % len(COLORS)],
                marker=MARKERS[place % 6], markersize=5, capsize=2.5, linewidth=1.4, elinewidth=0.9, label=name,
            )  # fmt: skip
        axis.axhline(chance, color=GRAY, linestyle=":", linewidth=1)
        axis.set_xscale("log", base=2)
        ticks = sorted({length for row in rows.values() for length in row})
        axis.set_xticks(ticks, [f"{tick // trained_length}x\n{tick}" for tick in ticks], fontsize=8.5)
        axis.minorticks_off()
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("length (times that of training; tokens)")
    np.atleast_1d(axes)[0].set_ylabel("keys found")
    handles, names = np.atleast_1d(axes)[0].get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, fontsize=8.5, ncols=len(names), loc="outside lower center")
    return figure
