"""The clock: a run stretches its schedule to end on time, and repeats its decisions."""

import json

import pytest

from smollab.train import clock
from smollab.train.clock import Clock, read_decisions


@pytest.fixture
def ticking(monkeypatch):
    """Time that moves only when it is told to."""
    time = [0.0]
    monkeypatch.setattr(clock, "now", lambda: time[0])
    return time


def run(recipe, folder, ticking, speed) -> Clock:
    """A run whose steps take `speed(step)` seconds."""
    watch, step = Clock(recipe, folder), 0
    while step < watch.recipe.total_steps:
        ticking[0] += speed(step)
        step += 1
        watch.look(step)
    return watch


@pytest.mark.parametrize(
    "speed",
    [
        lambda step: 1.0,
        lambda step: 0.4,
        lambda step: 2.5,
        lambda step: 1.0 if step < 90 else 2.0,
        lambda step: 0.7 + 3.0 * (step % 12 == 0),
    ],
    ids=["as planned", "fast", "slow", "slower from the middle", "a few very slow steps"],
)
def test_it_ends_within_five_percent_of_its_time(make_recipe, tmp_path, ticking, speed):
    recipe = make_recipe(
        {"stages.0.steps": 120, "stages.1.steps": 80, "schedule.decay_steps": 60, "train.seconds": 200.0}
    )
    began = ticking[0]
    watch = run(recipe, tmp_path, ticking, speed)
    assert ticking[0] - began == pytest.approx(200, rel=0.05)
    assert 0.15 < watch.recipe.schedule.decay_steps / watch.recipe.total_steps < 0.45  # planned: 0.3


def test_a_second_run_follows_the_decisions_and_not_the_clock(make_recipe, tmp_path, ticking):
    recipe = make_recipe({"stages.0.steps": 120, "stages.1.steps": 80, "train.seconds": 200.0})
    first = run(recipe, tmp_path, ticking, lambda step: 2.0)
    decisions = read_decisions(tmp_path / "decisions.json")
    assert decisions and first.total_steps == first.recipe.total_steps < 200
    again = run(recipe, tmp_path, ticking, lambda step: 2.0)
    assert again.recipe == first.recipe and read_decisions(tmp_path / "decisions.json") == decisions
    resumed = Clock(recipe, tmp_path)
    resumed.resume(first.recipe.total_steps, 200.0)
    assert resumed.recipe == first.recipe


def test_without_a_time_nothing_is_decided(make_recipe, tmp_path, ticking):
    watch = run(make_recipe(), tmp_path, ticking, lambda step: 1000.0)
    assert watch.recipe == make_recipe() and not (tmp_path / "decisions.json").exists() and watch.elapsed == 0


def test_a_damaged_file_of_decisions_is_named(tmp_path):
    (tmp_path / "decisions.json").write_text(json.dumps([1, 2]))
    with pytest.raises(ValueError, match=r"decisions\.json: damaged.*train anew"):
        read_decisions(tmp_path / "decisions.json")
