"""A scaling law: the loss that a model of N parameters is expected to reach after D tokens.

    L(N, D) = E + A / N^alpha + B / D^beta

E is what no model can predict, the other terms what a finite model and finite text cost (Hoffmann et al. 2022,
"Approach 3"). The constants belong to one tokenizer, kind of text and way of training; the published ones, of
Chinchilla, are for models a hundred to ten thousand times larger than a laptop's. So the package ships a law fitted to
small runs of its own, `default_law.toml`, which says from what.

Fails when: it is used far from the runs it was fitted to, or where text is repeated often (count the repeats by
`smollab.tokens.proportions.effective_tokens`).
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

DEFAULT_LAW = Path(__file__).with_name("default_law.toml")
"""Fitted to small runs of the recipe `laptop` by scripts/fit_scaling_law.py."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """The constants, where they come from, and how far they were tested."""

    E: float
    """Irreducible loss; its unit is that of the whole law."""
    A: float
    alpha: float
    B: float
    beta: float
    unit: str
    """Of the loss: `bits per byte` or `nats per token`."""
    source: str
    """One or two sentences."""
    parameters: tuple[float, float]
    """Smallest and largest model of the fit; all parameters, tied ones once."""
    tokens: tuple[float, float]
    """Least and most training tokens of the fit."""

    def loss(self, parameters: float, tokens: float) -> float:
        """Expected loss of a model after training."""
        return self.E + self.A / parameters**self.alpha + self.B / tokens**self.beta

    def reaches(self, parameters: float, tokens: float) -> bool:
        """Whether a run lies within the fitted range, which is taken as far as a factor of 4 beyond both ends."""
        inside = lambda value, ends: ends[0] / 4 <= value <= 4 * ends[1]
        return inside(parameters, self.parameters) and inside(tokens, self.tokens)


def load_law(path: Path = DEFAULT_LAW) -> Law:
    """Read a law from a TOML file with the fields of `Law`.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        wanted = {field.name for field in fields(Law)}
        if content.keys() != wanted:
            raise ValueError(f"expected the keys {', '.join(sorted(wanted))}")
        ranges = {name: (float(content[name][0]), float(content[name][1])) for name in ("parameters", "tokens")}
        return Law(**content | ranges)
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise ValueError(f"{path}: no scaling law: {error}") from None
