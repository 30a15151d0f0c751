"""Which parameter gets which optimizer, learning rate and weight decay."""

import pytest
import torch

from smollab.optim import Muon, build_optimizers, parameter_groups
from smollab.recipe import Optimizer


def names_by_role(model) -> dict[str, set[str]]:
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, Optimizer())
    return {group["role"]: {names[p] for p in group["params"]} for group in groups}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_every_parameter_is_in_exactly_one_group(make_model, tied, optimizer):
    model = make_model(tie_word_embeddings=tied)
    optimizers = build_optimizers(model, Optimizer(name=optimizer))
    owned = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(owned) == sorted(id(p) for p in model.parameters())
    assert len(set(owned)) == len(owned)


def test_roles(make_model):
    roles = names_by_role(make_model(tie_word_embeddings=False))
    assert (roles["embedding"], roles["head"]) == ({"embed_tokens.weight"}, {"lm_head.weight"})
    attention = [f"self_attn.{letter}_proj" for letter in "qkvo"]
    matrices = [*attention, "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    assert roles["matrix"] == {f"layers.{i}.{name}.weight" for i in range(5) for name in matrices}
    norms = {f"layers.{i}.{name}.weight" for i in range(5) for name in ("input_layernorm", "post_attention_layernorm")}
    assert roles["norm"] == norms | {"norm.weight"}


def test_embeddings_are_not_decayed_and_norms_are_as_in_smollm3(make_model):
    groups = parameter_groups(make_model(), Optimizer(weight_decay=0.3))
    assert {group["role"]: group["weight_decay"] for group in groups} == {"matrix": 0.3, "embedding": 0.0, "norm": 0.3}


def test_rates_of_matrices_and_of_the_rest(make_model):
    rates = lambda **settings: {
        g["role"]: (g["lr"], g["peak_lr"]) for g in parameter_groups(make_model(), Optimizer(**settings))
    }
    assert set(rates(learning_rate=0.5).values()) == {(0.5, 0.5)}
    apart = rates(learning_rate=0.5, embedding_learning_rate=0.1)
    assert apart == {"matrix": (0.5, 0.5), "embedding": (0.1, 0.1), "norm": (0.1, 0.1)}
    assert rates(learning_rate=0.5, embedding_learning_rate=0.0)["embedding"] == (0.0, 0.0)


def test_muon_gets_only_the_matrices_inside_the_blocks(make_model):
    model = make_model()
    muon, adamw = build_optimizers(model, Optimizer(name="muon", momentum=0.7, newton_schulz_steps=3))
    assert isinstance(muon, Muon) and isinstance(adamw, torch.optim.AdamW)
    names = {parameter: name for name, parameter in model.named_parameters()}
    assert all("proj" in names[p] for group in muon.param_groups for p in group["params"])
    assert {group["role"] for group in adamw.param_groups} == {"embedding", "norm"}
    assert (muon.param_groups[0]["momentum"], muon.param_groups[0]["steps"]) == (0.7, 3)


def test_the_recipes_settings_reach_adamw(make_model):
    (adamw,) = build_optimizers(make_model(), Optimizer(name="adamw", betas=(0.8, 0.99), eps=1e-5, weight_decay=0.2))
    assert all((g["betas"], g["eps"]) == ((0.8, 0.99), 1e-5) for g in adamw.param_groups)
    assert {g["role"]: g["weight_decay"] for g in adamw.param_groups} == {"matrix": 0.2, "embedding": 0.0, "norm": 0.2}
