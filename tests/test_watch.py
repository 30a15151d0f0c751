"""`smollab watch` tells how a run is, and draws what it measured."""

import json
import os
import subprocess
import sys
import time

import pytest

from smollab.cli import main
from smollab.train.status import read_status, told_status
from smollab.watch.curves import CURVES, curve, latest
from smollab.watch.state import Watched
from smollab.watch.terminal import braille


def write_run(folder, steps=40, **more):
    """The log of a run, as training writes it."""
    (folder / "pretrain").mkdir(parents=True, exist_ok=True)
    with (folder / "pretrain" / "metrics.jsonl").open("a") as log:
        for step in range(1, steps + 1):
            row = {"step": step, "total_steps": 100, "stage": "first", "loss": 5 - step / 20, "grad_norm": 1.0,
                   "learning_rate": 0.01, "tokens_per_second": 1000.0, "seconds": 0.5}  # fmt: skip
            log.write(json.dumps(row | more) + "\n")
    return folder


def begun(folder, process):
    """The status that a process leaves which is training."""
    status = {"status": "running", "message": "", "process": process, "machine": os.uname().nodename, "began": None}
    (folder / "pretrain" / "status.json").write_text(json.dumps(status))


def test_a_run_that_goes_on_says_how_long_it_will_take(tmp_path):
    write_run(tmp_path)
    with told_status(tmp_path / "pretrain"):
        state = Watched(tmp_path).look()
        assert (state.status, state.words) == ("running", "step 40 of 100, 30 s left")
        assert state.is_well and not state.is_over
    assert Watched(tmp_path).look().status == "finished"


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "stopped"), (RuntimeError("the loss is nan"), "failed")]
)
def test_how_a_run_ended_is_told(tmp_path, error, status):
    write_run(tmp_path)
    with pytest.raises((KeyboardInterrupt, RuntimeError)), told_status(tmp_path / "pretrain"):
        raise error
    state = Watched(tmp_path).look()
    assert state.status == status and state.is_over
    assert ("the loss is nan" in state.words) == (status == "failed")


def test_a_killed_process_is_found_dead_and_the_last_checkpoint_named(tmp_path):
    folder = write_run(tmp_path)
    program = f"""
import time
from pathlib import Path
from smollab.train.status import told_status
with told_status(Path({str(folder / "pretrain")!r})):
    print("training", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "training\n"
    assert read_status(folder / "pretrain")[0] == "running"
    process.kill()
    process.wait()
    (folder / "pretrain" / "checkpoints" / "step-00000030").mkdir(parents=True)
    (folder / "pretrain" / "checkpoints" / "step-00000030" / "state.json").write_text("{}")
    state = Watched(folder).look()
    assert state.status == "dead" and state.is_over
    assert "the last checkpoint is of step 30" in state.words


def test_a_process_with_the_number_of_a_dead_one_is_not_taken_for_it(tmp_path):
    write_run(tmp_path)
    with told_status(tmp_path / "pretrain"):
        status = tmp_path / "pretrain" / "status.json"
        told = json.loads(status.read_text())
        if told["began"] is None:
            pytest.skip("this system does not tell when processes began")
        status.write_text(json.dumps(told | {"began": "1"}))
        assert read_status(tmp_path / "pretrain")[0] == "dead"


def test_a_run_without_steps_for_long_is_stalled(tmp_path, capsys):
    write_run(tmp_path)
    with told_status(tmp_path / "pretrain"):
        old = time.time() - 300
        os.utime(tmp_path / "pretrain" / "metrics.jsonl", (old, old))
        state = Watched(tmp_path).look()
        assert state.status == "stalled" and not state.is_well
        assert "no step for 5 min" in state.words
        with pytest.raises(SystemExit) as ended:
            main(["watch", str(tmp_path), "--once"])
        assert ended.value.code == 1


def test_only_new_rows_are_read_and_those_that_a_resume_cut_are_forgotten(tmp_path):
    log = write_run(tmp_path, steps=10) / "pretrain" / "metrics.jsonl"
    watched = Watched(tmp_path)
    assert len(watched.look().rows) == 10
    with log.open("a") as file:
        file.write('{"step": 11, "lo')  # half a line
    assert len(watched.look().rows) == 10
    with log.open("a") as file:
        file.write('ss": 1.0}\n')
    assert watched.look().rows[-1]["step"] == 11
    shorter = log.with_suffix(".new")
    shorter.write_text("".join(log.read_text().splitlines(keepends=True)[:5]))
    shorter.replace(log)  # as a resumed run does
    assert len(watched.look().rows) == 5


def test_nothing_there_is_said_in_words(tmp_path, capsys):
    assert Watched(tmp_path).look().words == "nothing has been trained yet"
    assert main(["watch", str(tmp_path / "nowhere")]) == 1
    assert "no such run" in capsys.readouterr().err


def test_the_picture_has_every_curve_and_the_last_numbers(tmp_path, capsys):
    more = {
        "update_ratio": {"matrix": 0.001},
        "attention_logits": [[1.0, 2.0], [7.5, None]],
        "mfu": 0.5,
        "memory": 2**30,
    }
    write_run(tmp_path, **more, learning_rates={"matrix": 0.01}, held_out={"web": 1.25}, data_wait=0.05)
    with told_status(tmp_path / "pretrain"):
        pass
    assert main(["watch", str(tmp_path), "--once"]) == 0
    shown = capsys.readouterr().out
    for words in (*CURVES, "finished", "step 40", "1.250 bits per byte", "7.5 (layer 1, head 0)", "10.0% of a step"):
        assert words in shown


def test_curves_leave_out_what_is_not_there():
    rows = [{"step": 1, "loss": 1.0}, {"step": 2, "loss": float("nan")}, {"step": 3, "attention_logits": [[None, 2.0]]}]
    assert curve(rows, "loss") == ([1.0], [1.0])
    assert curve(rows, "largest attention logit") == ([3.0], [2.0])
    assert latest([]) == []


def test_a_rising_curve_fills_the_diagonal_of_its_characters():
    assert braille([0, 1, 2, 3], 2, 1) == ["⣠⠞"]  # each column reaches down to the one before
    assert braille([5.0, 5.0], 2, 1) == ["⠉⠉"]
    assert braille([], 2, 1) == ["⠀⠀"]


def test_a_spike_among_many_values_is_drawn_to_its_height():
    values = [0.0] * 1000
    values[500] = 1.0
    lines = braille(values, 10, 4)
    assert any(character != "⠀" for character in lines[0])
