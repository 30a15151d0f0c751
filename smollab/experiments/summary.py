"""What a data ablation found, in words, tables and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smollab.experiments.compare import MINIMAL_PAIRS, Comparison
from smollab.experiments.intervals import Interval
from smollab.plots.ablation import Bounds, plot_differences, plot_scores
from smollab.plots.style import to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table


def bounds(interval: Interval) -> Bounds:
    """An interval as plots take it."""
    return interval.mean, interval.low, interval.high


def axis_labels(comparison: Comparison) -> dict[str, str]:
    """Metric -> what its axis says."""
    return {
        metric: "share right (more: better)" if metric == MINIMAL_PAIRS else "bits/byte (less: better)"
        for metric in comparison.scores
    }


def draw_scores(comparison: Comparison) -> "Figure":
    """Every seed of every variant, with the interval of the mean."""
    intervals = {
        metric: {name: bounds(comparison.interval(metric, name)) for name in rows}
        for metric, rows in comparison.scores.items()
    }
    return plot_scores(comparison.scores, intervals, axis_labels(comparison))


def draw_differences(comparison: Comparison, baseline: str) -> "Figure":
    """The difference of each variant from a baseline, paired by seed."""
    differences = {
        metric: {
            name: bounds(comparison.difference(metric, name, baseline))
            for name in comparison.variants
            if name != baseline
        }
        for metric in comparison.scores
    }
    return plot_differences(differences, baseline, axis_labels(comparison))


def corpus_table(results: Mapping[str, Any]) -> "Table":
    """What each variant was trained on."""
    from rich.table import Table

    table = Table(title=f"trained on {results['tokens_read']:,} tokens each", title_justify="left")
    for column in ("variant", "documents", "tokens", "bytes per token", "epochs"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for name, row in results["variants"].items():
        ratio = f"{row['bytes'] / max(row['tokens'], 1):.2f}"
        table.add_row(name, f"{row['documents']:,}", f"{row['tokens']:,}", ratio, f"{row['epochs']:.2f}")
    return table


def mixture_table(results: Mapping[str, Any]) -> "Table":
    """How often each mixture of a PDF ablation read its sources."""
    from rich.table import Table

    tokens = ", ".join(f"{name} {row['tokens']:,}" for name, row in results["documents"].items())
    table = Table(title=f"trained on {results['tokens_read']:,} tokens each, of: {tokens}", title_justify="left")
    for column in ("variant", *(f"epochs of {name}" for name in results["documents"])):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for name, row in results["variants"].items():
        table.add_row(name, *(f"{row['epochs'].get(source, 0):.2f}" for source in results["documents"]))
    return table


def score_table(comparison: Comparison) -> "Table":
    """Mean of each metric, and the difference from the variant before with its 95 % interval."""
    from rich.table import Table

    table = Table(
        title=f"{len(comparison.seeds)} seeds; differences by seed, with 95 % intervals", title_justify="left"
    )
    for column in ("metric", "variant", "mean", "difference from the one before"):
        table.add_column(column, justify="right" if column == "mean" else "left")
    for metric, rows in comparison.scores.items():
        before = ""
        for name in rows:
            mean = f"{comparison.interval(metric, name).mean:.4f}"
            table.add_row("" if before else metric, name, mean, _difference(comparison, metric, name, before))
            before = name
        table.add_section()
    return table


def save_figures(comparison: Comparison, folder: Path) -> list[Path]:
    """Write `scores.png`, and `differences.png` against the first variant where there are several."""
    figures = {"scores": draw_scores(comparison)}
    if len(comparison.variants) > 1:
        figures["differences"] = draw_differences(comparison, comparison.variants[0])
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        paths[-1].write_bytes(to_png(figure))
    return paths


def _difference(comparison: Comparison, metric: str, name: str, before: str) -> str:
    if not before:
        return ""
    interval = comparison.difference(metric, name, before)
    if interval.count == 1:
        return f"{interval.mean:+.4f}, one seed: no interval"
    better = (interval.mean > 0) == (metric == MINIMAL_PAIRS)
    verdict = ("better" if better else "worse") if interval.excludes_zero else "within the noise"
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] {verdict}"
