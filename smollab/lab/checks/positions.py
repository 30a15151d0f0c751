"""Checks of notebook 2.2: turning a pair, counting turns, raising theta, and YaRN's mixture."""

import math
from typing import Any

from smollab.lab.checks.exercise import Learner, WrongAnswer, exercise, is_close, require


@exercise("2.2.1")
def check_2_2_1(rotate: Learner) -> None:
    """A channel pair turned by its angle: x, y, position, frequency."""
    x, y = _pair(rotate(1.0, 0.0, 1, math.pi / 2), "x and y")
    require(
        not (is_close(x, 0) and is_close(y, -1)),
        "a quarter turn takes (1, 0) to (0, 1), yours to (0, -1): it turns the other way; check the signs of the sine",
    )
    require(
        is_close(x, 0) and is_close(y, 1), f"a quarter turn takes (1, 0) to (0, 1); you returned ({x:.4g}, {y:.4g})"
    )
    x, y = _pair(rotate(0.0, 1.0, 1, math.pi / 2), "x and y")
    require(
        is_close(x, -1) and is_close(y, 0), f"a quarter turn takes (0, 1) to (-1, 0); you returned ({x:.4g}, {y:.4g})"
    )
    x, y = _pair(rotate(3.0, 4.0, 7, 0.3), "x and y")
    require(is_close(math.hypot(x, y), 5), f"turning keeps the length: (3, 4) has 5, yours has {math.hypot(x, y):.4g}")
    angle = math.atan2(4, 3)
    require(
        not is_close(x, 5 * math.cos(angle + 0.3)),
        "position 7 turns seven times as far as position 1: the angle is position * frequency",
    )
    require(
        is_close(x, 5 * math.cos(angle + 2.1)) and is_close(y, 5 * math.sin(angle + 2.1)),
        f"(3, 4) at position 7 with frequency 0.3 turns by 2.1 radians; you returned ({x:.4g}, {y:.4g})",
    )


@exercise("2.2.2")
def check_2_2_2(count_turned: Learner) -> None:
    """How many channel pairs make a whole turn within a length: head_dim, theta, length."""
    # Wavelengths 6.28, 62.8, 628, 6283.
    require(
        not is_close(count_turned(8, 10_000, 700), 4),
        "you counted a pair of wavelength 6,283 within 700 tokens; is the exponent -2i / head_dim, with i the pair's "
        "number from 0?",
    )
    require(
        not is_close(count_turned(8, 10_000, 100), 3),
        "a frequency above 1 / length is not a whole turn: a turn is 2 pi radians",
    )
    answer = count_turned(8, 10_000, 100)
    require(
        not is_close(answer, 4), "count the pairs of channels, not the channels, and only those that make a whole turn"
    )
    require(
        is_close(answer, 2),
        f"with head_dim 8 and theta 10,000 the wavelengths are 6.3, 63, 628 and 6,283: two are below 100; you "
        f"returned {answer!r}",
    )
    require(is_close(count_turned(8, 10_000, 700), 3), "within 700 tokens three of these four pairs turn")
    require(is_close(count_turned(8, 10_000, 3), 0), "within 3 tokens no pair makes a turn of 2 pi")
    require(is_close(count_turned(128, 50_000, 4096), 39), "SmolLM3's first setting: 39 of 64 pairs turn within 4,096")


@exercise("2.2.3")
def check_2_2_3(raise_theta: Learner) -> None:
    """The NTK-aware theta: theta, factor, head_dim."""
    answer = raise_theta(10_000, 8, 64)
    require(
        not is_close(answer, 80_000, 1e-6),
        "theta times the factor slows the slowest pair by less than the factor: its exponent is (d - 2) / d, not 1",
    )
    require(not is_close(answer, 10_000 * 8 ** (62 / 64), 1e-6), "the exponent is upside down: it must be above 1")
    require(
        is_close(answer, 10_000 * 8 ** (64 / 62), 1e-6),
        f"10,000 for 8 times longer text and 64 channels becomes {10_000 * 8 ** (64 / 62):,.0f}; you returned "
        f"{answer!r}",
    )
    require(is_close(raise_theta(500, 1, 32), 500), "a factor of 1 changes nothing")
    slowest = raise_theta(500, 3, 16) ** (-14 / 16)
    require(
        is_close(500 ** (-14 / 16) / slowest, 3, 1e-6), "the slowest pair must turn exactly `factor` times more slowly"
    )


@exercise("2.2.4")
def check_2_2_4(mix: Learner) -> None:
    """YaRN's frequency of one pair: frequency, trained length, factor, alpha, beta."""
    fast, slow = 2 * math.pi * 40 / 1000, 2 * math.pi * 0.5 / 1000
    answer = mix(fast, 1000, 4, 1, 32)
    require(
        not is_close(answer, fast / 4),
        "a pair with 40 turns is fast: it keeps its frequency; you interpolated it. Is the ramp the wrong way round?",
    )
    require(is_close(answer, fast), f"40 turns are above beta = 32, so {fast:.4f} stays; you returned {answer!r}")
    answer = mix(slow, 1000, 4, 1, 32)
    require(
        is_close(answer, slow / 4),
        f"half a turn is below alpha = 1, so the frequency is divided by the factor; you returned {answer!r}",
    )
    middle = 2 * math.pi * 16.5 / 1000  # halfway between 1 and 32 turns
    answer = mix(middle, 1000, 4, 1, 32)
    require(
        not is_close(answer, middle / (4 * 0.5 + 0.5)),
        "you mixed the factors; the paper mixes the frequencies: ramp * f + (1 - ramp) * f / factor",
    )
    require(
        is_close(answer, middle * (0.5 + 0.5 / 4)),
        f"16.5 turns lie halfway between 1 and 32: half of f and half of f / 4, {middle * 0.625:.5f}; you returned "
        f"{answer!r}",
    )
    require(is_close(mix(middle, 1000, 1, 1, 32), middle), "a factor of 1 changes nothing")


def _pair(answer: Any, what: str) -> tuple[float, float]:
    try:
        first, second = answer
        return float(first), float(second)
    except (TypeError, ValueError):
        raise WrongAnswer(f"return two numbers, {what}; you returned {answer!r}") from None
