"""The panels of notebook 5.2: changes of activations by width, live; learning-rate curves by width, from results."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smollab.experiments.coordinate_check import check_depths, check_widths
from smollab.experiments.transfer import curves
from smollab.lab.panels.panel import Panel, dropdown, int_slider
from smollab.lab.transfer import BASE, scaled
from smollab.plots.transfer import plot_coordinates, plot_rates
from smollab.recipe import Optimizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

SIZES = {"width": (64, 128, 256, 512), "depth": (2, 4, 8, 16)}
TITLES = {"mup": "muP", "completep": "CompleteP"}


class CoordinatePanel(Panel):
    """Trains small models of several sizes for a few steps, in the standard parametrization and in another.

    Args:
        tokens: (rows, seq + 1) that every step reads.
    """

    def __init__(self, tokens: "Tensor") -> None:
        self.tokens = tokens
        self.grows = dropdown("what grows", list(SIZES))
        self.parametrization = dropdown("beside the standard", [(title, name) for name, title in TITLES.items()])
        self.optimizer = dropdown("optimizer of the matrices", ["adamw", "muon"])
        self.count = int_slider("number of sizes", 3, 2, 4, live=False)
        self.rate = int_slider("learning rate: 2 to the", -10, -13, -4, live=False)
        self.steps = int_slider("optimizer steps", 3, 1, 5, live=False)
        super().__init__(self.grows, self.parametrization, self.optimizer, self.count, self.rate, self.steps)

    def compute(self) -> "tuple[Figure, str]":
        """Train, and compare."""
        sizes = SIZES[self.grows.value][: self.count.value]
        settings = Optimizer(name=self.optimizer.value, learning_rate=2.0**self.rate.value)
        check = check_widths if self.grows.value == "width" else check_depths
        changes, lines = {}, []
        for name in ("standard", self.parametrization.value):
            found = check(scaled(BASE, name), settings, self.tokens, sizes, (0, 1), self.steps.value)
            title = TITLES.get(name, name)
            changes[title] = {part: values[:, :, -1] for part, values in found.changes.items()}
            slopes = [f"{part} {found.slopes(part)[:, -1].mean():+.2f}" for part in found.changes]
            lines.append(f"{title}, slopes of the change over the {self.grows.value}: {', '.join(slopes)}.")
        where = (
            f"{self.grows.value} {', '.join(map(str, sizes))}; {self.steps.value} steps of {settings.name}, two seeds"
        )
        return plot_coordinates(changes, sizes, self.grows.value), "\n".join([f"{where}.", *lines])


class TransferPanel(Panel):
    """What a wide model loses when it takes the best rate of a narrow one.

    Args:
        results: of `smollab scale mup`.
    """

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.results = results
        widths, seeds = results["widths"], results["seeds"]
        self.tuned = dropdown("tuned at width", widths, widths[0])
        self.used = dropdown("used at width", widths, widths[-1])
        self.seeds = int_slider("seeds looked at", len(seeds), 1, len(seeds))
        self.seeds.disabled = len(seeds) < 2
        super().__init__(self.tuned, self.used, self.seeds)

    def compute(self) -> "tuple[Figure, str]":
        """Look the rates up."""
        widths, rates = list(self.results["widths"]), list(self.results["rates"])
        tuned, used, lines, shown = widths.index(self.tuned.value), widths.index(self.used.value), [], {}
        for name in self.results["bits_per_byte"]:
            values = curves(self.results, name)[:, :, : self.seeds.value]
            mean, title = values.mean(axis=2), TITLES.get(name, name)
            taken, own = int(mean[tuned].argmin()), int(mean[used].argmin())
            lines.append(
                f"{title}: width {widths[tuned]} is best at 2^{rates[taken]}, width {widths[used]} at 2^{rates[own]}; "
                f"the taken rate costs {mean[used, taken] - mean[used, own]:.3f} bits per byte."
            )
            shown[title] = values[sorted({tuned, used})]
        chosen = [widths[place] for place in sorted({tuned, used})]
        figure = plot_rates(shown, chosen, rates)
        return figure, "\n".join([f"{self.seeds.value} seed(s); a ring marks the best rate of each width.", *lines])
