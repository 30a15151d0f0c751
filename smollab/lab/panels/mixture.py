"""Mix languages: temperature, budget and a boost for one of them; see epochs and what repetition costs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from smollab.lab.panels.panel import Panel, dropdown, slider
from smollab.plots.mixture import plot_mixture
from smollab.tokens.proportions import FREE_EPOCHS, effective_tokens, epochs, temperature_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MixturePanel(Panel):
    """Weights of languages (or sources) and what they mean for a budget of tokens.

    Args:
        tokens: name -> tokens there are, each more than zero.
    """

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self.tokens = dict(tokens)
        self.temperature = slider("temperature", 1.0, 1.0, 10.0, 0.1, ".1f")
        self.passes = slider("budget (times all text)", 1.0, 0.25, 40.0, 0.25, ".2f")
        smallest = min(self.tokens, key=lambda name: self.tokens[name])
        self.name = dropdown("language to boost", list(self.tokens), smallest)
        self.boost = slider("boost (times its weight)", 1.0, 0.0, 20.0, 0.25, ".2f")
        super().__init__(self.temperature, self.passes, self.name, self.boost)

    def compute(self) -> "tuple[Figure, str]":
        """Mix, and count how often each text is read."""
        total = sum(self.tokens.values())
        budget = float(self.passes.value) * total
        weights = temperature_weights(self.tokens, float(self.temperature.value))
        weights[self.name.value] *= float(self.boost.value)
        scale = sum(weights.values())
        weights = {name: weight / scale for name, weight in weights.items()}
        read = dict.fromkeys(self.tokens, 0.0) | epochs(weights, self.tokens, budget)
        figure = plot_mixture(
            list(self.tokens),
            [count / total for count in self.tokens.values()],
            list(weights.values()),
            list(read.values()),
            FREE_EPOCHS,
        )
        return figure, self._describe(budget, weights, read)

    def _describe(self, budget: float, weights: dict[str, float], read: dict[str, float]) -> str:
        worth = sum(effective_tokens(self.tokens[name], weight * budget) for name, weight in weights.items())
        least, most = (pick(read, key=lambda name: read[name]) for pick in (min, max))
        times = f"{most} is read {read[most]:.2f} times, {least} {read[least]:.2f} times."
        if f"{read[least]:.2f}" == f"{read[most]:.2f}":
            times = f"Everything is read {read[most]:.2f} times."
        lines = [
            f"{_millions(budget)} tokens are read. {times}",
            f"By Muennighoff et al.'s fit they teach as much as {_millions(worth)} new ones, {worth / budget:.0%}.",
        ]
        tired = [name for name, times in read.items() if times > FREE_EPOCHS]
        if tired:
            lines.append(f"Repeated more than {FREE_EPOCHS} times: {', '.join(tired)}. More of it would teach less.")
        unread = [name for name, times in read.items() if 0 < times < 0.995]
        if unread:
            lines.append(f"Not read to the end: {', '.join(unread)}. A stricter filter would cost nothing there.")
        return "\n".join(lines)


def _millions(tokens: float) -> str:
    return f"{tokens / 1e6:.2f} million"
