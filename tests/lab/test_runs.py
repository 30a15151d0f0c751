"""Opening a run: the preferred one if it is finished, otherwise a small recipe, quietly."""

import pytest

from smollab.lab import runs
from smollab.lab.runs import open_run


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
