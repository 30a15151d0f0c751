"""Checkpoints: complete or not there, whatever happens while saving."""

import subprocess
import sys
import textwrap

import pytest
import torch

from smollab.optim import build_optimizers
from smollab.recipe import Optimizer
from smollab.train.checkpoint import (
    CheckpointDamaged,
    CheckpointMismatch,
    find_checkpoint,
    list_checkpoints,
    load_checkpoint,
    load_state,
    load_weights,
)
from smollab.train.checkpoint_writer import CheckpointWriter

CONFIGURATION = {"model": {"hidden_size": 32}}


@pytest.fixture
def run(make_model):
    """A model that has taken two steps, and its optimizers."""
    model = make_model()
    optimizers = build_optimizers(model, Optimizer())
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for optimizer in optimizers:
            optimizer.step()
    return model, optimizers


def save(run, folder, step: int, keep: int = 2, keep_best: int = 0, **more):
    """Write a checkpoint, and wait for it."""
    with CheckpointWriter(folder, *run, keep, keep_best) as writer:
        writer.save({"step": step, "configuration": CONFIGURATION} | more)
    return folder / f"step-{step:08d}"


def test_everything_comes_back_in_place(run, make_model, tmp_path):
    path = save(run, tmp_path, 7)
    model = make_model(initializer_range=0.5)
    optimizers = build_optimizers(model, Optimizer())
    assert load_checkpoint(path, model, optimizers, CONFIGURATION)["step"] == 7
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), run[0].parameters(), strict=True))
    for ours, theirs in zip(optimizers, run[1], strict=True):
        states = [list(optimizer.state.values()) for optimizer in (ours, theirs)]
        groups = [[p for g in o.param_groups for p in g["params"]] for o in (ours, theirs)]
        for a, b in zip(*groups, strict=True):
            assert ours.state[a].keys() == theirs.state[b].keys()
            assert all(torch.equal(ours.state[a][slot], theirs.state[b][slot]) for slot in ours.state[a])
        assert len(states[0]) == len(states[1]) > 0
    assert model.lm_head.weight is model.embed_tokens.weight


def test_weights_alone_come_back(run, make_model, tmp_path):
    path, model = save(run, tmp_path, 1), make_model(initializer_range=0.5)
    load_weights(path, model)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), run[0].parameters(), strict=True))


def test_another_configuration_is_refused_before_anything_changes(run, make_model, tmp_path):
    path, model = save(run, tmp_path, 1), make_model()
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(CheckpointMismatch, match=r"model\.hidden_size: 32 there, 64 here"):
        load_checkpoint(path, model, [], {"model": {"hidden_size": 64}})
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_the_newest_are_kept_and_listed_in_order(run, tmp_path):
    for step in (9, 10, 100):
        save(run, tmp_path, step)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000010", "step-00000100"]


def test_an_unfinished_or_incomplete_folder_is_no_checkpoint(run, tmp_path):
    good = save(run, tmp_path, 1)
    (tmp_path / "step-00000002.unfinished").mkdir()
    for file in ("model.safetensors", "optimizer.safetensors", "state.json"):
        (tmp_path / "step-00000003").mkdir(exist_ok=True)
        (tmp_path / "step-00000003" / file).touch()
        if file != "state.json":
            assert list_checkpoints(tmp_path) == [good]


def test_what_a_killed_save_left_is_cleaned_up(run, tmp_path):
    (tmp_path / "step-00000002.unfinished").mkdir(parents=True)
    (tmp_path / "step-00000002.unfinished" / "model.safetensors").write_bytes(b"half")
    save(run, tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["short", "empty", "noise"])
def test_a_torn_file_is_named_with_the_way_out(run, make_model, tmp_path, file, damage):
    path = save(run, tmp_path, 1)
    data = (path / file).read_bytes()
    (path / file).write_bytes({"short": data[: len(data) // 2], "empty": b"", "noise": b"\xff" * len(data)}[damage])
    model = make_model()
    with pytest.raises(CheckpointDamaged) as error:
        load_checkpoint(path, model, build_optimizers(model, Optimizer()), CONFIGURATION)
    assert str(path) in str(error.value)
    assert f"delete the folder {path}" in str(error.value)


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_flipped_bit_is_told_by_name_and_the_checkpoint_before_is_taken(run, tmp_path, capsys, file):
    good, bad = save(run, tmp_path, 1), save(run, tmp_path, 2)
    data = bytearray((bad / file).read_bytes())
    data[-20 if file != "state.json" else data.index(b'"step": 2') + 8] ^= 1  # the last weights; 2 becomes 3
    (bad / file).write_bytes(data)
    found = find_checkpoint(tmp_path, CONFIGURATION)
    assert found == (good, load_state(good))
    told = " ".join(capsys.readouterr().out.split())
    assert f"{bad / file}: damaged (checksum differs)" in told
    assert (tmp_path / "step-00000002.damaged" / file).read_bytes() == data  # for whoever wants to look
    assert list_checkpoints(tmp_path) == [good]


def test_a_run_without_any_sound_checkpoint_says_so_and_then_starts_anew(run, tmp_path):
    path = save(run, tmp_path, 1)
    (path / "optimizer.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointDamaged, match="no checkpoint before it is left, the same command starts anew"):
        find_checkpoint(tmp_path, CONFIGURATION)
    assert find_checkpoint(tmp_path, CONFIGURATION) is None


def test_weights_are_not_loaded_from_a_file_with_a_flipped_bit(run, make_model, tmp_path):
    path, model = save(run, tmp_path, 1), make_model()
    before = [parameter.clone() for parameter in model.parameters()]
    data = bytearray((path / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (path / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointDamaged, match=r"model\.safetensors: damaged \(checksum differs\)"):
        load_weights(path, model)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_the_best_are_kept_beside_the_newest(run, tmp_path):
    scores = {1: 3.0, 2: 1.0, 3: 2.0, 4: None, 5: 4.0, 6: 5.0}
    with CheckpointWriter(tmp_path, *run, keep=1, keep_best=2) as writer:
        for step, score in scores.items():
            writer.save({"step": step} | ({} if score is None else {"bits_per_byte": score}))
    assert [load_state(path)["step"] for path in list_checkpoints(tmp_path)] == [2, 3, 6]


def test_what_is_saved_is_what_was_there_when_save_was_called(run, make_model, tmp_path):
    """The optimizer goes on at once, while a thread writes."""
    model, optimizers = run
    before = [parameter.detach().clone() for parameter in model.parameters()]
    state = {"step": 1, "data": {"web": 7}, "configuration": CONFIGURATION}
    with CheckpointWriter(tmp_path, model, optimizers, keep=1) as writer:
        writer.save(state)
        state["data"]["web"] = 8
        for optimizer in optimizers:
            optimizer.step()
    other = make_model(initializer_range=0.5)
    saved = load_checkpoint(tmp_path / "step-00000001", other, build_optimizers(other, Optimizer()), CONFIGURATION)
    assert saved["data"] == {"web": 7}
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), before, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_weights_of_another_shape_are_named(run, make_model, tmp_path):
    path = save(run, tmp_path, 1)
    with pytest.raises(CheckpointDamaged, match=r"Size mismatch .* for embed_tokens\.weight"):
        load_weights(path, make_model(hidden_size=64))


def test_a_save_that_cannot_finish_leaves_the_last_good_checkpoint(run, tmp_path):
    """A limit on the size of files, in a process of its own, stands for a full disk."""
    good = save(run, tmp_path, 1)
    before = {file.name: file.read_bytes() for file in good.iterdir()}
    assert max(len(data) for data in before.values()) > 100_000
    program = """
        import resource, sys
        from pathlib import Path
        from smollab.model.config import ModelConfig
        from smollab.model.transformer import Transformer
        from smollab.optim import build_optimizers
        from smollab.recipe import Optimizer
        from smollab.train.checkpoint_writer import CheckpointWriter
        shape = dict(vocab_size=200, hidden_size=64, intermediate_size=96, num_hidden_layers=4)
        model = Transformer(ModelConfig(**shape, num_attention_heads=4, num_key_value_heads=2))
        optimizers = build_optimizers(model, Optimizer())
        for parameter in model.parameters():
            parameter.grad = parameter.detach().clone()
        for optimizer in optimizers:
            optimizer.step()
        for limit in (100, 20_000, 100_000, 570_000):  # 545 kB of weights, 598 kB of the optimizer
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            writer = CheckpointWriter(Path(sys.argv[1]), model, optimizers, keep=1)
            writer.save({"step": 2})
            try:
                writer.wait()
            except OSError as error:
                print("OSError:", error)
            writer.save({"step": 2})
            try:
                writer.save({"step": 3})  # the next save tells as well
            except OSError as error:
                print("OSError:", error)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.count("OSError: could not write the checkpoint in") == 8, result
    assert [path.name for path in tmp_path.iterdir()] == [good.name]
    assert {file.name: file.read_bytes() for file in good.iterdir()} == before
