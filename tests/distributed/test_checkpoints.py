"""Checkpoints of many layouts: each reads every other's, to the bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch.distributed import checkpoint as dcp

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.train.checkpoint import list_checkpoints, load_checkpoint, load_state
from smollab.train.checkpoint_writer import CheckpointWriter

from .reshard_checkpoints import CONFIGURATION, OPTIMIZER, SHAPE

SCRIPT = Path(__file__).with_name("reshard_checkpoints.py")
CHAINS = {
    2: ["tensor=2", "shard=2", "pipeline=2", "data=2"],
    4: ["shard=2,tensor=2", "shard=4", "pipeline=2,tensor=2", "data=2,shard=2", "pipeline=2,stages_per_rank=2,shard=2"],
}


def build() -> tuple[Transformer, list[torch.optim.Optimizer]]:
    model = Transformer(ModelConfig(**SHAPE), seed=0)
    return model, build_optimizers(model, OPTIMIZER)


def tensors(model: Transformer, optimizers: list[torch.optim.Optimizer]) -> dict[str, bytes]:
    """Name -> bits of all that a checkpoint holds."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    held = {name: parameter.detach() for parameter, name in names.items()}
    for optimizer in optimizers:
        for parameter, slots in optimizer.state.items():
            held |= {f"{names[parameter]}/{slot}": value for slot, value in slots.items()}
    return {name: value.numpy().tobytes() for name, value in held.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of one process, handed on by two processes and by four."""
    place = tmp_path_factory.mktemp("checkpoints")
    model, optimizers = build()
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for optimizer in optimizers:
            optimizer.step()
    with CheckpointWriter(place / "alone", model, optimizers, keep=1) as writer:
        writer.save({"step": 2, "configuration": CONFIGURATION})
    for processes, chain in CHAINS.items():
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        before = "alone" if processes == 2 else CHAINS[2][-1]
        result = subprocess.run(
            [*command, str(SCRIPT), str(place), before, *chain],
            capture_output=True,
            text=True,
            timeout=900,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert result.returncode == 0, result.stderr[-4000:]
    return place


@pytest.mark.parametrize("layout", [*CHAINS[2], *CHAINS[4]])
def test_what_any_layout_saved_is_read_by_one_process_bit_for_bit(folder: Path, layout: str) -> None:
    """Each layout loaded what the one before it had saved, so that all pairs of neighbors are tested as well."""
    expected, found = build(), build()
    for name, (model, optimizers) in (("alone", expected), (layout, found)):
        (path,) = list_checkpoints(folder / name)
        load_checkpoint(path, model, optimizers, CONFIGURATION)
    assert len(tensors(*expected)) > 100
    assert tensors(*found) == tensors(*expected)


@pytest.mark.parametrize("layout", ["data=2", "shard=4", "data=2,shard=2"])
def test_every_rank_writes_its_share_and_nothing_is_written_twice(folder: Path, layout: str) -> None:
    (path,) = list_checkpoints(folder / layout)
    (whole,) = list_checkpoints(folder / "alone")
    for kind in ("model", "optimizer"):
        files = sorted(path.glob(f"{kind}-*.safetensors"))
        sizes = []
        for file in files:
            with safe_open(file, framework="pt") as opened:
                sizes.append(sum(opened.get_tensor(name).nbytes for name in list(opened.keys())))
        with safe_open(whole / f"{kind}.safetensors", framework="pt") as opened:
            assert sum(sizes) == sum(opened.get_tensor(name).nbytes for name in list(opened.keys()))
        assert max(sizes) < 2 * sum(sizes) / len(files)
    assert load_state(path)["files"].keys() == {file.name for file in path.glob("*.safetensors")}


def test_no_file_is_pickled_and_pytorchs_own_reader_reads_them(folder: Path) -> None:
    (path,) = list_checkpoints(folder / "shard=2,tensor=2")
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}
    (whole,) = list_checkpoints(folder / "alone")
    with safe_open(whole / "model.safetensors", framework="pt") as opened:
        expected = {name: opened.get_tensor(name) for name in list(opened.keys())}
    read = {name: torch.zeros_like(tensor) for name, tensor in expected.items()}
    dcp.load(read, storage_reader=dcp.HuggingFaceStorageReader(str(path)), no_dist=True)
    assert all(torch.equal(read[name], tensor) for name, tensor in expected.items())
