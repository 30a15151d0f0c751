"""Every optimizer through the real loop: a run that was stopped ends bit for bit as one that was not."""

import pytest

from smollab.train import loop


@pytest.mark.parametrize(
    "name, cautious", [("muonclip", False), ("normuon", False), ("lion", True)], ids=["muonclip", "normuon", "lion"]
)
def test_a_stopped_run_goes_on_bit_for_bit(train, make_recipe, outcome, tmp_path, monkeypatch, name, cautious):
    if name == "lion":
        pytest.importorskip("pytorch_optimizer")
    changes = {"optimizer.name": name, "optimizer.cautious_weight_decay": cautious, "optimizer.logit_threshold": 0.05}
    recipe, real, taken = make_recipe(changes), loop.train_step, []
    train(recipe, tmp_path / "whole")

    class Crash(Exception):
        pass

    def until_crash(*arguments):
        if len(taken) == 6:
            raise Crash
        taken.append(1)
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(loop, "train_step", until_crash)
        train(recipe, tmp_path / "stopped")
    train(recipe, tmp_path / "stopped")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
