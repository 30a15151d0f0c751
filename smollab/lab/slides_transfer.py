"""The figures of the slides of notebook 5.2."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from smollab.experiments.coordinate_check import check_depths, check_widths
from smollab.experiments.transfer import curves
from smollab.lab.panels.transfer import TITLES
from smollab.lab.runs import Run
from smollab.lab.transfer import BASE, load_transfer, scaled, small_batch
from smollab.plots.transfer import plot_coordinates, plot_rates
from smollab.recipe import Optimizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ADAMW = Optimizer(name="adamw", learning_rate=2.0**-10)


def transfer_curves(run: Run) -> "Figure":
    """Held-out bits per byte by learning rate and width."""
    results = load_transfer()
    shown = {TITLES.get(kind, kind): curves(results, kind) for kind in results["bits_per_byte"]}
    return plot_rates(shown, results["widths"], results["rates"])


def coordinates_by_width(run: Run) -> "Figure":
    """Changes after three steps at four widths."""
    tokens, widths = small_batch(run), (64, 128, 256, 512)
    found = {
        TITLES.get(name, name): check_widths(scaled(BASE, name), ADAMW, tokens, widths, (0, 1), 3).changes
        for name in ("standard", "mup")
    }
    last = {title: {part: values[:, :, -1] for part, values in parts.items()} for title, parts in found.items()}
    return plot_coordinates(last, widths)


def coordinates_by_depth(run: Run) -> "Figure":
    """Changes after three steps at four depths."""
    tokens, depths = small_batch(run), (2, 4, 8, 16)
    found = {
        TITLES.get(name, name): check_depths(scaled(BASE, name), ADAMW, tokens, depths, (0, 1), 3).changes
        for name in ("standard", "completep")
    }
    last = {title: {part: values[:, :, -1] for part, values in parts.items()} for title, parts in found.items()}
    return plot_coordinates(last, depths, "layers")


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    "transfer_curves": transfer_curves,
    "coordinates_by_width": coordinates_by_width,
    "coordinates_by_depth": coordinates_by_depth,
}
