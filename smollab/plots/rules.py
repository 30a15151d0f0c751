"""Figures of rules: the values behind a threshold, how many pages each rule takes, and what languages lose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smollab.plots.style import COLORS, GRAY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 40
WORD_TICKS = (1, 10, 50, 100, 500, 1000, 5000, 10_000, 100_000)
KEPT, JUNK = COLORS[0], COLORS[1]


def plot_values(
    real: Sequence[float],
    junk: Sequence[float],
    published: float,
    now: float | None = None,
    label: str = "",
    minimum: bool = True,
) -> "Figure":
    """One value of real pages and of junk, with its threshold.

    Args:
        real: the value of each real page.
        junk: of each page of junk.
        published: threshold, dashed.
        now: another threshold, solid; None: the published one alone.
        label: of the value.
        minimum: pages fail below the threshold; otherwise above.
    """
    figure, axis = new_figure(7.0, 3.0)
    draw_values(axis, real, junk, published, now, label, minimum)
    return figure


def plot_cut(
    values: tuple[Sequence[float], Sequence[float]],
    thresholds: tuple[float, float],
    label: str,
    minimum: bool,
    groups: Mapping[str, tuple[int, int, int]],
) -> "Figure":
    """A value with its published and its present threshold; beside it what each group of pages keeps.

    Args:
        values: of real pages, and of junk.
        thresholds: published and present.
        label: of the value.
        minimum: pages fail below the threshold; otherwise above.
        groups: name -> (pages, kept by the published thresholds, kept now).
    """
    figure, (left, right) = new_figure(9.0, 3.2, columns=2)
    figure.set_layout_engine("none")  # a fixed layout takes half the time of one that is computed
    left.set_position((0.065, 0.16, 0.50, 0.74))
    right.set_position((0.64, 0.16, 0.345, 0.74))
    draw_values(left, *values, *thresholds, label, minimum)
    positions = np.arange(len(groups))
    total = np.array([max(pages, 1) for pages, _, _ in groups.values()])
    before = np.array([kept for _, kept, _ in groups.values()]) / total
    after = np.array([kept for _, _, kept in groups.values()]) / total
    right.barh(positions, after, height=0.62, color=[JUNK if name == "junk" else KEPT for name in groups])
    right.vlines(before, positions - 0.42, positions + 0.42, color="#222222", linewidth=2)
    for position, (pages, was, now) in enumerate(groups.values()):
        change = f"  ({now - was:+d})" if now != was else ""
        end = max(after[position], before[position] + 0.01)
        right.text(end, position, f" {now} of {pages}{change}", va="center", fontsize=8.5, color="#333333")
    right.set_yticks(positions, list(groups))
    right.invert_yaxis()
    right.set_xlim(0, 1.42)
    right.set_xticks([0, 0.5, 1])
    right.set_xlabel("share kept (black: by the published thresholds)")
    right.grid(False, axis="y")
    return figure


def draw_values(
    axis: "Axes",
    real: Sequence[float],
    junk: Sequence[float],
    published: float,
    now: float | None,
    label: str,
    minimum: bool,
) -> None:
    """Draw two histograms, each as shares of its own pages, and thresholds with the failing side shaded."""
    shown = [value for value in (*real, *junk, published, published if now is None else now) if value is not None]
    counts = max(shown, default=1) > 5  # words, not shares: they spread over decades
    low, high = min(shown, default=0), max(shown, default=1)
    edges = np.geomspace(max(low, 1), high + 1, BINS) if counts else np.linspace(min(low, 0.0), max(high, 1e-9), BINS)
    for values, color, name, style in ((real, KEPT, "real pages", "bar"), (junk, JUNK, "junk", "step")):
        if not len(values):
            continue
        clipped = np.clip(np.asarray(values, dtype=float), edges[0], edges[-1])
        shares = np.histogram(clipped, edges)[0] / len(values)
        if style == "bar":
            axis.stairs(shares, edges, fill=True, color=color, alpha=0.55, label=f"{name} ({len(values)})")
        else:
            axis.stairs(shares, edges, color=color, linewidth=1.8, label=f"{name} ({len(values)})")
    line = published if now is None else now
    if counts:
        axis.set_xscale("log")
        axis.set_xticks(ticks := [tick for tick in WORD_TICKS if edges[0] <= tick <= edges[-1]], map(str, ticks))
        axis.minorticks_off()  # log axes spend most of a refresh on them
        line = max(line, 1)
    axis.axvspan(edges[0] if minimum else line, line if minimum else edges[-1], color="#000000", alpha=0.06)
    axis.axvline(max(published, 1) if counts else published, color="#222222", linestyle="--", linewidth=1.2,
                 label=f"published: {published:g}")  # fmt: skip
    if now is not None and now != published:
        axis.axvline(line, color="#222222", linewidth=1.6, label=f"now: {now:g}")
    axis.set_xlim(edges[0], edges[-1])
    axis.locator_params(axis="y", nbins=4)
    axis.set_xlabel(f"{label} (shaded: dropped)")
    axis.set_ylabel("share of the pages")
    axis.legend(frameon=False, fontsize=8.5, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2,
                columnspacing=1.2, handlelength=1.4)  # fmt: skip


def plot_rule_counts(rules: Sequence[tuple[str, int, int, int]]) -> "Figure":
    """How many pages fail each rule: those that fail no other, those named after it, and the others.

    Args:
        rules: (name, pages that fail it, pages for which it is the first to fail, pages that fail it alone).
    """
    figure, axis = new_figure(7.6, 1.4 + 0.27 * len(rules))
    positions = np.arange(len(rules))
    fails, first, alone = (np.array([rule[i] for rule in rules]) for i in (1, 2, 3))
    axis.barh(positions, fails, color="#DADADA", height=0.75, label="fail it, and an earlier rule: not named after it")
    axis.barh(positions, first, color=COLORS[5], height=0.75, label="it is the first to fail: the reason given")
    axis.barh(positions, alone, color=COLORS[0], height=0.42, label="fail no other rule: kept without it")
    for position, rule in enumerate(rules):
        axis.text(rule[1], position, f"  {rule[3]} of {rule[1]}", va="center", fontsize=8.5, color=GRAY)
    axis.set_yticks(positions, [rule[0] for rule in rules])
    axis.invert_yaxis()
    axis.margins(x=0.12)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel("pages (written beside the bar: alone, of all that fail)")
    axis.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    axis.grid(False, axis="y")
    return figure


def plot_shares(
    names: Sequence[str],
    series: Mapping[str, Sequence[tuple[float, float, float]]],
    label: str,
) -> "Figure":
    """Shares with intervals, one row a name, one color and marker a series.

    Args:
        names: of the rows, from the top.
        series: name -> (share, low, high) for each row.
        label: of the axis.
    """
    figure, axis = new_figure(7.6, 1.1 + 0.3 * len(names))
    spread = np.linspace(-0.17, 0.17, len(series)) if len(series) > 1 else [0.0]
    for offset, (name, rows), color, marker in zip(spread, series.items(), COLORS, "os^D", strict=False):
        values, low, high = (np.array([row[i] for row in rows]) for i in range(3))
        positions = np.arange(len(names)) + offset
        errors = [np.maximum(values - low, 0), np.maximum(high - values, 0)]
        axis.errorbar(values, positions, xerr=errors, fmt=marker, color=color, capsize=2, markersize=5, label=name)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlim(left=min(0.0, axis.get_xlim()[0]))
    axis.set_xlabel(label)
    axis.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    return figure
