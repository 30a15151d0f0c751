"""Checks of notebook 0.1: one exercise for each pillar."""

import math
from typing import Any

from smollab.lab.checks.exercise import Learner, WrongAnswer, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_0_1_1", "check_0_1_2", "check_0_1_3", "check_0_1_4", "check_0_1_5"]

MENU = "Home\nAbout us\n\nContact\nThis line is a good deal longer than thirty characters."


@_exercise("0.1.1")
def check_0_1_1(short_line_share: Learner) -> None:
    """The share of a page's lines that have at most 30 characters, empty lines left out."""
    require(
        not is_close(short_line_share(MENU), 4 / 5),
        "a page of three short lines, one long line and one empty line gives 0.8: you counted the empty line as short; "
        "FineWeb leaves lines without text out",
    )
    require(
        not is_close(short_line_share(MENU), 3 / 5),
        "a page of three short lines, one long line and one empty line gives 0.6: the empty line is still in the "
        "denominator; leave it out there too",
    )
    require(
        not is_close(short_line_share(MENU), 1 / 4),
        "you returned the share of long lines; the rule asks for the short ones",
    )
    require(
        is_close(short_line_share(MENU), 3 / 4),
        f"three of four lines with text are short, so the share is 0.75; you returned {short_line_share(MENU)!r}",
    )
    edge = "x" * 30 + "\n" + "y" * 31
    require(
        is_close(short_line_share(edge), 1 / 2),
        f"lines of 30 and 31 characters: the one with 30 is short, the other is not, so 0.5; you returned "
        f"{short_line_share(edge)!r}. Is your comparison `<= 30`?",
    )
    require(
        is_close(short_line_share("A single line with more than thirty characters in it."), 0.0),
        "one long line: no line is short, so the share is 0",
    )


@_exercise("0.1.2")
def check_0_1_2(kv_cache_bytes: Learner) -> None:
    """The bytes of a key-value cache: layers, key-value heads, channels per head, tokens, bytes per number."""
    small = kv_cache_bytes(1, 1, 1, 1, 1)
    require(not is_close(small, 1), "one layer, one head, one channel, one token need 2 numbers: a key and a value")
    require(is_close(small, 2), f"one layer, one head, one channel, one token, one byte: 2; you returned {small!r}")
    # SmolLM3-3B: 36 layers, 4 key-value heads of 128 channels, bfloat16; 65,536 tokens.
    expected = 2 * 36 * 4 * 128 * 65_536 * 2
    answer = kv_cache_bytes(36, 4, 128, 65_536, 2)
    require(
        is_close(answer, expected),
        f"SmolLM3-3B at 65,536 tokens in bfloat16 needs 4.5 GiB ({expected:,} bytes); you returned {answer!r}. "
        "The size is a product of all five numbers, and of 2",
    )
    require(
        is_close(kv_cache_bytes(36, 16, 128, 65_536, 2), 4 * expected),
        "four times as many key-value heads must need four times the memory: that is what GQA saves",
    )


@_exercise("0.1.3")
def check_0_1_3(softmax_with_temperature: Learner) -> None:
    """The probabilities of a list of logits at a temperature."""
    logits = [math.log(4), math.log(2), math.log(2)]
    at_one = _numbers(softmax_with_temperature(logits, 1.0))
    require(
        is_close(sum(at_one), 1),
        f"probabilities must sum to one; yours sum to {sum(at_one):.4f}. Divide the exponentials by their sum",
    )
    require(
        _all_close(at_one, [1 / 2, 1 / 4, 1 / 4]),
        f"the logits ln 4, ln 2, ln 2 at temperature 1 are 0.5, 0.25, 0.25; you returned {at_one}",
    )
    cold = _numbers(softmax_with_temperature(logits, 0.5))
    require(
        not _all_close(cold, [math.sqrt(2) / (2 + math.sqrt(2)), 1 / (2 + math.sqrt(2)), 1 / (2 + math.sqrt(2))]),
        "a temperature of 0.5 must sharpen the distribution, yours flattens it: divide the logits by the temperature, "
        "do not multiply",
    )
    require(
        not _all_close(cold, at_one),
        "temperature 0.5 gives the same as temperature 1. Dividing the probabilities by T and normalizing again undoes "
        "itself: divide the logits, before the exponential",
    )
    require(
        _all_close(cold, [2 / 3, 1 / 6, 1 / 6]),
        f"at temperature 0.5 every ratio is squared: 4 : 1 : 1, so 2/3, 1/6, 1/6; you returned {cold}",
    )
    large = _numbers(softmax_with_temperature([1000.0, 999.0], 1.0))
    require(
        _all_close(large, [0.7310585786300049, 0.2689414213699951]),
        f"logits of 1000 and 999 give {large}: the exponential overflows. Only differences count, so subtract "
        "the largest logit first",
    )


@_exercise("0.1.4")
def check_0_1_4(newton_schulz_scalar: Learner) -> None:
    """One singular value under Muon's polynomial, some times."""
    require(
        is_close(newton_schulz_scalar(0.3, 0), 0.3),
        f"no steps must leave 0.3 as it is; you returned {newton_schulz_scalar(0.3, 0)!r}",
    )
    one = newton_schulz_scalar(0.1, 1)
    require(
        not is_close(one, 3.4445 * 0.1 - 4.7750 * 0.1**2 + 2.0315 * 0.1**3),
        "the powers are 1, 3 and 5: an odd polynomial, since a singular vector pair keeps its sign",
    )
    # 0.34445 - 0.004775 + 0.000020315
    require(is_close(one, 0.339695315), f"one step takes 0.1 to 0.3397; you returned {one!r}")
    two = newton_schulz_scalar(0.1, 2)
    require(
        not is_close(two, one),
        "two steps give the same as one: feed the result of a step into the next",
    )
    # 3.4445 x - 4.7750 x^3 + 2.0315 x^5 at x = 0.339695315
    require(is_close(two, 0.9920968, 1e-4), f"two steps take 0.1 to 0.992; you returned {two!r}")
    for start in (0.01, 0.1, 0.5, 1.0):
        end = float(newton_schulz_scalar(start, 5))
        require(
            0.6 < end < 1.3,
            f"five steps from {start} end at {end:.3f}; they should end between 0.68 and 1.16. Are the coefficients "
            "3.4445, -4.7750, 2.0315?",
        )


@_exercise("0.1.5")
def check_0_1_5(training_days: Learner) -> None:
    """Days a run takes: parameters, tokens, devices, peak FLOP/s of a device, and the share of it that is reached."""
    # 6 operations x 1 parameter x 8,640,000 tokens / (6 devices x 100 FLOP/s) = 86,400 s, one day.
    unit = training_days(1, 86_400 * 100, 6, 100, 1.0)
    require(
        not is_close(unit, 1 / 3),
        "you counted 2 operations per parameter and token: that is the forward pass alone; the backward pass costs "
        "twice as much again, together 6",
    )
    require(not is_close(unit, 86_400), "the answer is in seconds; divide by 86,400 for days")
    require(is_close(unit, 1), f"1 parameter, 8,640,000 tokens, 6 devices of 100 FLOP/s take 1 day; got {unit!r}")
    half = training_days(1, 86_400 * 100, 6, 100, 0.5)
    require(
        is_close(half, 2),
        f"at half of the peak the run takes twice as long, 2 days; you returned {half!r}: divide by the share",
    )
    require(
        is_close(training_days(3.08e9, 11.1e12, 384, 989e12, 0.3), 20.8383, 1e-3),
        "3.08e9 parameters, 11.1e12 tokens, 384 devices of 989e12 FLOP/s at 30 % take 20.8 days",
    )


def _numbers(answer: Any) -> list[float]:
    """A learner's list, array or tensor as plain numbers."""
    try:
        return [float(number) for number in answer]
    except (TypeError, ValueError):
        raise WrongAnswer(f"return one probability for each logit, as a list; you returned {answer!r}") from None


def _all_close(values: list[float], expected: list[float]) -> bool:
    return len(values) == len(expected) and all(map(is_close, values, expected))
