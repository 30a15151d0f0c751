"""`torchrun -m smollab.train`: the same run in several processes; killed, and gone on with in other numbers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from smollab.cli import main
from smollab.train.checkpoint import list_checkpoints
from smollab.train.metrics import read_metrics

LOSS_DIFFERENCE, WEIGHT_DIFFERENCE = 1e-4, 1e-3


def start(processes: int, folder: Path, *settings: str) -> subprocess.Popen[str]:
    """Train the smoke recipe's model under torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["-m", "smollab.train", "smoke", "--run-folder", str(folder), "--set", "train.checkpoint_every=2"]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert main(["pretrain", "smoke", "--run", str(folder), "--set", "train.checkpoint_every=2"]) == 0
    return folder


def copy_of_tokens(alone: Path, folder: Path) -> Path:
    """A folder in which everything before pretraining is done."""
    import shutil

    shutil.copytree(alone, folder)
    shutil.rmtree(folder / "pretrain")
    for left in (folder / "manifests" / "pretrain.json", folder / ".workflow" / "pretrain.json"):
        left.unlink()
    return folder


def test_a_killed_rank_ends_the_others_and_another_layout_goes_on(alone: Path, tmp_path: Path) -> None:
    folder = copy_of_tokens(alone, tmp_path / "run")
    together = start(2, folder, "parallel.tensor=2")
    checkpoints = folder / "pretrain" / "checkpoints"
    deadline = time.monotonic() + 300
    while not list_checkpoints(checkpoints) and together.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    ranks = subprocess.run(["pgrep", "-P", str(together.pid)], capture_output=True, text=True).stdout.split()
    os.kill(int(ranks[-1]), signal.SIGKILL)
    output, _ = together.communicate(timeout=300)
    assert together.returncode != 0
    assert "SIGKILL" in output or "exitcode  : -9" in output
    saved = list_checkpoints(checkpoints)
    assert saved
    assert int(saved[-1].name.removeprefix("step-")) < 14  # it did not get to the end

    continued = start(2, folder, "parallel.pipeline=2", "train.micro_batch_sequences=1")
    output, _ = continued.communicate(timeout=300)
    assert continued.returncode == 0, output
    assert "continuing after step" in output
    expected, found = (read_metrics(run / "pretrain" / "metrics.jsonl") for run in (alone, folder))
    assert [row["step"] for row in found] == [row["step"] for row in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(ours["loss"] - theirs["loss"]) < LOSS_DIFFERENCE
        assert ours["sources"] == theirs["sources"]
    whole = load_file(list_checkpoints(alone / "pretrain" / "checkpoints")[-1] / "model.safetensors")
    parts = {}
    for file in list_checkpoints(checkpoints)[-1].glob("model*.safetensors"):
        parts |= load_file(file)
    assert parts.keys() == whole.keys()
    for name, tensor in whole.items():
        assert (parts[name] - tensor).abs().max() < WEIGHT_DIFFERENCE * tensor.abs().max(), name
    # Whoever has one process evaluates what several trained.
    assert main(["evaluate", "smoke", "--run", str(folder), "--set", "train.checkpoint_every=2"]) == 0


def test_the_wrong_number_of_processes_is_refused_before_any_work(tmp_path: Path) -> None:
    wrong = start(2, tmp_path / "run", "parallel.tensor=4")
    output, _ = wrong.communicate(timeout=300)
    assert wrong.returncode != 0
    assert "torchrun --nproc-per-node 4" in output
    assert not (tmp_path / "run" / "curate").exists()


def test_one_process_is_told_how_to_start_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "smoke", "--run", str(tmp_path / "run"), "--set", "parallel.shard=2"]) == 1
    assert "torchrun --nproc-per-node N -m smollab.train smoke" in capsys.readouterr().err
