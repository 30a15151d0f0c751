"""Warmup-stable-decay against transformers' `get_wsd_schedule`, and its values at the borders."""

import math

import pytest
import torch
from transformers import get_wsd_schedule

from smollab.optim.schedules import warmup_stable_decay

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
