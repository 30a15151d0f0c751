"""Blocks that are computed again or compiled train as they did before; what cannot run is refused in words."""

import shutil
from collections.abc import Callable

import pytest
import torch

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.recipe import Parallel, RecipeError, Train
from smollab.train.blocks import check_blocks, prepare_blocks
from smollab.train.metrics import read_metrics
from smollab.train.step import forward_backward

CONFIG = ModelConfig(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=97,
    qk_norm=True,
)


def gradients(make_recipe: Callable, train: Train) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses of two batches of documents of many lengths, and the gradients of both."""
    model, losses = Transformer(CONFIG, 1), []
    prepare_blocks(model, train)
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randint(97, (4, 33), generator=generator)
        ids = torch.randint(0, 4, (4, 32), generator=generator).sort().values
        batch = Batch(tokens[:, :-1], tokens[:, 1:], torch.arange(32).expand(4, -1), ids)
        losses.append(forward_backward(model, batch, make_recipe(), 2)[0])
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(gradient is not None for gradient in found.values())
    return losses, found


@pytest.mark.parametrize("mode", ["selective", "full"])
def test_what_is_computed_again_gives_the_same_gradients_bit_for_bit(make_recipe, mode):
    plain, again = gradients(make_recipe, Train()), gradients(make_recipe, Train(activation_checkpointing=mode))
    assert again[0] == plain[0]
    assert again[1].keys() == plain[1].keys()  # the names of parameters stay, so do checkpoints
    for name, gradient in plain[1].items():
        assert torch.equal(again[1][name], gradient), name


def saved_bytes(mode: str) -> int:
    """What autograd keeps between the forward and the backward pass, parameters left out; views count once."""
    model = Transformer(CONFIG, 1)
    prepare_blocks(model, Train(activation_checkpointing=mode))
    kept: dict[int, int] = {}
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def keep(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        hidden = model(torch.randint(97, (4, 64)))
    hidden.sum().backward()
    return sum(kept.values())


def test_full_checkpointing_keeps_less():
    """Selective keeps its tensors in a cache of its own, which these hooks do not see: benchmarks/memory.py does."""
    assert saved_bytes("full") < 0.3 * saved_bytes("none")


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a compiler")
@pytest.mark.parametrize("mode", ["none", "full"])
def test_compiled_blocks_compute_the_same_within_rounding(make_recipe, mode):
    plain = gradients(make_recipe, Train())
    compiled = gradients(make_recipe, Train(compile=True, activation_checkpointing=mode))
    assert compiled[0] == pytest.approx(plain[0], abs=1e-5)
    for name, gradient in plain[1].items():
        assert (compiled[1][name] - gradient).abs().max() < 1e-4 * gradient.abs().max(), name


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a compiler")
def test_a_compiled_run_resumes_and_may_go_on_without_compiling(train, make_recipe, tmp_path):
    def losses() -> list[float]:
        return [row["loss"] for row in read_metrics(tmp_path / "metrics.jsonl")]

    def train_again_from_step_8(compiles: bool) -> list[float]:
        shutil.rmtree(tmp_path / "checkpoints" / "step-00000012")  # as if it had been killed before
        train(make_recipe({"train.compile": compiles}), tmp_path)
        return losses()

    train(make_recipe({"train.compile": True}), tmp_path)
    straight = losses()
    assert len(straight) == 12
    assert train_again_from_step_8(compiles=True) == straight  # bit for bit
    assert train_again_from_step_8(compiles=False) == pytest.approx(straight, abs=1e-4)


def test_a_missing_compiler_is_named_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"train.compile needs a C\+\+ compiler.*apt-get install g\+\+.*= false"):
        check_blocks(Train(compile=True))


@pytest.mark.parametrize(
    ("train", "parallel", "named"),
    [
        (Train(compile=True, activation_checkpointing="selective"), None, "selective"),
        (Train(compile=True), Parallel(tensor=2), "parallel.tensor"),
        (Train(compile=True), Parallel(context=2), "parallel.context"),
    ],
)
def test_what_excludes_each_other_is_refused(train, parallel, named):
    with pytest.raises(RecipeError, match=named):
        check_blocks(train, parallel)
