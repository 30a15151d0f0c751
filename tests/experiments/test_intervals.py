"""Intervals against tables and against what they promise."""

import math
import random

import pytest

from smollab.experiments.intervals import mean_interval, paired_difference, student_quantile

# Student's t, two-sided 95 % and 99 %, from printed tables.
TABLE = {(0.975, 1): 12.706, (0.975, 2): 4.303, (0.975, 4): 2.776, (0.975, 9): 2.262, (0.975, 120): 1.980,
         (0.995, 3): 5.841, (0.995, 30): 2.750}  # fmt: skip


@pytest.mark.parametrize(("probability", "degrees"), TABLE)
def test_quantiles_are_those_of_the_tables(probability, degrees):
    assert student_quantile(probability, degrees) == pytest.approx(TABLE[probability, degrees], abs=6e-4)


def test_interval_by_hand():
    interval = mean_interval([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # the standard deviation is 1
    assert (interval.mean, interval.count) == (2.0, 3)
    assert (interval.low, interval.high) == pytest.approx((2 - half, 2 + half), abs=1e-4)
    assert not interval.excludes_zero


def test_one_value_promises_nothing():
    interval = mean_interval([0.3])
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert not interval.excludes_zero


def test_no_value_is_an_error():
    with pytest.raises(ValueError, match="at least one value"):
        mean_interval([])


def test_pairs_free_the_difference_of_common_noise():
    seeds = [0.0, 5.0, -3.0, 8.0]
    first, second = [seed + 0.1 for seed in seeds], seeds
    paired = paired_difference(first, second)
    assert paired.excludes_zero
    assert paired.mean == pytest.approx(0.1)
    assert not mean_interval(first).excludes_zero
    with pytest.raises(ValueError):
        paired_difference([1.0, 2.0], [1.0])


def test_95_percent_intervals_hold_the_truth_95_percent_of_the_time():
    random_ = random.Random(0)
    intervals = [mean_interval([random_.gauss(1.0, 2.0) for _ in range(3)]) for _ in range(2000)]
    assert 0.935 < sum(i.low < 1.0 < i.high for i in intervals) / 2000 < 0.965
