"""What is measured every so many steps, and the speed of every step, are what their definitions say."""

import math

import pytest
import torch
from torch import nn

from smollab.optim import build_optimizers
from smollab.recipe import Optimizer
from smollab.train.details import SAMPLED_NUMBERS, Details, learning_rates, sampled_rows
from smollab.train.metrics import read_metrics


def test_the_update_ratio_is_the_length_of_the_update_over_that_of_the_weights():
    weights = nn.Parameter(torch.full((4, 4), 2.0))
    optimizer = torch.optim.SGD([{"params": [weights], "role": "matrix"}], lr=0.1)
    details = Details(nn.ParameterList([weights]), [optimizer], 2, logits=False)
    weights.grad = torch.ones(4, 4)
    assert not details.before(1)
    optimizer.step()  # to 1.9
    assert details.after() == {}
    assert details.before(2)
    optimizer.step()
    assert details.after() == {"update_ratio": {"matrix": pytest.approx(0.1 / 1.9)}}
    assert details.after() == {}


def test_of_a_large_matrix_evenly_spaced_rows_are_compared():
    matrix = torch.arange(4 * SAMPLED_NUMBERS, dtype=torch.float32).view(-1, 64)
    sample = sampled_rows(matrix)
    assert sample.numel() == SAMPLED_NUMBERS
    assert sample[:3, 0].tolist() == [0, 4 * 64, 8 * 64]
    assert sampled_rows(matrix[:10]).numel() == 640


def test_a_steps_row_has_what_one_watches(train, make_recipe, tmp_path):
    train(make_recipe({"train.detail_every": 4, "train.log_every": 5, "train.evaluate_every": 6}), tmp_path)
    rows = {row["step"]: row for row in read_metrics(tmp_path / "metrics.jsonl")}
    assert rows.keys() == {4, 5, 6, 8, 10, 12}  # measured steps are logged
    assert [step for step, row in rows.items() if "update_ratio" in row] == [4, 8, 12]
    assert set(rows[6]["held_out"]) == {"web"}
    for row in rows.values():
        assert 0 < row["mfu"] < 2
        assert 10 * 2**20 < row["memory"] < 2**36
        assert row["tokens_per_second"] == pytest.approx(4 * 32 / row["seconds"])
        assert row["learning_rates"]["matrix"] == pytest.approx(row["learning_rate"])
        assert row["total_steps"] == 12
    measured = rows[4]
    assert measured["update_ratio"].keys() == {"embedding", "matrix", "norm"}
    assert all(1e-4 < ratio < 1 for ratio in measured["update_ratio"].values())
    assert [len(heads) for heads in measured["attention_logits"]] == [4, 4, 4, 4]
    assert all(math.isfinite(logit) for heads in measured["attention_logits"] for logit in heads)


def test_measuring_does_not_change_what_is_trained(train, make_recipe, outcome, tmp_path):
    for every in (0, 1):
        train(make_recipe({"train.detail_every": every}), tmp_path / str(every))
    assert outcome(tmp_path / "0")[:3] == outcome(tmp_path / "1")[:3]


def test_every_groups_rate_has_a_name(make_model):
    model = make_model()
    optimizers = build_optimizers(model, Optimizer(learning_rate=0.5, embedding_learning_rate=0.25))
    assert learning_rates(optimizers) == {"matrix": 0.5, "embedding": 0.25, "norm": 0.25}
    twice = torch.optim.SGD([{"params": [p], "role": "matrix"} for p in list(model.parameters())[:2]], lr=1.0)
    assert list(learning_rates([twice])) == ["matrix", "matrix-2"]
