"""Stages with longer sequences, a larger rotary base and a schedule of their own, within one run."""

import math

import pytest
import torch

from smollab.model.config import ModelConfig
from smollab.model.huggingface import load_huggingface, save_huggingface
from smollab.model.transformer import Transformer
from smollab.recipe import RecipeError, plan_stages, trained_model
from smollab.train import loop
from smollab.train.checkpoint import list_checkpoints, load_state, load_weights
from smollab.train.metrics import read_metrics

LONG = {
    "stages.1.sequence_length": 128,
    "stages.1.rope_theta": 2e6,
    "stages.1.learning_rate": 0.002,
    "stages.1.schedule.warmup_steps": 2,
    "stages.1.schedule.decay_steps": 2,
    "stages.1.schedule.decay": "cosine",
    "model.max_position_embeddings": 32,
}
"""Turns the second stage, 5 steps after the first's 7, into one of long context: 4 times longer sequences."""


class Crash(Exception):
    """What stops a training from within."""


@pytest.mark.parametrize("steps", [6, 7, 8])
def test_a_crash_around_the_raise_resumes_to_the_same_bits(train, make_recipe, outcome, tmp_path, monkeypatch, steps):
    """A checkpoint every step: before, exactly at and within the long stage."""
    recipe = make_recipe(LONG | {"train.checkpoint_every": 1})
    train(recipe, tmp_path / "straight")
    real, taken = loop.train_step, []

    def until_crash(*arguments):
        if len(taken) == steps:
            raise Crash
        taken.append(1)
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(loop, "train_step", until_crash)
        train(recipe, tmp_path / "crashed")
    train(recipe, tmp_path / "crashed")
    assert outcome(tmp_path / "crashed") == outcome(tmp_path / "straight")


def test_the_raise_changes_what_is_computed_from_its_first_step(train, make_recipe, tmp_path):
    losses = {}
    for theta in (5e4, 2e6):
        train(make_recipe(LONG | {"stages.1.rope_theta": theta}), tmp_path / str(theta))
        losses[theta] = [row["loss"] for row in read_metrics(tmp_path / str(theta) / "metrics.jsonl")]
    assert losses[5e4][:7] == losses[2e6][:7]
    assert losses[5e4][7] != losses[2e6][7]


def test_the_model_sees_the_stages_theta_and_length(train, make_recipe, tmp_path, monkeypatch):
    seen, real = [], loop.train_step

    def look(model, optimizers, batch, *rest):
        seen.append((model.config.rope_theta, model.config.max_position_embeddings, tuple(batch.tokens.shape)))
        return real(model, optimizers, batch, *rest)

    monkeypatch.setattr(loop, "train_step", look)
    train(make_recipe(LONG), tmp_path)
    assert seen == [(5e4, 32, (4, 32))] * 7 + [(2e6, 128, (1, 128))] * 5  # 128 tokens a step throughout


def test_checkpoint_and_export_hold_the_last_theta(train, make_recipe, tmp_path, random_tokens):
    recipe = make_recipe(LONG)
    checkpoint = train(recipe, tmp_path / "run")
    reach = {"rope_theta": 2e6, "max_position_embeddings": 128}
    assert load_state(checkpoint)["model"] == reach
    first = list_checkpoints(tmp_path / "run" / "checkpoints")[0]  # after step 8; the stage begins after 7
    assert load_state(first)["model"] == reach
    model = Transformer(ModelConfig.from_recipe(trained_model(recipe), 400))
    load_weights(checkpoint, model)
    save_huggingface(model, tmp_path / "export")
    again = load_huggingface(tmp_path / "export")
    assert {key: getattr(again.config, key) for key in reach} == reach
    tokens = random_tokens(1, 128)
    torch.testing.assert_close(again(tokens), model(tokens))


def test_rates_follow_each_stages_schedule(train, make_recipe, tmp_path):
    train(make_recipe(LONG), tmp_path)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    rates = [row["learning_rate"] for row in rows]
    assert rates[:7] == pytest.approx([0.005, 0.01, 0.01, 0.01, 0.0075, 0.005, 0.0025])  # 7 steps, not 12
    assert rates[7:] == pytest.approx([0.001, 0.002, 0.002, 0.002, 0.002 * 0.5 * (1 + math.cos(math.pi / 2))])
    assert [row["sequence_length"] for row in rows] == [32] * 7 + [128] * 5
    assert rows[-1]["tokens"] == 12 * 128


def test_left_out_settings_are_those_of_the_stage_before(make_recipe):
    stages = [
        {"name": "a", "steps": 3, "mixture": {"web": 1.0}},
        {"name": "b", "steps": 3, "mixture": {"web": 1.0}, "sequence_length": 64, "rope_theta": 1e6},
        {"name": "c", "steps": 4, "mixture": {"web": 1.0}},
    ]
    plans = plan_stages(make_recipe({"stages": stages}))
    assert [(p.sequence_length, p.rope_theta, p.batch_sequences) for p in plans] == [
        (32, 5e4, 4),
        (64, 1e6, 2),
        (64, 1e6, 2),
    ]
    assert [(p.schedule_begin, p.schedule_steps) for p in plans] == [(0, 10)] * 3


def test_a_schedule_in_the_middle_leaves_the_others_their_own_steps(make_recipe):
    own = {"schedule": {"warmup_steps": 1, "decay_steps": 1}}
    stages = [
        {"name": "a", "steps": 5, "mixture": {"web": 1.0}},
        {"name": "b", "steps": 3, "mixture": {"web": 1.0}, **own},
        {"name": "c", "steps": 4, "mixture": {"web": 1.0}},
    ]
    plans = plan_stages(make_recipe({"stages": stages}))
    assert [(p.schedule_begin, p.schedule_steps) for p in plans] == [(0, 9), (5, 3), (3, 9)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages.1.sequence_length": 33}, r"sequence_length \(33\) must divide the 128 tokens"),
        ({"stages.1.schedule.warmup_steps": 5}, "exceed its 5 steps"),
        ({"stages.1.learning_rate": 0.1}, "needs a schedule"),
        ({"stages.1.rope_theta": -1.0}, "rope_theta"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_stages_name(make_recipe, change, message):
    base = {"stages.1.schedule.decay_steps": 1} if "stages.1.schedule.warmup_steps" in change else {}
    with pytest.raises(RecipeError, match=message):
        make_recipe(base | change)


def test_smollm3s_long_context_as_published():
    from smollab.recipe import load_recipe

    recipe = load_recipe("smollm3-3b")
    plans = plan_stages(recipe)
    assert [(p.rope_theta, p.sequence_length) for p in plans] == [(5e4, 4096)] * 3 + [(2e6, 32_768), (5e6, 65_536)]
    assert [p.batch_sequences for p in plans[-2:]] == [72, 36]
    tokens = [p.stage.steps * p.batch_sequences * p.sequence_length / 1e9 for p in plans[-2:]]
    assert tokens == pytest.approx([47.2, 51.9], abs=0.05)
    assert [p.schedule_steps for p in plans] == [4_720_000] * 3 + [20_000, 22_000]
    assert plans[3].rate_factor * recipe.optimizer.learning_rate == pytest.approx(2e-5)
