"""What a context ablation found, as a table and a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smollab.experiments.long_context import AS_TRAINED, LONGER, POSITIONS, RAISED, SCALINGS, load_context_comparison
from smollab.experiments.summary import bounds
from smollab.plots.positions import Bounds, plot_context, plot_passkeys

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

WAYS = (AS_TRAINED, *SCALINGS, LONGER, RAISED)
"""To extend a model, in the order of tables and figures."""


def context_intervals(results: Mapping[str, Any]) -> dict[str, dict[str, dict[int, Bounds]]]:
    """Kind of positions -> way to extend -> length -> mean accuracy with its interval over seeds.

    At the trained length the methods that only change frequencies are the model as it was trained.
    """
    comparison = load_context_comparison(dict(results))
    panels: dict[str, dict[str, dict[int, Bounds]]] = {}
    for positions in POSITIONS:
        panels[positions] = {}
        for way in WAYS:
            rows = panels[positions][way] = {}
            for length in map(str, results["lengths"]):
                name = f"{positions}, {way}"
                known = name if name in comparison.scores[length] else f"{positions}, {AS_TRAINED}"
                rows[int(length)] = bounds(comparison.interval(length, known))
    return panels


def draw_context(results: Mapping[str, Any]) -> "Figure":
    """Accuracy by length with intervals, one panel for each kind of positions."""
    return plot_context(context_intervals(results), results["trained"]["length"], results["chance"])


def draw_maps(
    results: Mapping[str, Any], positions: str, ways: Sequence[str] = (AS_TRAINED, "YaRN", RAISED)
) -> "Figure":
    """Share of keys found by length and depth, mean over seeds, one map for each way to extend."""
    trained = results["maps"][f"{positions}, {AS_TRAINED}"]
    rows = {way: results["maps"][f"{positions}, {way}"] for way in ways}
    # At the trained length the methods that only change frequencies are the model as it was trained.
    maps = {way: row if len(row) == len(trained) else [trained[0], *row] for way, row in rows.items()}
    return plot_passkeys(maps, results["lengths"], results["depths"], results["trained"]["length"])


def context_table(results: Mapping[str, Any]) -> "Table":
    """Mean accuracy of every variant at every length, with its 95 % interval."""
    from rich.table import Table

    title = f"% of keys found, mean and 95 % interval over {len(results['seeds'])} seeds; trained at "
    table = Table(title=f"{title}{results['trained']['length']} tokens", title_justify="left")
    for column in ("positions", "extended by", *(f"{length:,}" for length in results["lengths"])):
        table.add_column(column, justify="left" if column[0].isalpha() else "right")
    for positions, rows in context_intervals(results).items():
        for number, (way, row) in enumerate(rows.items()):
            cells = [f"{100 * mean:.0f} [{100 * low:.0f}, {100 * high:.0f}]" for mean, low, high in row.values()]
            table.add_row("" if number else positions, way, *cells)
        table.add_section()
    return table
