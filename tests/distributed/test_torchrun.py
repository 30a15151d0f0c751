"""`torchrun -m smollab.train`: the same run in several processes; killed, and gone on with in other numbers."""

import os
import shutil
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
    shutil.copytree(alone, folder)
    shutil.rmtree(folder / "pretrain")
    for left in (folder / "manifests" / "pretrain.json", folder / ".workflow" / "pretrain.json"):
        left.unlink()
    return folder


@pytest.fixture(scope="module")
def together(alone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in two processes."""
    folder = copy_of_tokens(alone, tmp_path_factory.mktemp("together") / "run")
    finish(start(2, folder, "parallel.tensor=2"))
    return folder


@pytest.fixture(scope="module")
def killed(alone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in two processes, one of which is killed as soon as there is a checkpoint."""
    folder = copy_of_tokens(alone, tmp_path_factory.mktemp("killed") / "run")
    run = start(2, folder, "parallel.tensor=2")
    checkpoints = folder / "pretrain" / "checkpoints"
    deadline = time.monotonic() + 300
    while not list_checkpoints(checkpoints) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    ranks = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(ranks[-1]), signal.SIGKILL)
    output, _ = run.communicate(timeout=300)
    assert run.returncode != 0
    assert "exitcode  : -9" in output  # torchrun names it
    assert "another process of this run has ended" in output  # what the other says
    return folder


def finish(run: subprocess.Popen[str]) -> str:
    """Wait for the end of a run that should succeed; returns what it said."""
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    return output


def losses(folder: Path) -> list[float]:
    """Of every step."""
    rows = read_metrics(folder / "pretrain" / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 15))
    return [row["loss"] for row in rows]


def test_two_processes_train_as_one(alone: Path, together: Path) -> None:
    assert losses(together) == pytest.approx(losses(alone), abs=LOSS_DIFFERENCE)


def test_a_run_whose_rank_was_killed_goes_on_bit_for_bit(killed: Path, together: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(killed, folder)
    assert "continuing after step" in finish(start(2, folder, "parallel.tensor=2"))
    assert losses(folder) == losses(together)


def test_another_layout_goes_on_with_it(killed: Path, alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(killed, folder)
    finish(start(2, folder, "parallel.pipeline=2", "train.micro_batch_sequences=1"))
    assert losses(folder) == pytest.approx(losses(alone), abs=LOSS_DIFFERENCE)
    last = [list_checkpoints(run / "pretrain" / "checkpoints")[-1] for run in (alone, folder)]
    whole = load_file(last[0] / "model.safetensors")
    parts = {name: tensor for file in last[1].glob("model*.safetensors") for name, tensor in load_file(file).items()}
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
