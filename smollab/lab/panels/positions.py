"""Two panels of positions: frequencies against theta and length, and keys found live by a small model."""

from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np

from smollab.evaluate.passkey import DEPTHS, PasskeyScores, evaluate_passkey
from smollab.lab.panels.panel import CONTROL_STYLE, CONTROL_WIDTH, Panel, dropdown, int_slider
from smollab.lab.positions import METHOD_NAMES, method_frequencies, score_decay
from smollab.model.extend import extend
from smollab.plots.positions import plot_passkeys, plot_wavelengths

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tokenizers import Tokenizer

    from smollab.model.transformer import Transformer

THETAS = (100.0, 500.0, 1500.0, 10_000.0, 50_000.0, 500_000.0, 2_000_000.0, 5_000_000.0, 1e8)
TRAINED = (128, 512, 2048, 4096, 8192, 32_768, 65_536)
TIMES = (1, 2, 4, 8, 16, 32)
DISTANCES = 400


class FrequencyPanel(Panel):
    """Theta, trained length, asked length and method; the wavelengths and the decay that follow.

    Args:
        head_dim: channels per head.
        theta: at the beginning, one of `THETAS`.
        trained_length: at the beginning, one of `TRAINED`.
    """

    def __init__(self, head_dim: int = 128, theta: float = 50_000.0, trained_length: int = 4096) -> None:
        self.head_dim = head_dim
        self.theta = _choices("theta", [(f"{t:,.0f}", t) for t in THETAS], theta)
        self.trained = _choices("trained length", [(f"{t:,}", t) for t in TRAINED], trained_length)
        self.times = _choices("asked: times longer", [(str(t), t) for t in TIMES], 8)
        self.method = dropdown("method", list(METHOD_NAMES), "YaRN")
        super().__init__(self.theta, self.trained, self.times, self.method)

    def compute(self) -> "tuple[Figure, str]":
        """Wavelengths and decay, as trained and with the method."""
        theta, trained, times = float(self.theta.value), int(self.trained.value), int(self.times.value)
        settings = {"as trained": METHOD_NAMES["as trained"]}
        settings[self.method.value] = METHOD_NAMES[self.method.value]
        distances = np.geomspace(1, trained * times, DISTANCES).tolist()
        waves: dict[str, list[float]] = {}
        decay: dict[str, tuple[list[float], list[float]]] = {}
        for name, method in settings.items():
            frequencies, sharpening = method_frequencies(method, self.head_dim, theta, trained, times)
            waves[name] = (2 * np.pi / frequencies.numpy()).tolist()
            decay[name] = distances, score_decay(frequencies, distances, sharpening)
        return plot_wavelengths(waves, decay, trained, trained * times), self._describe(waves, trained, times)

    def _describe(self, waves: dict[str, list[float]], trained: int, times: int) -> str:
        own, now = np.array(waves["as trained"]), np.array(waves[self.method.value])
        pairs, turned = len(own), int((own <= trained).sum())
        # Until its first whole turn a pair shows an angle once: so far can it go without one that is new.
        new = int(((own > trained) & (trained * times / now > trained / own + 1e-6)).sum())
        kept = int(np.isclose(own, now, rtol=1e-3).sum())
        return (
            f"{turned} of {pairs} channel pairs made a whole turn within {trained:,} tokens; the slowest needs "
            f"{own.max():,.0f}.\nAt {trained * times:,} tokens, {self.method.value}: {new} pairs reach angles that "
            f"training never showed; {kept} pairs turn as they did in training."
        )


class PasskeyPanel(Panel):
    """Keys found by length and depth, asked anew for every setting.

    Args:
        model: that was trained to find keys.
        tokenizer: its tokenizer.
        filler: tokens of text that it was not trained on.
        digits: of a key.
    """

    def __init__(self, model: "Transformer", tokenizer: "Tokenizer", filler: np.ndarray, digits: int = 2) -> None:
        self.model, self.tokenizer, self.filler, self.digits = model, tokenizer, filler, digits
        self.trained = model.config.max_position_embeddings
        self._asked: dict[tuple[str, int, int], PasskeyScores] = {}
        self.longest = _choices("longest (times trained)", [("2", 2), ("4", 4), ("8", 8)], 2)
        self.method = dropdown("method", list(METHOD_NAMES), "as trained")
        self.keys = int_slider("keys for each place", 3, 1, 8, live=False)
        super().__init__(self.longest, self.method, self.keys)

    def compute(self) -> "tuple[Figure, str]":
        """Ask for keys at five lengths up to the longest."""
        scores = self._ask()
        chosen = self.method.value
        figure = plot_passkeys({f"% of keys found, {chosen}": scores.map}, scores.lengths, DEPTHS, self.trained)
        within, beyond = scores.accuracy(self.trained), scores.accuracy(scores.lengths[-1])
        low, high = beyond.interval
        return figure, (
            f"{chosen}: at {self.trained} tokens, the length of training, {within.correct} of {within.count} keys are "
            f"found; at {scores.lengths[-1]} tokens {beyond.correct} of {beyond.count} "
            f"(95 % interval {low:.0%} to {high:.0%})."
        )

    def _ask(self) -> PasskeyScores:
        method, times, keys = self.method.value, int(self.longest.value), int(self.keys.value)
        key = (method, times, keys)
        if key not in self._asked:
            steps = [round(self.trained * times ** (i / 4)) for i in range(5)]
            self._asked[key] = evaluate_passkey(
                lambda length: extend(self.model, length, METHOD_NAMES[method], self.trained),
                self.tokenizer, self.filler, steps, DEPTHS, keys, self.digits,
            )  # fmt: skip
        return self._asked[key]


def _choices(
    description: str, options: list[tuple[str, float]] | list[tuple[str, int]], value: float
) -> widgets.Widget:
    """A slider over values that grow by factors."""
    return widgets.SelectionSlider(
        options=options,
        value=value,
        description=description,
        continuous_update=False,
        style=CONTROL_STYLE,
        layout=widgets.Layout(width=CONTROL_WIDTH),
    )
