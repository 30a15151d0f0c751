"""Precision: chosen by measuring, kept for the run; bfloat16 over float32 weights; float8 only where it can run."""

import json

import pytest
import torch

from smollab.objectives.next_token import next_token_loss
from smollab.recipe import Parallel, RecipeError
from smollab.train import precision as precisions
from smollab.train.checkpoint import CheckpointMismatch
from smollab.train.metrics import read_metrics
from smollab.train.precision import bfloat16_speed, check_parallel_precision, choose_precision

CPU = torch.device("cpu")


def test_both_are_timed():
    assert 0.0005 < bfloat16_speed(CPU, seconds=0.02) < 1000


@pytest.mark.parametrize(
    ("ratio", "choice"), [(0.07, "float32"), (1.1, "float32"), (1.3, "bfloat16"), (15.0, "bfloat16")]
)
def test_the_faster_one_is_chosen_and_said_in_one_line(tmp_path, monkeypatch, capsys, ratio, choice):
    monkeypatch.setattr(precisions, "bfloat16_speed", lambda device: ratio)
    assert choose_precision("auto", CPU, tmp_path) == choice
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert f"computing in {choice}" in line
    assert ("times slower" in line) == (ratio < 1)


def test_the_choice_is_kept_though_the_machine_changes(tmp_path, monkeypatch, capsys):
    for ratio in (3.0, 0.1):
        monkeypatch.setattr(precisions, "bfloat16_speed", lambda device, ratio=ratio: ratio)
        assert choose_precision("auto", CPU, tmp_path) == "bfloat16"
    assert len(capsys.readouterr().out.splitlines()) == 1  # measured once
    (tmp_path / "precision.json").write_text('{"precis')  # torn: measured anew
    assert choose_precision("auto", CPU, tmp_path) == "float32"
    assert json.loads((tmp_path / "precision.json").read_text())["precision"] == "float32"


@pytest.mark.parametrize("setting", ["float32", "bfloat16"])
def test_a_setting_is_taken_without_measuring(tmp_path, monkeypatch, setting):
    monkeypatch.delattr(precisions, "bfloat16_speed")
    assert choose_precision(setting, CPU, tmp_path) == setting


def test_a_run_in_bfloat16_is_near_the_one_in_float32(train, make_recipe, tmp_path):
    losses = {}
    for precision in ("float32", "bfloat16"):
        train(make_recipe({"train.precision": precision}), tmp_path / precision)
        losses[precision] = [row["loss"] for row in read_metrics(tmp_path / precision / "metrics.jsonl")]
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.02)
    with pytest.raises(CheckpointMismatch, match=r"train\.precision"):
        train(make_recipe({"train.precision": "float32"}), tmp_path / "bfloat16")


def test_weights_and_their_gradients_stay_in_float32(make_model, make_recipe):
    from smollab.batch import Batch
    from smollab.train.step import forward_backward

    model = make_model()
    tokens = torch.randint(97, (2, 13), generator=torch.Generator().manual_seed(0))
    batch = Batch(tokens[:, :-1], tokens[:, 1:], torch.arange(12).expand(2, -1), torch.zeros(2, 12, dtype=torch.int64))
    forward_backward(model, batch, make_recipe({"train.precision": "bfloat16"}), 2)
    assert {p.dtype for p in model.parameters()} == {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_the_unembeddings_gradient_adds_up_in_float32_over_chunks():
    """In bfloat16 a sum of many small parts stops growing; each part may be rounded, their sum may not."""
    generator = torch.Generator().manual_seed(0)
    hidden, weight = torch.randn(4096, 8, generator=generator), torch.randn(32, 8, generator=generator)
    targets = torch.randint(32, (4096,), generator=generator)
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        leaf = weight.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            next_token_loss(hidden.clone().requires_grad_(), leaf, targets, 16).backward()
        found.append(leaf.grad)
    assert found[1].dtype == torch.float32
    assert (found[1] - found[0]).abs().max() < 0.01 * found[0].abs().max()


def test_float8_is_refused_where_nothing_multiplies_it(tmp_path):
    with pytest.raises(RecipeError, match="needs a GPU that multiplies float8"):
        choose_precision("float8", CPU, tmp_path)


def test_float8_is_refused_with_matrices_over_ranks():
    check_parallel_precision("float8", Parallel(shard=8, context=2))
    with pytest.raises(RecipeError, match=r"parallel.tensor must be 1"):
        check_parallel_precision("float8", Parallel(tensor=2))
