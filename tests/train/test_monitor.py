"""The monitor: what it judges, and real runs with faults in them."""

import importlib
import json
import math

import pytest
import torch

from smollab.optim.clipping import Clipper
from smollab.recipe import Monitor as Settings
from smollab.recipe import RecipeError
from smollab.train import loop
from smollab.train.loop import TrainingError
from smollab.train.metrics import read_metrics
from smollab.train.monitor import Monitor

QUICK = {
    "stages.0.steps": 24,
    "stages.1.steps": 12,
    "monitor.minimum_steps": 6,
    "monitor.window": 12,
    "train.checkpoint_every": 6,
    "train.detail_every": 0,
}


def fed(monitor: Monitor, losses: list[float]) -> list[str]:
    """The actions on some losses, with a steady gradient."""
    events = [monitor.before_update(step, loss, 1.0) for step, loss in enumerate(losses, start=1)]
    return [event.action if event else "" for event in events]


def wave(count: int) -> list[float]:
    return [3 + 0.1 * math.sin(step) for step in range(count)]


def test_a_spike_is_told_and_a_slow_rise_is_not():
    monitor = Monitor(Settings(loss_spike="skip", minimum_steps=10))
    assert set(fed(monitor, wave(100))) == {""}
    assert fed(monitor, [4.0]) == ["skip"]
    assert set(fed(monitor, [3 + 0.002 * step for step in range(200)])) == {""}


def test_before_the_first_steps_nothing_is_a_spike():
    assert set(fed(Monitor(Settings(loss_spike="stop", minimum_steps=20)), [9.0, 5.0, 3.0, 99.0])) == {""}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_values_never_enter_the_statistics(bad):
    monitor, clean = (Monitor(Settings(non_finite="skip", loss_spike="warn", minimum_steps=10)) for _ in range(2))
    assert fed(monitor, [*wave(50), bad])[-1] == "skip"
    fed(clean, wave(50))
    assert monitor.state | {"skipped": 0} == clean.state
    assert monitor.before_update(52, 3.0, math.nan).kind == "non_finite"


def test_policies_that_do_not_help_end_the_run():
    monitor = Monitor(Settings(non_finite="skip", maximum_skips=3))
    assert fed(monitor, [math.nan] * 3) == ["skip", "skip", "stop"]
    monitor = Monitor(Settings(non_finite="roll_back", maximum_rollbacks=2))
    assert fed(monitor, [math.nan] * 3) == ["roll_back", "roll_back", "stop"]


def test_large_logits_and_updates():
    monitor = Monitor(Settings(attention_logits="lower_rate", maximum_attention_logit=50.0, rate_steps=5))
    assert monitor.after_update(10, {"attention_logits": [[3.0, None], [49.9, 2.0]]}) is None
    event = monitor.after_update(10, {"attention_logits": [[3.0, None], [50.1, 2.0]]})
    assert (event.kind, event.action) == ("attention_logits", "lower_rate") and "50.1" in event.reason
    assert [monitor.rate_factor(step) for step in (10, 14, 15)] == [0.5, 0.5, 1.0]
    assert monitor.after_update(20, {"update_ratio": {"matrix": 0.1, "norm": 0.9}}).action == "warn"
    assert Monitor(Settings(update_ratio="ignore")).after_update(1, {"update_ratio": {"norm": 9.0}}) is None


@pytest.fixture
def poisoned(monkeypatch):
    """Make the loss of some batches useless: `poisoned({17: math.nan})` by the number of the draw, counted from 1."""
    module, drawn = importlib.import_module("smollab.objectives.cross_entropy"), []
    real_step, real_loss = loop.train_step, module.next_token_loss

    def set_faults(faults: dict[int, float]) -> None:
        def step(*arguments):
            drawn.append(1)
            return real_step(*arguments)

        monkeypatch.setattr(loop, "train_step", step)
        monkeypatch.setattr(
            module, "next_token_loss", lambda *arguments: real_loss(*arguments) * faults.get(len(drawn), 1.0)
        )

    return set_faults


def events(output) -> list[dict]:
    return [json.loads(line) for line in (output / "events.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "policy, kind, fault",
    [
        ("skip", "non_finite", math.nan),
        ("skip", "loss_spike", 50.0),
        ("lower_rate", "gradient_spike", math.inf),
        ("roll_back", "non_finite", math.nan),
        ("roll_back", "loss_spike", 50.0),
    ],
)
def test_a_run_with_a_poisoned_batch_ends_near_the_clean_one(
    train, make_recipe, poisoned, tmp_path, policy, kind, fault
):
    kind = "non_finite" if math.isinf(fault) else kind
    recipe = make_recipe(QUICK | {f"monitor.{kind}": policy})
    train(recipe, tmp_path / "clean")
    poisoned({17: fault})
    train(recipe, tmp_path / "poisoned")
    (event,) = events(tmp_path / "poisoned")
    assert (event["step"], event["kind"], event["action"]) == (17, kind, policy) and event["reason"]
    last = lambda name: [row["loss"] for row in read_metrics(tmp_path / name / "metrics.jsonl")][-6:]
    mean = lambda losses: sum(losses) / len(losses)
    assert mean(last("poisoned")) == pytest.approx(mean(last("clean")), abs=0.15)
    steps = [row["step"] for row in read_metrics(tmp_path / "poisoned" / "metrics.jsonl")]
    assert steps == sorted(set(steps)) and steps[-1] == 36


def test_a_step_left_out_changes_no_bit_of_weights_and_state(make_model, make_recipe, train, tmp_path):
    from smollab.optim import build_optimizers
    from smollab.train.step import train_step
    from tests.train.test_loop import make_batch

    recipe = make_recipe()
    model, batch = make_batch(make_model)
    optimizers = build_optimizers(model, recipe.optimizer)
    train_step(model, optimizers, batch, recipe)
    tensors = lambda: [
        t.clone() for t in (*model.parameters(), *(v for o in optimizers for s in o.state.values() for v in s.values()))
    ]
    before = tensors()
    train_step(model, optimizers, batch, recipe, None, Clipper(recipe.optimizer), lambda loss, norm: False)
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(), strict=True))


def test_what_the_monitor_and_the_clipper_remember_survives_a_stop(train, make_recipe, outcome, tmp_path, monkeypatch):
    changes = {"optimizer.clipping.rule": "zclip", "optimizer.clipping.warmup_steps": 4, "monitor.loss_spike": "skip"}
    changes |= {"monitor.spike_deviations": 1.0}  # so that some steps are left out
    recipe, real, taken = make_recipe(QUICK | changes), loop.train_step, []
    train(recipe, tmp_path / "whole")
    assert len(events(tmp_path / "whole")) > 1

    class Crash(Exception):
        pass

    def until_crash(*arguments):
        if len(taken) == 20:
            raise Crash
        taken.append(1)
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(loop, "train_step", until_crash)
        train(recipe, tmp_path / "stopped")
    train(recipe, tmp_path / "stopped")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_stop_names_the_event_and_the_way_out(train, make_recipe, poisoned, tmp_path):
    poisoned({17: 50.0})
    with pytest.raises(TrainingError, match=r"loss .* deviations above the mean.*at step 17.*monitor\.loss_spike"):
        train(make_recipe(QUICK | {"monitor.loss_spike": "stop"}), tmp_path)


def test_a_policy_that_cannot_be_is_refused(make_recipe):
    with pytest.raises(RecipeError, match=r"attention_logits"):
        make_recipe({"monitor.attention_logits": "skip"})
    with pytest.raises(RecipeError, match=r"monitor.*train\.seconds"):
        make_recipe({"monitor.loss_spike": "roll_back", "train.seconds": 60.0})
