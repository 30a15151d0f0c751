"""Schedules against transformers', and their values at the borders."""

import math

import pytest
import torch
from transformers import (
    get_cosine_schedule_with_warmup,
    get_inverse_sqrt_schedule,
    get_linear_schedule_with_warmup,
    get_wsd_schedule,
)

from smollab.optim.schedules import SHAPES, learning_rate_factor, warmup_stable_decay
from smollab.recipe import RecipeError, Schedule, load_recipe

TOTAL, WARMUP, DECAY = 50, 8, 20


def transformers_factors(decay: str) -> list[float]:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = get_wsd_schedule(
        optimizer,
        num_warmup_steps=WARMUP,
        num_decay_steps=DECAY,
        num_stable_steps=TOTAL - WARMUP - DECAY,
        warmup_type="linear",
        decay_type=decay,
    )
    factors = []
    for _ in range(TOTAL + 1):
        factors.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return factors


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_equals_transformers_up_to_one_step_of_warmup(decay):
    theirs = transformers_factors(decay)
    ours = [warmup_stable_decay(step, TOTAL, WARMUP, DECAY, decay) for step in range(TOTAL)]
    assert ours[:WARMUP] == pytest.approx(theirs[1 : WARMUP + 1])  # theirs wastes the first update on a rate of zero
    assert ours[WARMUP:] == pytest.approx(theirs[WARMUP:TOTAL])


@pytest.mark.parametrize("decay", ["linear", "1-sqrt", "cosine"])
def test_values_at_the_borders(decay):
    factor = lambda step: warmup_stable_decay(step, TOTAL, WARMUP, DECAY, decay)
    assert factor(0) == 1 / WARMUP
    assert factor(WARMUP - 1) == factor(WARMUP) == factor(TOTAL - DECAY) == 1
    assert factor(TOTAL - DECAY + 1) < 1
    assert 0 < factor(TOTAL - 1) < 0.1
    assert factor(TOTAL) == pytest.approx(0, abs=1e-12)
    assert factor(TOTAL + 100) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("decay", ["linear", "1-sqrt", "cosine"])
def test_it_rises_and_then_never_rises_again(decay):
    factors = [warmup_stable_decay(step, TOTAL, WARMUP, DECAY, decay) for step in range(TOTAL + 1)]
    assert factors[: WARMUP + 1] == sorted(factors[: WARMUP + 1])
    assert factors[WARMUP:] == sorted(factors[WARMUP:], reverse=True)


def test_one_minus_sqrt_falls_steeply_first():
    factor = lambda share: warmup_stable_decay(30 + int(20 * share), TOTAL, WARMUP, DECAY, "1-sqrt")
    assert factor(0.25) == pytest.approx(0.5)
    assert factor(0.5) == pytest.approx(1 - math.sqrt(0.5))


def test_no_warmup_and_no_decay():
    assert [warmup_stable_decay(step, 5, 0, 0) for step in range(5)] == [1.0] * 5
    assert warmup_stable_decay(0, 5, 0, 5) == 1.0


def test_smollm3s_published_schedule():
    """Warmup 2000 steps, stable to 4 198 000, linear to zero over 522 000."""
    factor = lambda step: warmup_stable_decay(step, 4_720_000, 2000, 522_000)
    assert (factor(999), factor(4_198_000), factor(4_459_000)) == (0.5, 1.0, 0.5)


@pytest.mark.parametrize(
    "kind, theirs",
    [
        ("linear", lambda optimizer: get_linear_schedule_with_warmup(optimizer, WARMUP, TOTAL)),
        ("cosine", lambda optimizer: get_cosine_schedule_with_warmup(optimizer, WARMUP, TOTAL)),
        ("inverse_sqrt", lambda optimizer: get_inverse_sqrt_schedule(optimizer, WARMUP)),
    ],
)
def test_other_kinds_equal_transformers(kind, theirs):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, factors = theirs(optimizer), []
    for _ in range(TOTAL):
        factors.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    settings = Schedule(kind=kind, warmup_steps=WARMUP)
    ours = [learning_rate_factor(settings, step, TOTAL) for step in range(TOTAL)]
    assert ours[: WARMUP - 1] == pytest.approx(factors[1:WARMUP])
    assert ours[WARMUP:] == pytest.approx(factors[WARMUP:])


def test_power_falls_with_its_power_and_then_decays():
    settings = Schedule(kind="power", warmup_steps=100, decay_steps=1000, power=0.5)
    factor = lambda step: learning_rate_factor(settings, step, 10_000)
    assert factor(100) == 1 and factor(400) == pytest.approx(0.5) and factor(8100) == pytest.approx(1 / 9)
    assert factor(9500) == pytest.approx((100 / 9500) ** 0.5 / 2)
    later = Schedule(kind="power", warmup_steps=100, decay_steps=1000, power=0.5, power_steps=400)
    assert learning_rate_factor(later, 399, 10_000) == 1 and learning_rate_factor(later, 1600, 10_000) == 0.5


@pytest.mark.parametrize("kind", SHAPES)
def test_every_kind_warms_up_and_stays_between_zero_and_one(kind):
    settings = Schedule(kind=kind, warmup_steps=WARMUP, decay_steps=DECAY)
    factors = [learning_rate_factor(settings, step, TOTAL) for step in range(TOTAL)]
    assert factors[:WARMUP] == [(step + 1) / WARMUP for step in range(WARMUP)]
    assert all(0 < factor <= 1 for factor in factors)


def test_a_schedule_longer_than_the_run_is_refused_where_it_counts():
    too_long = {"schedule.warmup_steps": 10, "schedule.decay_steps": 10_000_000}
    with pytest.raises(RecipeError, match="exceed the"):
        load_recipe("laptop", too_long)
    assert load_recipe("laptop", too_long | {"schedule.kind": "cosine"}).schedule.kind == "cosine"
