"""The key-value cache: rows of different lengths, chunks on a filled cache, windows, what does not fit."""

from dataclasses import replace

import pytest
import torch

from smollab.model.cache import KVCache

SWITCHES = {
    "SmolLM3": {},
    "window": {"sliding_window": 5},
    "window in some layers": {"sliding_window": 3, "sliding_window_layers": (1, 3)},
    "QK-norm, biases, multi-query": {"qk_norm": True, "attention_bias": True, "num_key_value_heads": 1},
    "post-norm LayerNorm": {"norm": "layernorm", "norm_placement": "post"},
}


@pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES)
@torch.inference_mode()
def test_rows_that_grow_unevenly_and_in_chunks_equal_the_whole_read_at_once(make_model, random_tokens, changes):
    model, tokens = make_model(**changes), random_tokens(3, 40)
    cache, outputs, read = KVCache(model.config, 3, 40), [[], [], []], [0, 0, 0]
    for new in ([9, 3, 14], [1, 1, 1], [4, 0, 2], [1, 1, 1], [5, 5, 5], [0, 0, 1]):
        packed = torch.cat([tokens[row, read[row] : read[row] + more] for row, more in enumerate(new)])
        pieces = model(packed[None], cache=cache, row_lengths=new)[0].split(new)
        for row, piece in enumerate(pieces):
            outputs[row].append(piece)
            read[row] += new[row]
    assert cache.lengths == read
    whole = model(tokens)
    for row, length in enumerate(read):
        torch.testing.assert_close(torch.cat(outputs[row]), whole[row, :length], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prompt_length", [1, 9])
@torch.inference_mode()
def test_decoding_with_the_cache_equals_the_full_forward(make_model, random_tokens, prompt_length):
    model, tokens = make_model(), random_tokens(2, 24)
    cache = KVCache(model.config, batch_size=2, capacity=24)
    pieces = [model(tokens[:, :prompt_length], cache=cache)]
    pieces += [model(tokens[:, i : i + 1], cache=cache) for i in range(prompt_length, 24)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(tokens), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_row_sees_nothing_of_the_rows_beside_it(make_model, random_tokens):
    model, tokens = make_model(), random_tokens(1, 12)
    outputs = []
    for other in (3, 50):
        cache = KVCache(model.config, 2, 12)
        packed = torch.cat([tokens[0, :5], torch.full((9,), other)])[None]
        model(packed, cache=cache, row_lengths=[5, 9])
        outputs.append(model(torch.tensor([[7], [other]]), cache=cache)[0])
    assert torch.equal(*outputs)


def test_what_does_not_fit_is_refused_before_anything_is_computed(make_model, random_tokens, monkeypatch):
    model, tokens = make_model(), random_tokens(1, 6)
    monkeypatch.setattr(model, "layers", None)
    with pytest.raises(ValueError, match="holds 4 tokens a row; 6 were needed"):
        model(tokens, cache=KVCache(model.config, 1, capacity=4))
    for other in ({"num_hidden_layers": 2}, {"num_key_value_heads": 4}, {"head_dim": 4}):
        with pytest.raises(ValueError, match=r"made for .*, the model has 5 layers, 2 key-value heads and 8"):
            model(tokens, cache=KVCache(replace(model.config, **other), 1, capacity=8))
    with pytest.raises(ValueError, match="holds 2 rows"):
        model(tokens, cache=KVCache(model.config, 2, capacity=8))
    with pytest.raises(ValueError, match="6 tokens were given"):
        model(tokens, cache=KVCache(model.config, 2, capacity=8), row_lengths=[3, 4])
    with pytest.raises(ValueError, match="document_ids"):
        model(tokens, torch.zeros_like(tokens), cache=KVCache(model.config, 1, capacity=8))


def test_its_bytes_are_those_of_its_tensors_and_shrink_with_the_key_value_heads(make_model):
    bytes_with = lambda heads: KVCache(make_model(num_key_value_heads=heads).config, 3, 10).bytes
    assert bytes_with(4) == 5 * 2 * 3 * 4 * 10 * 8 * 4  # layers, keys and values, batch, heads, length, width, float32
    assert bytes_with(4) == 4 * bytes_with(1)
