"""Checks of notebook 2.3: what fits into memory, training FLOPs, bytes against operations, min-p."""

from typing import Any

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_2_3_1", "check_2_3_2", "check_2_3_3", "check_2_3_4"]

GIBIBYTE = 2**30


@_exercise("2.3.1")
def check_2_3_1(texts_that_fit: Learner) -> None:
    """How many whole texts fit beside the weights: memory, weights, cache of a token (bytes), tokens of a text."""
    # 80 GiB - 6 GiB = 74 GiB; a text of 65,536 tokens of 72 KiB is 4.5 GiB.
    arguments = (80 * GIBIBYTE, 6 * GIBIBYTE, 72 * 1024, 65_536)
    answer = texts_that_fit(*arguments)
    require(not is_close(answer, 17), "17 texts would fit into an empty device; the weights take 6 GiB of the 80")
    require(
        not is_close(answer, 74 / 4.5),
        "a text is there or it is not: round down to whole texts",
    )
    require(is_close(answer, 16), f"74 GiB are left and a text takes 4.5 GiB, so 16 fit; you returned {answer!r}")
    require(
        is_close(texts_that_fit(5 * GIBIBYTE, 6 * GIBIBYTE, 72 * 1024, 65_536), 0),
        "weights that do not fit leave no room: the answer is 0, not a negative number",
    )


@_exercise("2.3.2")
def check_2_3_2(training_flops: Learner) -> None:
    """Operations to train on one token: parameters in matrices, layers, width of attention, tokens of a sequence."""
    # Forward: 2 x 1,000,000 + 4 layers x 4 x 64 x 128/2 = 2,000,000 + 65,536.
    answer = training_flops(1_000_000, 4, 64, 128)
    require(
        not is_close(answer, 2_065_536),
        "this is the forward pass; the backward pass costs twice as much again",
    )
    require(
        not is_close(answer, 6_000_000),
        "6 operations for each parameter, but the products of queries with keys and of weights with values are missing",
    )
    require(
        not is_close(answer, 3 * (2_000_000 + 2 * 65_536)),
        "a token sees half of its sequence on average: the mask is causal",
    )
    require(
        not is_close(answer, 3 * (2_000_000 + 32_768)),
        "attention multiplies twice for each token seen: query with key, and weight with value",
    )
    require(
        is_close(answer, 3 * 2_065_536),
        f"1,000,000 parameters, 4 layers of attention 64 wide, 128 tokens: 6,196,608; you returned {answer!r}",
    )


@_exercise("2.3.3")
def check_2_3_3(intensity: Learner) -> None:
    """Operations for each byte read in one step: parameters, bytes per number, cache of a text (bytes), texts."""
    lone = intensity(1_000_000, 2, 0, 1)
    require(
        not is_close(lone, 0.5),
        "each parameter is multiplied and added: two operations; with 2 bytes read for it that is 1 a byte",
    )
    require(is_close(lone, 1), f"one text without a cache in bfloat16: 1 operation a byte; you returned {lone!r}")
    eight = intensity(1_000_000, 2, 0, 8)
    require(
        not is_close(eight, 1),
        "eight texts multiply by the same weights, which are read once: eight times the operations, the same bytes",
    )
    require(is_close(eight, 8), f"eight texts without a cache: 8 operations a byte; you returned {eight!r}")
    cached = intensity(1_000_000, 2, 500_000, 8)
    require(
        not is_close(cached, 16_000_000 / 2_500_000),
        "every text has a cache of its own: eight caches are read in a step",
    )
    require(
        is_close(cached, 16_000_000 / 6_000_000),
        f"eight texts with caches of 500,000 bytes: 16 M operations over 6 MB, 2.667; you returned {cached!r}",
    )


@_exercise("2.3.4")
def check_2_3_4(min_p_filter: Learner) -> None:
    """The probabilities after min-p: those below a share of the largest are cut, the rest sum to one again."""
    probabilities = [0.5, 0.3, 0.15, 0.05]
    answer = _numbers(min_p_filter(probabilities, 0.2))
    require(
        answer != [0.5, 0.3, 0.15, 0.0],
        "what is left sums to 0.95: divide by the sum, or a draw may find nothing",
    )
    require(
        not _close(answer, [0.625, 0.375, 0, 0]),
        "you cut all below 0.2 itself; the threshold is 0.2 times the *largest* probability, here 0.1",
    )
    require(
        _close(answer, [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0]),
        f"0.5, 0.3, 0.15, 0.05 with 0.2: the threshold is 0.1, so 0.526, 0.316, 0.158, 0; you returned {answer}",
    )
    flat = _numbers(min_p_filter([0.25] * 4, 1.0))
    require(
        _close(flat, [0.25] * 4),
        f"four equal tokens all reach the largest probability, so all stay; you returned {flat}",
    )


def _numbers(values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        require(False, f"expected a list of numbers, you returned {values!r}")
        raise


def _close(values: list[float], expected: list[float]) -> bool:
    return len(values) == len(expected) and all(is_close(a, b) for a, b in zip(values, expected, strict=True))
