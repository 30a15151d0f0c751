"""muP and CompleteP: the rules of the papers, the package `mup`, and that a model can be folded into a plain one."""

import math
from dataclasses import replace

import pytest
import torch

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.decoder import Decoder
from smollab.model.folding import fold_multipliers
from smollab.model.generate import generate_batch
from smollab.model.huggingface import load_huggingface, save_huggingface
from smollab.model.parametrization import (
    Multipliers,
    epsilon_factor,
    learning_rate_factor,
    multipliers,
    part_of,
    weight_decay_factor,
)
from smollab.model.sampling import GREEDY
from smollab.model.transformer import Transformer, initial_values
from smollab.optim import build_optimizers, parameter_groups
from smollab.recipe import Model, Optimizer
from smollab.scaling.shapes import at_depth, at_width

BASE = Model(hidden_size=32, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
MUP = {"parametrization": "mup", "base_hidden_size": 32}
COMPLETEP = {"parametrization": "completep", "base_hidden_size": 32, "base_num_hidden_layers": 2}
MUP_PACKAGE = {32: (0.01, 0.1, 0.02, 1.0), 128: (0.0025, 0.4, 0.01, 4.0), 512: (0.000625, 1.6, 0.005, 16.0)}
"""Width -> learning rate, weight decay and initial deviation of every matrix inside the blocks, and the readout's
`width_mult`; all other parameters have rate 0.01, decay 0.1, and embedding and readout deviation 0.02.

Made with `mup` 1.0.0 (PyPI): a module with the very parameters of our Transformer, tied (`MuSharedReadout`) and not
(`MuReadout`), `set_base_shapes` with base width 32 and delta 64, `mup.init.normal_(p, std=0.02)`, and
`MuAdamW(lr=0.01, weight_decay=0.1)`. The package needs torchvision, so it is no dependency of the tests.
"""


def wide(width: int, vocab_size: int = 320, **settings: object) -> ModelConfig:
    return ModelConfig.from_recipe(replace(at_width(BASE, width), **settings), vocab_size)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("width", MUP_PACKAGE)
def test_rates_decays_and_deviations_are_those_of_the_package_mup(width, tied):
    rate, decay, deviation, width_mult = MUP_PACKAGE[width]
    config = wide(width, **MUP, initialization="normal", tie_word_embeddings=tied)
    model = Transformer(config)
    settings = Optimizer(name="adamw", learning_rate=0.01, weight_decay=0.1, decay_embeddings=True)
    names = {parameter: name for name, parameter in model.named_parameters()}
    seen = set()
    for group in parameter_groups(model, settings):
        for parameter in group["params"]:
            name = names[parameter]
            inside = part_of(name) == "matrix"
            assert group["lr"] == group["peak_lr"] == pytest.approx(rate if inside else 0.01)
            assert group["weight_decay"] == pytest.approx(decay if inside else 0.1)
            assert "eps" not in group
            if parameter.ndim == 2:
                of_mean = 4 / math.sqrt(2 * parameter.numel())
                assert parameter.std().item() == pytest.approx(deviation if inside else 0.02, rel=of_mean)
            seen.add(name)
    assert seen == set(names.values())
    assert multipliers(config).hidden == 1 / width_mult


@pytest.mark.parametrize("settings", [MUP, COMPLETEP])
def test_at_the_base_size_nothing_changes(settings, random_tokens):
    plain, scaled = ModelConfig.from_recipe(BASE, 97), ModelConfig.from_recipe(replace(BASE, **settings), 97)
    models = Transformer(plain, seed=3), Transformer(scaled, seed=3)
    tokens = random_tokens(2, 9)
    torch.testing.assert_close(models[0](tokens), models[1](tokens), rtol=0, atol=0)
    keys = ("role", "lr", "weight_decay")
    for name in ("adamw", "muon"):
        groups = [[[g[k] for k in keys] for g in parameter_groups(m, Optimizer(name=name))] for m in models]
        assert groups[0] == groups[1]


def test_completep_follows_its_table():
    """Dey et al. 2025, table 1, at four times the base's width and eight times its depth."""
    config = replace(wide(128), **COMPLETEP, num_hidden_layers=16)
    assert multipliers(config) == Multipliers(embedding=1, query=1, residual=1 / 8, hidden=1 / 4)
    assert learning_rate_factor(config, "matrix", "entrywise") == 1 / 4  # alpha = 1: none in depth
    assert learning_rate_factor(config, "norm", "entrywise") == 1
    assert weight_decay_factor(config, "matrix", "entrywise") == 4
    assert epsilon_factor(config, "matrix") == epsilon_factor(config, "norm") == 1 / 4 / 8
    assert epsilon_factor(config, "embedding") == epsilon_factor(config, "final_norm") == 1 / 4
    half = replace(config, depth_alpha=0.5)
    assert multipliers(half).residual == pytest.approx(8**-0.5)
    assert learning_rate_factor(half, "matrix", "entrywise") == pytest.approx(8**-0.5 / 4)
    assert learning_rate_factor(half, "norm", "entrywise") == pytest.approx(8**-0.5)
    assert learning_rate_factor(half, "final_norm", "entrywise") == 1
    assert weight_decay_factor(half, "matrix", "entrywise") == 4


def test_completeps_groups_reach_the_optimizers():
    model = Transformer(replace(wide(64), **COMPLETEP, num_hidden_layers=4, depth_alpha=0.5))
    muon, adamw = build_optimizers(model, Optimizer(learning_rate=1.0, weight_decay=0.1, eps=1e-8))
    (matrices,) = muon.param_groups
    assert matrices["lr"] == pytest.approx(2**-0.5 * 2**-0.5)
    assert matrices["weight_decay"] == pytest.approx(0.1 * 2**0.5)
    found = {(g["role"], round(g["lr"], 6), g["eps"]) for g in adamw.param_groups}
    depth = round(2**-0.5, 6)
    inside = pytest.approx(1e-8 / 2 * 2**-0.5)
    assert {(role, rate) for role, rate, _ in found} == {("embedding", 1.0), ("norm", 1.0), ("norm", depth)}
    assert all(eps == (inside if rate == depth else pytest.approx(5e-9)) for _, rate, eps in found)


def test_muons_step_has_the_same_spectral_norm_at_every_width():
    """The spectral condition: a step changes what a layer gives by as much, however many channels it adds up."""
    norms = []
    for width in (32, 128):
        model = Transformer(wide(width, **MUP), seed=0)
        muon, _ = build_optimizers(model, Optimizer(learning_rate=0.1, weight_decay=0.0))
        weight = model.layers[0].mlp.up_proj.weight
        before, generator = weight.detach().clone(), torch.Generator().manual_seed(1)
        weight.grad = torch.randn(weight.shape, generator=generator)
        muon.step()
        norms.append(torch.linalg.matrix_norm(weight.detach() - before, ord=2).item())
    assert norms[1] == pytest.approx(norms[0], rel=0.1)  # Newton-Schulz leaves singular values near one, not at it


@pytest.mark.parametrize(
    "changes",
    [
        MUP,
        COMPLETEP | {"embedding_multiplier": 3.0, "output_multiplier": 0.7},
        COMPLETEP | {"tie_word_embeddings": False, "attention_bias": True, "base_head_dim": 2},
        MUP | {"base_head_dim": 2, "qk_norm": True, "norm": "layernorm", "embedding_multiplier": 0.5},
        COMPLETEP | {"norm_placement": "post", "mlp": "relu2", "logit_softcap": 5.0, "output_multiplier": 2.0},
        {"embedding_multiplier": 4.0},
    ],
)
def test_folding_changes_weights_but_not_the_function(changes, make_model, random_tokens):
    config = replace(wide(64, 97), **changes, num_hidden_layers=4)
    model = make_model(**{name: getattr(config, name) for name in config.__dataclass_fields__})
    folded, tokens = fold_multipliers(model), random_tokens(2, 12)
    assert folded.config.parametrization == "standard"
    assert multipliers(folded.config) == Multipliers(embedding=1, query=1, residual=1, hidden=1)
    assert (folded.lm_head.weight is folded.embed_tokens.weight) == config.tie_word_embeddings
    expected = model.logits(model(tokens))
    torch.testing.assert_close(folded.logits(folded(tokens)), expected, rtol=1e-5, atol=1e-5)
    unfolded = Transformer(folded.config)  # the weights as they were, without the multipliers: another function
    unfolded.load_state_dict(model.state_dict())
    assert not torch.allclose(unfolded.eval().logits(unfolded(tokens)), expected, atol=1e-3)


def test_a_plain_model_is_not_copied(make_model):
    model = make_model()
    assert fold_multipliers(model) is model


def test_transformers_computes_the_same_from_the_export(tmp_path, make_model, random_tokens):
    from transformers import AutoModelForCausalLM

    model = make_model(**COMPLETEP, embedding_multiplier=2.0, hidden_size=64, num_hidden_layers=5)
    save_huggingface(model, tmp_path)
    theirs, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(theirs).__name__ == "SmolLM3ForCausalLM"
    assert not info["missing_keys"] and not info["unexpected_keys"]
    tokens = random_tokens(2, 16)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(tokens).logits, model.logits(model(tokens)), rtol=1e-4, atol=1e-4)
    ours = load_huggingface(tmp_path).eval()
    assert Decoder.supports(ours)
    torch.testing.assert_close(ours.logits(ours(tokens)), model.logits(model(tokens)), rtol=1e-4, atol=1e-4)


def test_generation_with_a_cache_is_that_of_the_whole_text(make_model, random_tokens):
    model = make_model(**COMPLETEP, base_head_dim=2, embedding_multiplier=2.0)
    assert not Decoder.supports(model)  # which knows no multipliers
    prompts = [random_tokens(7), random_tokens(4, seed=1)]
    written = list(generate_batch(model, prompts, 6, GREEDY))
    for row, prompt in enumerate(prompts):
        tokens = prompt
        for step in written:
            assert step[row] == int(model.logits(model(tokens[None])[0, -1]).argmax())
            tokens = torch.cat([tokens, torch.tensor([step[row]])])


def test_a_wider_head_scales_attention_by_one_over_its_channels(random_tokens):
    config = replace(wide(64, 97, **MUP), head_dim=16, num_attention_heads=4, num_key_value_heads=2, base_head_dim=8)
    model = Transformer(config)
    attention, seen = model.layers[0].self_attn, {}
    attention.q_proj.register_forward_hook(lambda _, inputs, output: seen.update(query=output))

    class Watching(KVCache):
        def attend(self, layer, query, key, value, new, window=None):
            seen.setdefault("scaled", query)
            return super().attend(layer, query, key, value, new, window)

    model(random_tokens(1, 1), cache=Watching(config, 1, 1))  # the token at position 0, where RoPE does not turn
    # sqrt(8) / 16 at 16 channels, 1 / sqrt(8) at the base's 8; SDPA itself divides by sqrt(16)
    torch.testing.assert_close(seen["scaled"].flatten(), seen["query"].flatten() * math.sqrt(8 / 16))


def test_initial_values_under_completep_take_the_bases_depth():
    deep = replace(wide(32), **COMPLETEP, num_hidden_layers=8, initialization="depth_scaled")
    values = dict(initial_values(Transformer(deep), 0, torch.device("cpu")))
    assert values["layers.7.mlp.down_proj.weight"].std().item() == pytest.approx(0.02 / math.sqrt(2 * 2), rel=0.05)


def test_wider_and_deeper_models_keep_their_proportions():
    wider = at_width(replace(BASE, **MUP), 128)
    assert (wider.num_attention_heads, wider.num_key_value_heads, wider.intermediate_size) == (16, 8, 384)
    assert wider.head_width == BASE.head_width == 8
    assert at_depth(replace(BASE, nope_layers=(1,)), 5).num_hidden_layers == 5
    with pytest.raises(ValueError, match="width 40: num_key_value_heads"):
        at_width(BASE, 40)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parametrization": "mup"}, "parametrization = 'mup' needs base_hidden_size"),
        ({"parametrization": "completep", "base_hidden_size": 8}, "'completep' needs base_num_hidden_layers"),
        ({"base_hidden_size": 8}, "base_hidden_size has no meaning for parametrization = 'standard'"),
        (MUP | {"base_num_hidden_layers": 2}, "base_num_hidden_layers has no meaning for parametrization = 'mup'"),
        (MUP | {"base_hidden_size": 0}, "base_hidden_size (0) must be at least 1"),
        (COMPLETEP | {"depth_alpha": 2.0}, "depth_alpha (2.0) must be from 0.5 to 1"),
        ({"output_multiplier": 0.0}, "output_multiplier (0.0) must be above 0"),
        ({"embedding_multiplier": math.nan}, "embedding_multiplier (nan) must be above 0"),
        ({"parametrization": "mupp"}, "parametrization ('mupp') must be one of standard, mup, completep"),
        ({"mlp": "swish"}, "mlp ('swish') must be one of swiglu, geglu, gelu, relu, relu2"),
        ({"norm": "none"}, "norm ('none') must be one of rmsnorm, layernorm, batchnorm"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValueError) as error:
        replace(BASE, **changes)
    assert message in str(error.value)


def test_an_optimizer_without_a_rule_is_refused():
    model = Transformer(wide(64, **MUP))
    settings = Optimizer()
    object.__setattr__(settings, "name", "sgd")
    with pytest.raises(ValueError, match=r"has no rule for optimizer\.name = 'sgd'; use one of adamw, muon"):
        parameter_groups(model, settings)
