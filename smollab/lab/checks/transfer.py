"""Checks of notebook 5.2: the factors of muP, a slope, Muon's rate, and a folded final norm."""

from typing import Any

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_5_2_1", "check_5_2_2", "check_5_2_3", "check_5_2_4"]


@_exercise("5.2.1")
def check_5_2_1(factors: Learner) -> None:
    """Of a matrix in a block under muP with AdamW: factors of deviation, rate and weight decay, from two widths."""
    deviation, rate, decay = _numbers(factors(512, 128), 3)
    require(
        not is_close(deviation, 0.25),
        "a sum of 4 times as many independent numbers is twice as large, so the deviation falls to 1/2, not 1/4",
    )
    require(is_close(deviation, 0.5), f"deviation at 4 times the width: 1/2; you returned {deviation!r}")
    require(
        not is_close(rate, 0.5),
        "the entries of a step all push the same way: 4 times as many of them sum to 4 times as much",
    )
    require(is_close(rate, 0.25), f"rate at 4 times the width: 1/4; you returned {rate!r}")
    require(
        not is_close(decay, 1),
        "AdamW multiplies the decay by the rate, which fell to 1/4: 4 times the decay keeps their product",
    )
    require(is_close(decay, 4), f"weight decay at 4 times the width: 4; you returned {decay!r}")
    require(
        [is_close(a, 1) for a in _numbers(factors(128, 128), 3)] == [True] * 3,
        "at the base width all three factors are 1",
    )


@_exercise("5.2.2")
def check_5_2_2(slope: Learner) -> None:
    """The slope of the logarithm of changes over that of widths, by least squares."""
    widths = [64, 128, 256, 512]
    answer = slope(widths, [3.0, 6.0, 12.0, 24.0])
    require(
        not is_close(answer, 21 / 448) and not is_close(answer, 3 / 64),
        "this is the slope of the changes themselves; take logarithms of both first",
    )
    require(is_close(answer, 1), f"a change that doubles with the width has slope 1; you returned {answer!r}")
    require(is_close(slope(widths, [5.0] * 4), 0), "a change that stays the same has slope 0")
    bent = slope(widths, [1.0, 2.0, 2.0, 1.0])
    require(
        is_close(bent, 0),
        f"1, 2, 2, 1 rises and falls evenly: least squares over all points gives 0; you returned {bent!r}",
    )


@_exercise("5.2.3")
def check_5_2_3(muon_rate: Learner) -> None:
    """Muon's rate at another width, for which rate * 0.2 * sqrt(max(rows, columns)) * U V^T keeps its spectral norm."""
    answer = muon_rate(0.02, 64, 256)
    require(
        not is_close(answer, 0.005),
        "that is AdamW's rule; Muon's step has all singular values equal, and its norm grows as the root of the width",
    )
    require(
        not is_close(answer, 0.04),
        "the other way around: the step's spectral norm grows with the width, so the rate must fall",
    )
    require(
        is_close(answer, 0.01),
        f"4 times the width: sqrt(max(rows, columns)) doubles, so the rate halves to 0.01; you returned {answer!r}",
    )


@_exercise("5.2.4")
def check_5_2_4(folded_gain: Learner) -> None:
    """The final norm's gain in a plain model with tied embeddings: gain, width ratio, embedding multiplier."""
    answer = folded_gain(1.5, 4, 1)
    require(
        not is_close(answer, 6),
        "hidden states are *divided* by the width ratio before the unembedding",
    )
    require(is_close(answer, 0.375), f"gain 1.5 at 4 times the base's width: 0.375; you returned {answer!r}")
    both = folded_gain(1.5, 4, 10)
    require(
        not is_close(both, 0.375),
        "the embedding takes its multiplier of 10 into its matrix, which is also the unembedding: undo it here",
    )
    require(
        not is_close(both, 3.75),
        "the shared matrix became 10 times as large, so the logits did too: divide by 10",
    )
    require(is_close(both, 0.0375), f"gain 1.5, ratio 4, multiplier 10: 0.0375; you returned {both!r}")


def _numbers(values: Any, count: int) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        require(False, f"expected {count} numbers, you returned {values!r}")
        raise
    require(len(numbers) == count, f"expected {count} numbers, you returned {values!r}")
    return numbers
