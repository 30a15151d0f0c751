"""Checks of notebook 1.6: proportions, epochs, repeated text, overlap with a test, and differences between seeds."""

import math
from functools import partial
from typing import Any

from smollab.lab.checks.exercise import Learner, WrongAnswer, exercise, is_close, require


@exercise("1.6.1")
def check_1_6_1(mixture_weights: Learner) -> None:
    """Weights of a mixture: a list of sizes and a temperature."""
    natural = _numbers(mixture_weights([80, 10, 10], 1))
    require(is_close(sum(natural), 1), f"weights must sum to one; yours sum to {sum(natural):.4f}")
    require(
        _all_close(natural, [0.8, 0.1, 0.1]),
        f"temperature 1 must give the natural proportions 0.8, 0.1, 0.1; you returned {natural}",
    )
    # The square roots of 100 and 1 are 10 and 1.
    warm = _numbers(mixture_weights([100, 1], 2))
    require(
        not _all_close(warm, [10000 / 10001, 1 / 10001]),
        "a temperature of 2 must make the mixture more even, yours is more uneven: the exponent is 1 / temperature",
    )
    require(
        not _all_close(warm, [100 / 101, 1 / 101]),
        "temperature 2 gives the same as temperature 1: raise the sizes to 1 / temperature before you normalize",
    )
    require(
        _all_close(warm, [10 / 11, 1 / 11]),
        f"sizes 100 and 1 at temperature 2 give 10/11 and 1/11; you returned {warm}",
    )
    hot = _numbers(mixture_weights([1e12, 1e6, 1], 1e6))
    require(_all_close(hot, [1 / 3] * 3, 1e-4), f"at a very high temperature all are read alike; you returned {hot}")


@exercise("1.6.2")
def check_1_6_2(num_epochs: Learner) -> None:
    """How often a text is read: its weight in the mixture, the budget in tokens, its tokens."""
    # 0.2 x 1,000 tokens of a text of 50.
    answer = num_epochs(0.2, 1000, 50)
    require(
        not is_close(answer, 20),
        "you divided the whole budget by the tokens of the text; it gets only its weight of the budget",
    )
    require(not is_close(answer, 0.25), "you divided the wrong way round: tokens read over tokens there are")
    require(is_close(answer, 4), f"a fifth of 1,000 tokens from a text of 50 is 4 epochs; you returned {answer!r}")
    require(is_close(num_epochs(0.5, 100, 200), 0.25), "50 tokens read of 200: a quarter of an epoch, not rounded")


@exercise("1.6.3")
def check_1_6_3(effective_tokens: Learner) -> None:
    """What repeated text is worth: unique tokens, and tokens read."""
    half_read = effective_tokens(100, 50)
    require(
        is_close(half_read, 50),
        f"50 tokens read of 100 are all new, so they are worth 50; you returned {half_read!r}. The formula holds for "
        "what is read beyond the first epoch",
    )
    require(is_close(effective_tokens(100, 100), 100), "one whole epoch is worth all its tokens")
    # 100 + 100 x 15.39 x (1 - exp(-3 / 15.39)) = 372.6
    four = effective_tokens(100, 400)
    require(
        not is_close(four, 100 + 100 * 15.39 * (1 - math.exp(-4 / 15.39)), 1e-4),
        "four epochs are three repetitions: R is the number of epochs minus one",
    )
    require(not is_close(four, 400, 1e-4), "repeated tokens must be worth less than new ones")
    require(is_close(four, 372.6, 1e-3), f"400 tokens read of 100 are worth 372.6; you returned {four!r}")
    require(
        is_close(effective_tokens(100, 1e6), 1639, 1e-3),
        "however often 100 tokens are read, they are worth at most 1,639",
    )


@exercise("1.6.4")
def check_1_6_4(overlap: Learner) -> None:
    """Share of a text's n-grams of words that occur in a test text: text, test, n."""
    test = "the quick brown fox jumps over the lazy dog"
    require(is_close(overlap(test, test, 3), 1), "a text overlaps fully with itself: 1.0")
    require(is_close(overlap("a wholly different text is here", test, 3), 0), "no common words: 0.0")
    # Words 1-4 are in the test: two of its five 3-grams.
    part = overlap("quick brown fox jumps very high today", test, 3)
    require(
        not is_close(part, 4 / 7),
        "you counted single words; count runs of n words, or common words such as 'the' will be found everywhere",
    )
    require(
        not is_close(part, 2 / 7),
        "the denominator is the number of n-grams of the text, not of the test: 7 words hold 5 runs of 3",
    )
    require(is_close(part, 2 / 5), f"2 of 5 runs of three words are in the test; you returned {part!r}")
    case = overlap("QUICK Brown fox, jumps!", test, 3)
    require(
        is_close(case, 1),
        f"'QUICK Brown fox, jumps!' has words of the test; you returned {case!r}. Lower the case, drop the signs",
    )
    require(is_close(overlap("two words", test, 3), 0), "a text of fewer than n words has no n-gram: 0.0, no error")


@exercise("1.6.5")
def check_1_6_5(difference: Learner) -> None:
    """Mean difference of two variants by seed and half the width of its interval: two lists, and Student's t."""
    first, second = [2.0, 3.0, 4.0], [1.9, 2.8, 3.9]
    mean, half = _pair(partial(difference, first, second, 4.303))
    require(
        is_close(mean, 0.4 / 3, 1e-5), f"the differences are 0.1, 0.2, 0.1, their mean 0.1333; you returned {mean!r}"
    )
    # The standard deviation of 0.1, 0.2, 0.1 is 0.057735; t x sd / sqrt(3) = 0.14343.
    require(
        not is_close(half, 4.303 * math.sqrt(1 / 3 + (1.0033 / 3)), 0.05),
        "that is the interval of unpaired runs: take the difference of each seed first, then its standard deviation",
    )
    require(
        not is_close(half, 4.303 * 0.0471405 / math.sqrt(3), 1e-3),
        "you divided by n: the standard deviation of a sample divides by n - 1, or few seeds look too good",
    )
    require(
        not is_close(half, 4.303 * 0.0577350, 1e-3),
        "that is t times the standard deviation of one difference; the mean of n is surer by the square root of n",
    )
    require(
        is_close(half, 0.143433, 1e-3), f"half the width is 4.303 x 0.0577 / sqrt(3) = 0.1434; you returned {half!r}"
    )


def _numbers(answer: Any) -> list[float]:
    try:
        return [float(number) for number in answer]
    except (TypeError, ValueError):
        raise WrongAnswer(f"return one weight for each size, as a list; you returned {answer!r}") from None


def _pair(ask: Learner) -> tuple[float, float]:
    answer = ask()
    try:
        mean, half = answer
        return float(mean), float(half)
    except (TypeError, ValueError):
        raise WrongAnswer(f"return two numbers, the mean and half the width; you returned {answer!r}") from None


def _all_close(values: list[float], expected: list[float], tolerance: float = 1e-6) -> bool:
    return len(values) == len(expected) and all(
        is_close(v, e, tolerance) for v, e in zip(values, expected, strict=True)
    )
