"""All optimizers of the registry: they train, resume to the bit, and equal the references there are."""

import pytest
import torch

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import FOR_ALL, FOR_MATRICES, build_optimizers, check_optimizer
from smollab.optim.attention_logits import largest_logits
from smollab.optim.muonclip import clip_factors
from smollab.optim.normuon import NorMuon
from smollab.recipe import Optimizer, Parallel

NAMES = [*FOR_MATRICES, *FOR_ALL]
RATES = {"lion": 1e-3, "sophia": 2e-3, "soap": 3e-3}
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 61,
    "initializer_range": 0.3,
}


def losses(name: str, steps: int = 25, **settings) -> list[float]:
    """Of a model that learns one batch by heart."""
    from smollab.recipe import load_recipe
    from smollab.tokens.mixture import make_batch
    from smollab.train.step import train_step

    recipe = load_recipe("smoke", {"train.micro_batch_sequences": 4, "train.batch_sequences": 4})
    rows = torch.randint(61, (4, 33), generator=torch.Generator().manual_seed(0)).numpy()
    batch = make_batch([(row, row * 0) for row in rows])
    model = Transformer(ModelConfig(**SHAPE | {"initializer_range": 0.05}), seed=0)
    rate = RATES.get(name, 1e-2)
    optimizers = build_optimizers(model, Optimizer(name=name, learning_rate=rate, **settings))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"]
    return [train_step(model, optimizers, batch, recipe)[0] for _ in range(steps)]


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_lowers_the_loss_and_repeats_itself(name):
    first = losses(name)
    assert first[-1] < first[0] - 0.5
    assert losses(name) == first


@pytest.mark.parametrize("heads, keys", [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("mode", ["exact", "group"])
def test_qk_clip_brings_every_head_to_its_threshold(heads, keys, mode):
    """Kimi K2's post-condition, on the logits of random queries and keys themselves."""
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(40, heads, 8, generator=generator), torch.randn(40, keys, 8, generator=generator)
    query *= torch.linspace(0.2, 3.0, heads)[:, None]
    before = largest_logits(query, key, [25, 15])
    threshold = float(before.median())
    by_query, by_key = clip_factors(before, threshold, keys, mode)
    after = largest_logits(query * by_query[:, None], key * by_key[:, None], [25, 15])
    if mode == "exact":
        torch.testing.assert_close(after, before.clamp(max=threshold))
    else:
        groups = before.view(keys, -1)
        scale = (threshold / groups.amax(dim=1, keepdim=True)).clamp(max=1.0)
        torch.testing.assert_close(after.view(keys, -1), groups * scale)


def test_negative_logits_are_never_clipped():
    query, key = clip_factors(torch.tensor([-5.0, -200.0, 0.0, 50.0]), 100.0, 2, "exact")
    assert torch.equal(query, torch.ones(4)) and torch.equal(key, torch.ones(2))


def test_muonclip_holds_a_model_s_logits_at_its_threshold():
    """With RoPE and NoPE layers: the same batch, after the step, has no logit beyond the threshold."""
    model = Transformer(ModelConfig(**SHAPE), seed=0)
    settings = Optimizer(name="muonclip", learning_rate=1e-9, weight_decay=0.0, logit_threshold=2.0)
    optimizers = build_optimizers(model, settings)
    clip = next(o for o in optimizers if hasattr(o, "logits"))
    tokens = torch.randint(61, (2, 20), generator=torch.Generator().manual_seed(0))

    def forward() -> torch.Tensor:
        """(layers, heads) largest logits of a pass."""
        clip.logits.forget()
        model(tokens).square().mean().backward()
        return clip.measure().clone()

    before = forward()
    assert before.max() > 2
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    first_layer = forward()[0]  # the inputs of later layers have changed with the layers before them
    torch.testing.assert_close(first_layer, before[0].clamp(max=2.0), rtol=1e-3, atol=1e-3)


def test_muonclip_refuses_normalized_queries_and_keys():
    with pytest.raises(ValueError, match="qk_norm"):
        build_optimizers(Transformer(ModelConfig(**SHAPE, qk_norm=True), seed=0), Optimizer(name="muonclip"))


def test_normuon_s_rows_come_to_one_size_and_the_whole_keeps_its_length():
    parameter = torch.nn.Parameter(torch.randn(12, 30, generator=torch.Generator().manual_seed(0)))
    optimizer = NorMuon([parameter], second_momentum=0.5, lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False)
    gradient = torch.randn(12, 30, generator=torch.Generator().manual_seed(1))
    old = parameter.detach().clone()
    for _ in range(30):
        old = parameter.detach().clone()
        parameter.grad = gradient.clone()
        optimizer.step()
    rows = (parameter.detach() - old).norm(dim=1)
    assert rows.std() / rows.mean() < 1e-3
    assert optimizer.state[parameter]["row_moment"].shape == (12, 1)


def test_muon_equals_pytorch_optimizer_s():
    """With the same coefficients, scale and momentum; theirs iterates in bfloat16."""
    pytorch_optimizer = pytest.importorskip("pytorch_optimizer")
    from smollab.optim import Muon

    moves = []
    for make in (
        lambda p: Muon([p], lr=0.1, weight_decay=0.0, momentum=0.95, scale="original"),
        lambda p: pytorch_optimizer.Muon(
            [{"params": [p], "use_muon": True}], lr=0.1, weight_decay=0.0, momentum=0.95, use_adjusted_lr=False
        ),
    ):
        parameter = torch.nn.Parameter(torch.zeros(24, 40))
        optimizer = make(parameter)
        generator = torch.Generator().manual_seed(0)
        for _ in range(3):
            parameter.grad = torch.randn(24, 40, generator=generator)
            optimizer.step()
        moves.append(parameter.detach().clone())
    ours, theirs = moves
    assert torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.995


@pytest.mark.parametrize("name", ["soap", "schedule_free_adamw", "sophia"])
def test_what_a_run_cannot_use_yet_is_refused_before_it(name):
    with pytest.raises(ValueError, match=rf"{name}.*not finished"):
        check_optimizer(Optimizer(name=name), Parallel())


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pytorch_optimizer", None)
    with pytest.raises(ImportError, match=r"smollab\[optimizers\]"):
        build_optimizers(Transformer(ModelConfig(**SHAPE), seed=0), Optimizer(name="lion"))


@pytest.mark.parametrize("name", ["muon", "normuon", "adamw"])
def test_a_copy_goes_on_as_the_original(name):
    import copy

    model = Transformer(ModelConfig(**SHAPE), seed=0)
    pair = (model, build_optimizers(model, Optimizer(name=name, learning_rate=1e-2)))
    results = []
    for trained, optimizers in (copy.deepcopy(pair), pair):
        for number in range(2):
            for index, parameter in enumerate(trained.parameters()):
                generator = torch.Generator().manual_seed(10 * number + index)
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            for optimizer in optimizers:
                optimizer.step()
        results.append([parameter.detach() for parameter in trained.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
