"""Trackers get the numbers of every logged step; missing ones are named before any training."""

import importlib.util

import pytest

from smollab.recipe import RecipeError
from smollab.train.trackers import TRACKERS, check_trackers, flat


def events(folder) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_has_every_step_once_after_a_resume(train, make_recipe, tmp_path):
    import shutil

    from smollab.train.metrics import read_metrics

    recipe = make_recipe({"train.trackers": ["tensorboard"], "train.detail_every": 4, "train.evaluate_every": 6})
    train(recipe, tmp_path)
    shutil.rmtree(tmp_path / "checkpoints" / "step-00000012")
    train(recipe, tmp_path)  # from step 8 on
    found, rows = events(tmp_path), read_metrics(tmp_path / "metrics.jsonl")
    assert [step for step, _ in found["loss"]] == list(range(1, 13))
    assert [value for _, value in found["loss"]] == pytest.approx([row["loss"] for row in rows])
    assert [step for step, _ in found["update_ratio/matrix"]] == [4, 8, 12]
    assert [step for step, _ in found["held_out/web"]] == [6, 12]
    assert {"attention_logits/layer 0", "learning_rates/embedding", "mfu"} <= found.keys()


def test_a_row_becomes_flat_numbers():
    row = {"step": 3, "stage": "first", "loss": 2.0, "held_out": {"web": 1.5}, "attention_logits": [[1.0, 4.0], [None]]}
    assert flat(row) == {"loss": 2.0, "held_out/web": 1.5, "attention_logits/layer 0": 4.0}


def test_an_unknown_tracker_is_refused_with_those_known():
    with pytest.raises(RecipeError, match="'wandbb' is unknown; known are tensorboard, trackio, wandb"):
        check_trackers(["wandbb"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_named_before_training(train, make_recipe, tmp_path, monkeypatch, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked, *more: None if asked == name else find(asked, *more))
    with pytest.raises(RecipeError, match=f"pip install {name}"):
        train(make_recipe({"train.trackers": [name]}), tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()
