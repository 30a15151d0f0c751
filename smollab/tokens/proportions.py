"""Proportions of a mixture: from what there is to what is read, and how often each text is read for it.

Texts are there in very unequal amounts: English has a thousand times the pages of many languages. A mixture may read
them as they are, all alike, or in between. Temperature sampling is one knob for that:

    weight_i = size_i^(1/T) / sum_j size_j^(1/T)

T = 1 are the natural proportions; the higher T, the more alike. What is raised is read more often:

    epochs_i = weight_i * budget / size_i

and what is read again teaches less than new text would. Of `unique` tokens read for R further epochs are worth

    effective = unique + unique * R* (1 - exp(-R / R*)),    R* = 15.4

new ones, so a fourth epoch is worth nearly a first, a fortieth nearly nothing.

Source: exponents 1/T of 0.7 (multilingual BERT, Devlin et al. 2018) and 0.3 (XLM-R, Conneau et al. 2020, section
3.1); repeated data: Muennighoff et al. 2023 (up to 4 epochs: abstract; the formula and R* = 15.39: their fit).

Fails when: the fit is used far from where it was made (models of 10 million to 9 billion parameters, web text).
"""

import math
from collections.abc import Mapping

FREE_EPOCHS = 4
"""Reading the same text so often costs next to nothing (Muennighoff et al. 2023, abstract)."""
DECAY_EPOCHS = 15.39
"""R*: repetitions after which the value of another is down by a factor e (the fit of Muennighoff et al. 2023)."""


def temperature_weights(sizes: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Weights of a mixture, summing to one.

    Args:
        sizes: name -> tokens there are; names without any get no weight.
        temperature: from 1 (natural proportions) up to infinity (all alike).

    Raises:
        ValueError: a temperature that is not positive, a negative size, or nothing at all.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}: must be positive; 1 gives the natural proportions")
    if min(sizes.values(), default=0) < 0 or not sum(sizes.values()) > 0:
        raise ValueError(f"sizes {dict(sizes)}: must not be negative, and some must be positive")
    largest = max(sizes.values())
    raised = {name: (size / largest) ** (1 / temperature) if size else 0.0 for name, size in sizes.items()}
    return {name: value / sum(raised.values()) for name, value in raised.items()}


def epochs(weights: Mapping[str, float], sizes: Mapping[str, float], budget: float) -> dict[str, float]:
    """How often each text is read, when `budget` tokens are read in proportion to the weights.

    Raises:
        ValueError: a weight above zero for a name without text, or no positive weight.
    """
    total = sum(weights.values())
    if not total > 0:
        raise ValueError(f"weights {dict(weights)}: some must be positive")
    missing = [name for name, weight in weights.items() if weight > 0 and not sizes.get(name)]
    if missing:
        raise ValueError(f"weights of {', '.join(missing)}: there is no text of that name")
    return {name: weight / total * budget / sizes[name] for name, weight in weights.items() if weight > 0}


def effective_tokens(unique: float, read: float) -> float:
    """New tokens that would teach as much as reading `unique` tokens until `read` are read."""
    if read <= unique:
        return read
    repeated = read / unique - 1
    return unique * (1 + DECAY_EPOCHS * (1 - math.exp(-repeated / DECAY_EPOCHS)))
