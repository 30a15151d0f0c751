"""Layers without rotary embedding, documents that do not see each other, positions, the cache, initialization."""

import pytest
import torch
from transformers import SmolLM3Config
from transformers.models.smollm3.modeling_smollm3 import SmolLM3Attention

from smollab.model.config import ModelConfig
from smollab.model.document_attention import document_lengths
from smollab.recipe import Model


def test_smollm3_has_no_rotary_embedding_in_layers_3_7_to_35():
    config = ModelConfig()
    assert [layer for layer in range(36) if not config.uses_rope(layer)] == [3, 7, 11, 15, 19, 23, 27, 31, 35]
    assert SmolLM3Config().no_rope_layers == [int(config.uses_rope(layer)) for layer in range(36)]


def test_one_in_huggingfaces_no_rope_layers_means_that_rope_is_used():
    """The name says the opposite (transformers#43756)."""
    config = SmolLM3Config(hidden_size=32, num_attention_heads=4, num_hidden_layers=4, no_rope_layers=[1, 1, 1, 0])
    assert [SmolLM3Attention(config, layer).use_rope for layer in range(4)] == [1, 1, 1, 0]


def test_without_rope_a_layer_ignores_positions(make_model, random_tokens):
    tokens = random_tokens(1, 8)
    shifted = torch.arange(8)[None] * 3
    rotary, none = make_model(no_rope_layer_interval=0), make_model(no_rope_layer_interval=1)
    assert torch.equal(none(tokens, positions=shifted), none(tokens))
    assert not torch.allclose(rotary(tokens, positions=shifted), rotary(tokens), atol=1e-3)


@pytest.mark.parametrize("lengths", [[5, 9, 2], [4, 4, 4, 4], [16], [1] * 16], ids=str)
def test_packed_documents_are_what_each_would_be_alone(make_model, random_tokens, lengths):
    model, tokens = make_model(), random_tokens(1, 16)
    document_ids = torch.cat([torch.full((n,), i) for i, n in enumerate(lengths)])[None]
    positions = torch.cat([torch.arange(n) for n in lengths])[None]
    packed = model(tokens, document_ids, positions)
    alone = torch.cat([model(piece) for piece in tokens.split(lengths, dim=1)], dim=1)
    torch.testing.assert_close(packed, alone, rtol=1e-5, atol=1e-5)


def test_without_document_ids_the_second_document_sees_the_first(make_model, random_tokens):
    """The negative control of the test above."""
    model, tokens = make_model(), random_tokens(1, 16)
    positions = torch.cat([torch.arange(5), torch.arange(11)])[None]
    alone = torch.cat([model(tokens[:, :5]), model(tokens[:, 5:])], dim=1)
    assert not torch.allclose(model(tokens, positions=positions), alone, atol=1e-3)


def test_gradients_do_not_leave_a_document(make_model, random_tokens):
    model, tokens = make_model(tie_word_embeddings=False), random_tokens(1, 12)
    tokens[0, 5:] = 50  # the second document holds no token of the first
    tokens[0, :5] = torch.arange(5)
    model(tokens, torch.tensor([[0] * 5 + [1] * 7]))[0, 5:].square().sum().backward()
    gradient = model.embed_tokens.weight.grad
    assert gradient[50].abs().max() > 0
    assert gradient[:5].abs().max() == 0


def test_rows_do_not_see_each_other(make_model, random_tokens):
    model, tokens = make_model(), random_tokens(3, 10)
    ids = torch.zeros_like(tokens)  # equal ids in different rows are different documents
    torch.testing.assert_close(model(tokens, ids)[1:2], model(tokens[1:2]), rtol=1e-5, atol=1e-5)


def test_the_future_is_not_seen(make_model, random_tokens):
    model, tokens = make_model(), random_tokens(1, 12)
    changed = tokens.clone()
    changed[0, 8:] = (changed[0, 8:] + 1) % 97
    assert torch.equal(model(tokens)[0, :8], model(changed)[0, :8])
    assert not torch.allclose(model(tokens)[0, 8:], model(changed)[0, 8:], atol=1e-3)


def test_document_lengths_counts_runs_row_by_row():
    assert document_lengths(torch.tensor([[0, 0, 1], [1, 1, 1]])) == [2, 1, 3]
    assert document_lengths(torch.tensor([[7, 7, 3, 7]])) == [2, 1, 1]


def test_the_seed_decides_the_initial_weights(make_model):
    from smollab.model.transformer import Transformer

    config = make_model().config
    weights = [torch.cat([p.flatten() for p in Transformer(config, seed).parameters()]) for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_initialization_scales_what_writes_to_the_residual_stream_with_depth():
    from smollab.model.transformer import Transformer

    shape = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 8, "vocab_size": 500}
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 4}
    for scaled, expected in (("depth_scaled", 0.02 / 4), ("normal", 0.02)):  # sqrt(2 * 8) = 4
        model = Transformer(ModelConfig(**shape, initialization=scaled))
        block = model.layers[2]
        assert block.self_attn.o_proj.weight.std().item() == pytest.approx(expected, rel=0.03)
        assert block.mlp.down_proj.weight.std().item() == pytest.approx(expected, rel=0.03)
        assert block.mlp.up_proj.weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert model.embed_tokens.weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert torch.equal(model.norm.weight, torch.ones(128))


def test_tied_matrices_are_one(make_model):
    tied, untied = make_model(), make_model(tie_word_embeddings=False)
    assert tied.lm_head.weight is tied.embed_tokens.weight
    assert untied.num_parameters() - tied.num_parameters() == 97 * 32


def test_the_recipes_section_becomes_the_config():
    section = Model(hidden_size=64, num_hidden_layers=3, rope_theta=7.0)
    config = ModelConfig.from_recipe(section, vocab_size=300)
    assert (config.hidden_size, config.num_hidden_layers, config.rope_theta, config.vocab_size) == (64, 3, 7.0, 300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": torch.zeros(3, dtype=torch.int64)}, r"their shape is \(3,\)"),
        ({"tokens": torch.zeros(2, 0, dtype=torch.int64)}, "at least one token"),
        ({"document_ids": torch.zeros(2, 4, dtype=torch.int64)}, "document_ids have shape"),
        ({"positions": torch.arange(3)}, "positions have shape"),
        ({"row_lengths": [3, 3]}, "row_lengths are those of a cache"),
    ],
)
def test_arguments_that_do_not_fit_each_other(make_model, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_model()(**{"tokens": torch.zeros(2, 3, dtype=torch.int64)} | arguments)


@pytest.mark.parametrize(
    "changes",
    [{"num_key_value_heads": 0}, {"num_attention_heads": -4}, {"head_dim": 0}, {"hidden_size": 0}, {"rope_theta": 0.0}],
    ids=str,
)
def test_shapes_that_no_model_has(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        ModelConfig(**changes)
