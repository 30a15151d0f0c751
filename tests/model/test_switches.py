"""Each architectural choice against its formula or an independent implementation, and what each must not change."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from smollab.model.config import ModelConfig
from smollab.model.document_attention import causal_attention, document_attention, document_lengths
from smollab.model.flex_attention import FlexDocuments
from smollab.model.mlp import MLPS
from smollab.model.norms import NORMS
from smollab.model.softcap import softcap
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.recipe import Optimizer

TINY = ModelConfig(vocab_size=31, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
                   num_key_value_heads=1, max_position_embeddings=64)  # fmt: skip
FORMULAS = {
    "swiglu": lambda m, x: (m.gate_proj(x) * torch.sigmoid(m.gate_proj(x)) * m.up_proj(x)) @ m.down_proj.weight.T,
    "geglu": lambda m, x: (normal_cdf(m.gate_proj(x)) * m.gate_proj(x) * m.up_proj(x)) @ m.down_proj.weight.T,
    "gelu": lambda m, x: (normal_cdf(m.up_proj(x)) * m.up_proj(x)) @ m.down_proj.weight.T,
    "relu": lambda m, x: m.up_proj(x).clamp(min=0) @ m.down_proj.weight.T,
    "relu2": lambda m, x: m.up_proj(x).clamp(min=0) ** 2 @ m.down_proj.weight.T,
}


def normal_cdf(x):
    return torch.distributions.Normal(0.0, 1.0).cdf(x)


@pytest.mark.parametrize("name", MLPS)
def test_each_mlp_is_its_formula_and_has_the_same_parameters(name):
    mlp, x = MLPS[name](replace(TINY, mlp=name)), torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mlp(x), FORMULAS[name](mlp, x))
    assert sum(p.numel() for p in mlp.parameters()) == 3 * 12 * 20


def test_layernorm_and_batchnorm_normalize_along_their_own_direction():
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1
    by_token, by_channel = NORMS["layernorm"](6, 1e-6)(x), NORMS["batchnorm"](6, 1e-6)(x)
    torch.testing.assert_close(by_token, (x - x.mean(1, keepdim=True)) / x.std(1, correction=0, keepdim=True))
    torch.testing.assert_close(by_channel, (x - x.mean(0)) / x.std(0, correction=0))


@pytest.mark.parametrize("choices", [{}, {"norm": "layernorm"}, {"norm_placement": "post"}, {"qk_norm": True}], ids=str)
def test_the_future_is_not_seen(make_model, random_tokens, choices):
    model, tokens = make_model(**choices).train(), random_tokens(1, 12)
    changed = tokens.clone()
    changed[0, 8:] = (changed[0, 8:] + 1) % 97
    torch.testing.assert_close(model(tokens)[0, :8], model(changed)[0, :8])


def test_batchnorm_tells_tokens_of_the_future_and_of_other_documents_while_training(make_model, random_tokens):
    """The lesson of this choice: a model that looks good in training because it is told what comes."""
    model, tokens = make_model(norm="batchnorm"), random_tokens(2, 12)
    future, other = tokens.clone(), tokens.clone()
    future[0, 8:] = (future[0, 8:] + 1) % 97
    other[1] = (other[1] + 1) % 97
    for changed in (future, other):
        model.train()
        assert (model(tokens)[0, :8] - model(changed)[0, :8]).abs().max() > 1e-2
        model.eval()
        torch.testing.assert_close(model(tokens)[0, :8], model(changed)[0, :8])


def test_post_norm_normalizes_the_residual_stream_and_pre_norm_does_not(make_model, random_tokens):
    seen = {}
    for placement in ("pre", "post"):
        model = make_model(norm_placement=placement)
        with torch.no_grad():
            model.layers[0].post_attention_layernorm.weight.fill_(1.0)
        model.layers[0].register_forward_hook(lambda m, i, output, p=placement: seen.update({p: output}))
        model(random_tokens(1, 9))
    rms = {placement: x.square().mean(-1).sqrt() for placement, x in seen.items()}
    torch.testing.assert_close(rms["post"], torch.ones(9), rtol=1e-3, atol=1e-3)
    assert (rms["pre"] - 1).abs().min() > 0.05


def test_qk_norm_makes_attention_blind_to_the_length_of_queries(make_model, random_tokens):
    tokens = random_tokens(1, 9)
    for qk_norm in (True, False):
        model = make_model(qk_norm=qk_norm)
        before = model(tokens)
        with torch.no_grad():
            model.layers[1].self_attn.q_proj.weight.mul_(3.0)
        assert torch.allclose(model(tokens), before, atol=1e-4) is qk_norm


@pytest.mark.parametrize("window", [1, 3, 4, 7, 30])
@pytest.mark.parametrize("length", [1, 7, 12])
def test_a_sliding_window_is_a_band_of_the_causal_mask(window, length):
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, heads, length, 6, generator=generator) for heads in (4, 2, 2))
    places = torch.arange(length)
    band = (places <= places[:, None]) & (places > places[:, None] - window)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=band, enable_gqa=True)
    torch.testing.assert_close(causal_attention(q, k, v, window), expected)


DOCUMENTS = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2], [4, 4, 3, 3, 3, 3, 4, 4]])
"""The id 4 comes twice in the second row; those are two documents."""


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("window", [None, 2])
def test_the_accelerators_mask_gives_what_documents_give_one_by_one(window):
    """FlexAttention, uncompiled, on the CPU: the mask function and its block mask are the same on an accelerator."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(16, heads, 16, generator=generator) for heads in (4, 2, 2))
    expected = document_attention(query, key, value, document_lengths(DOCUMENTS), window)
    torch.testing.assert_close(FlexDocuments(DOCUMENTS).attend(query, key, value, window), expected)
    wrong = FlexDocuments(torch.zeros_like(DOCUMENTS)).attend(query, key, value, window)
    assert not torch.allclose(wrong, expected, atol=1e-2)


def test_packed_documents_give_the_gradients_that_each_gives_alone(make_model, random_tokens):
    model, tokens, lengths = make_model(sliding_window=3), random_tokens(1, 16), [5, 9, 2]
    weights = torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(1))
    ids = torch.cat([torch.full((n,), i) for i, n in enumerate(lengths)])[None]
    positions = torch.cat([torch.arange(n) for n in lengths])[None]
    gradients = []
    for outputs in (
        [(model(tokens, ids, positions), weights)],
        [(model(t), w) for t, w in zip(tokens.split(lengths, 1), weights.split(lengths, 1), strict=True)],
    ):
        model.zero_grad()
        sum((hidden * weight).sum() for hidden, weight in outputs).backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    for packed, alone in zip(*gradients, strict=True):
        torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-4)


def test_softcap_bounds_logits_and_leaves_small_ones(make_model, random_tokens):
    x = torch.tensor([-1e4, -0.1, 0.0, 0.1, 1e4])
    torch.testing.assert_close(softcap(x, 30.0), torch.tensor([-30.0, -0.1, 0.0, 0.1, 30.0]), rtol=1e-4, atol=1e-5)
    assert softcap(x, None) is x
    capped, free = make_model(logit_softcap=2.0), make_model()
    hidden = free(random_tokens(1, 9))
    assert free.logits(hidden).abs().max() > 2 > capped.logits(hidden).abs().max()


def test_embeddings_are_decayed_only_when_asked(make_model):
    for decay in (False, True):
        model = make_model()
        optimizers = build_optimizers(model, Optimizer(name="adamw", learning_rate=0.1, decay_embeddings=decay))
        before = model.embed_tokens.weight.detach().clone()
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        for optimizer in optimizers:
            optimizer.step()
        expected = before * (1 - 0.1 * 0.1) if decay else before
        torch.testing.assert_close(model.embed_tokens.weight.detach(), expected)


def test_biases_start_at_zero_and_norms_at_one():
    model = Transformer(replace(TINY, attention_bias=True, norm="layernorm", qk_norm=True))
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            assert torch.equal(parameter, torch.full_like(parameter, 0.0 if name.endswith(".bias") else 1.0)), name


def test_every_choice_learns(random_tokens):
    """Ten steps on one batch: the loss falls, whatever is chosen."""
    tokens = random_tokens(2, 20, vocab_size=31)
    choices = [{"norm": name} for name in NORMS] + [{"mlp": name} for name in MLPS]
    choices += [{"norm_placement": "post"}, {"qk_norm": True}, {"logit_softcap": 5.0}, {"sliding_window": 4},
                {"tie_word_embeddings": False}, {"attention_bias": True}, {"no_rope_layer_interval": 1}]  # fmt: skip
    for choice in choices:
        model = Transformer(replace(TINY, **choice), seed=1)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        losses = []
        for _ in range(10):
            loss = F.cross_entropy(model.logits(model(tokens))[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert all(p.grad is not None for p in model.parameters()), choice
        assert losses[0] == pytest.approx(math.log(31), rel=0.1), choice
        assert losses[-1] < losses[0] - 0.1, choice


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_key_value_heads": 3}, "num_key_value_heads (3)"),
        ({"hidden_size": 13, "num_attention_heads": 2}, "hidden_size (13)"),
        ({"head_dim": 5}, "head_dim (5) must be even"),
        ({"mlp": "gelu", "intermediate_size": 21}, "intermediate_size (21) must be even"),
        ({"nope_layers": (2,)}, "nope_layers names layer 2 of 2"),
        ({"sliding_window_layers": (0,)}, "no sliding_window"),
        ({"sliding_window": 0}, "sliding_window (0)"),
        ({"logit_softcap": -1.0}, "logit_softcap (-1.0)"),
    ],
    ids=str,
)
def test_choices_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(ValueError) as error:
        replace(TINY, **changes)
    assert message in str(error.value)


def test_input_that_the_model_has_no_rows_for_is_refused_before_anything_is_computed(monkeypatch):
    model = Transformer(TINY)
    monkeypatch.setattr(nn.Embedding, "forward", lambda *a: pytest.fail("computed"))
    for tokens, message in (
        (torch.tensor([[3, 31]]), "token 31 is outside the vocabulary of 31"),
        (torch.tensor([[3, -1]]), "token -1"),
        (torch.zeros(1, 65, dtype=torch.long), "65 tokens exceeds max_position_embeddings (64)"),
    ):
        with pytest.raises(ValueError) as error:
            model(tokens)
        assert message in str(error.value)


def test_a_packed_row_may_be_longer_than_the_longest_document():
    ids = torch.arange(100)[None] // 50
    Transformer(TINY)(torch.zeros(1, 100, dtype=torch.long), ids, torch.arange(100)[None] % 50)
