"""Opening a run: the preferred one if it is finished, otherwise a small recipe, quietly."""

import pytest

from smollab.lab import runs
from smollab.lab.runs import open_run
from smollab.recipe import load_recipe


@pytest.fixture
def calls(monkeypatch):
    """Record what would be run and loaded."""
    made = []
    monkeypatch.setattr(runs, "run_recipe", lambda recipe, folder: (made.append(("run", folder)), print("progress")))
    monkeypatch.setattr(runs.Run, "load", classmethod(lambda cls, folder: made.append(("load", folder))))
    return made


def test_finished_run_is_opened_and_nothing_is_run(tmp_path, calls, capsys):
    (tmp_path / "laptop").mkdir()
    (tmp_path / "laptop" / "report.html").touch()
    open_run(runs=tmp_path)
    assert calls == [("load", tmp_path / "laptop")]
    assert capsys.readouterr().out == "Opened runs/laptop, the main job you ran before.\n"


def test_unfinished_run_is_not_touched_and_the_small_recipe_runs_without_its_progress(tmp_path, calls, capsys):
    (tmp_path / "laptop").mkdir()
    open_run(runs=tmp_path)
    assert calls == [("run", tmp_path / "smoke"), ("load", tmp_path / "smoke")]
    text = capsys.readouterr().out
    assert "'smoke' is run instead" in text
    assert "progress" not in text


def test_environment_names_the_folder_of_runs(tmp_path, calls, monkeypatch):
    monkeypatch.setenv("SMOLLAB_RUNS", str(tmp_path))
    open_run()
    assert calls[-1] == ("load", tmp_path / "smoke")


@pytest.fixture
def run(tmp_path):
    """A run of which only the log and the counts of tokens are there."""
    recipe = load_recipe("smoke")
    names = ["stable"] * 6 + ["stable, with code"] * 4 + ["decay"] * 4
    metrics = [
        {
            "step": i + 1,
            "stage": name,
            "sources": {"web": 5, "code": 3} if i < 10 else {"web-fr": 8},
            "sequence_length": 128,
        }
        for i, name in enumerate(names)
    ]
    tokens = {"web-fr": {"train_tokens": 1000}, "web-en": {"train_tokens": 500}, "code-code": {"train_tokens": 64}}
    return runs.Run("smoke", tmp_path, recipe, None, tokens, metrics, {}, None, None)


def test_passes_count_what_each_name_of_a_mixture_could_and_did_read(run):
    assert run.passes() == {
        "web": (1500, 50 * 128),
        "web-fr": (1000, 32 * 128),
        "code": (64, 30 * 128),
    }


def test_stages_begin_where_the_log_changes(run):
    assert run.stages() == {"stable": 1, "stable, with code": 7, "decay": 11}


def test_planned_rates_follow_the_schedule(run):
    rates = run.planned_learning_rates()
    peak = run.recipe.optimizer.learning_rate
    assert rates[0] == pytest.approx(peak / 2), "two steps of warmup"
    assert rates[1:11] == pytest.approx([peak] * 10)
    assert rates[11:] == pytest.approx([0.75 * peak, 0.5 * peak, 0.25 * peak])


def test_momentum_of_a_matrix_and_of_what_has_none(tmp_path, run):
    import torch
    from safetensors.torch import save_file

    checkpoint = tmp_path / "pretrain" / "checkpoints" / "step-00000014"
    checkpoint.mkdir(parents=True)
    for name in ("state.json", "model.safetensors"):
        (checkpoint / name).touch()
    save_file({"a.weight/momentum_buffer": torch.eye(2)}, checkpoint / "optimizer.safetensors")
    assert torch.equal(run.momentum("a.weight"), torch.eye(2))
    with pytest.raises(KeyError, match="not trained with Muon"):
        run.momentum("b.weight")
