"""The panel that watches a run shows what `smollab watch` shows, and follows it."""

import json

from smollab.lab.panels import WatchPanel
from smollab.train.status import told_status


def write_rows(folder, steps):
    with (folder / "pretrain" / "metrics.jsonl").open("a") as log:
        for step in steps:
            row = {"step": step, "total_steps": 50, "loss": 5 - step / 20, "grad_norm": 1.0, "learning_rate": 0.1,
                   "tokens_per_second": 100.0}  # fmt: skip
            log.write(json.dumps(row) + "\n")


def test_the_panel_draws_what_is_there_and_follows_until_the_end(tmp_path):
    (tmp_path / "pretrain").mkdir()
    with told_status(tmp_path / "pretrain"):
        write_rows(tmp_path, range(1, 11))
        panel = WatchPanel(tmp_path, every=0.05)
        before = panel.picture
        assert panel.readout.startswith("running: step 10 of 50")
        write_rows(tmp_path, range(11, 51))
    state = panel.wait(seconds=60)
    assert state.status == "finished" and len(state.rows) == 50
    panel.refresh()
    assert panel.readout.startswith("finished: step 50 of 50") and "loss 2.500" in panel.readout
    assert panel.picture != before
    assert "image/png" in panel._repr_mimebundle_()[0]


def test_a_panel_that_is_stopped_looks_no_more(tmp_path):
    (tmp_path / "pretrain").mkdir()
    with told_status(tmp_path / "pretrain"):
        panel = WatchPanel(tmp_path, every=0.01)
        panel.stop()
        panel._thread.join(10)
        assert not panel._thread.is_alive()
        assert panel.readout.startswith("running: training begins")
