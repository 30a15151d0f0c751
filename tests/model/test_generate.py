"""Generation: equal to transformers token for token, row by row, with and without the fast path."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from smollab.model.cache import KVCache
from smollab.model.decoder import Decoder, rotations
from smollab.model.generate import generate, generate_batch
from smollab.model.huggingface import save_huggingface
from smollab.model.rope import apply_rope, rope_cos_sin
from smollab.model.sampling import GREEDY, Sampling

LENGTHS = (5, 12, 1, 9)
SWITCHES = {
    "SmolLM3": {},
    "untied, one head each": {"tie_word_embeddings": False, "num_key_value_heads": 4},
    "rotary everywhere, wide heads": {"no_rope_layer_interval": 0, "head_dim": 24, "num_key_value_heads": 1},
    "sliding window": {"sliding_window": 6, "sliding_window_layers": (0, 2)},
    "QK-norm, biases": {"qk_norm": True, "attention_bias": True},
    "LayerNorm, post-norm, soft-cap": {"norm": "layernorm", "norm_placement": "post", "logit_softcap": 3.0},
    "GeGLU": {"mlp": "geglu"},
}


def rows_of(steps):
    """The tokens of each row from the steps of `generate_batch`."""
    return [[token for token in row if token is not None] for row in zip(*steps, strict=True)]


def greedy_without_cache(model, prompt, count):
    tokens = prompt
    for _ in range(count):
        tokens = torch.cat([tokens, model.logits(model(tokens[None])[0, -1:]).argmax(-1)])
    return tokens[len(prompt) :].tolist()


@pytest.fixture(params=SWITCHES.values(), ids=SWITCHES)
def model(request, make_model):
    return make_model(**request.param)


@pytest.fixture
def prompts(random_tokens):
    return [random_tokens(length, seed=length) for length in LENGTHS]


@torch.inference_mode()
def test_every_architecture_writes_side_by_side_what_it_writes_without_a_cache(model, prompts):
    texts = rows_of(generate_batch(model, prompts, 24, GREEDY))
    assert texts == [greedy_without_cache(model, prompt, 24) for prompt in prompts]


def test_the_fast_path_is_taken_where_it_is_meant_and_nowhere_else(make_model):
    supported = [name for name, changes in SWITCHES.items() if Decoder.supports(make_model(**changes))]
    assert supported == ["SmolLM3", "untied, one head each", "rotary everywhere, wide heads"]
    assert not Decoder.supports(make_model().double())


@torch.inference_mode()
def test_the_fast_path_gives_the_models_logits(make_model, prompts):
    model, lengths = make_model(), list(LENGTHS)
    caches = [KVCache(model.config, len(prompts), 30) for _ in range(2)]
    for cache in caches:
        model(torch.cat(prompts)[None], cache=cache, row_lengths=lengths)
    decoder = Decoder(model, caches[1])
    for step in range(15):
        tokens = torch.tensor([(7 * step + 5 * row) % 97 for row in range(len(prompts))])
        expected = model.logits(model(tokens[:, None], cache=caches[0])[:, 0])
        torch.testing.assert_close(decoder.step(tokens), expected, rtol=1e-4, atol=1e-4)
    assert caches[0].lengths == caches[1].lengths
    torch.testing.assert_close(caches[0].keys, caches[1].keys, rtol=1e-4, atol=1e-4)


def test_a_rotation_matrix_is_rope():
    heads = torch.randn(3, 2, 10, generator=torch.Generator().manual_seed(0))
    cos, sin = rope_cos_sin(torch.tensor([0, 5, 90]), 10, 1e4)
    turned = heads.numpy() @ rotations(cos[:, 0].numpy(), sin[:, 0].numpy())
    torch.testing.assert_close(torch.from_numpy(turned), apply_rope(heads, cos, sin))


@pytest.mark.parametrize("changes", [{}, {"tie_word_embeddings": False, "num_key_value_heads": 1}], ids=["tied", "MQA"])
def test_greedy_text_is_that_of_transformers_in_a_left_padded_batch(make_model, prompts, tmp_path, changes):
    model = make_model(**changes)
    save_huggingface(model, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    padded = torch.zeros(len(prompts), max(LENGTHS), dtype=torch.int64)
    mask = torch.zeros_like(padded)
    for row, prompt in enumerate(prompts):
        padded[row, -len(prompt) :], mask[row, -len(prompt) :] = prompt, 1
    expected = theirs.generate(
        padded, attention_mask=mask, max_new_tokens=40, do_sample=False, eos_token_id=None, pad_token_id=0
    )[:, max(LENGTHS) :]
    assert rows_of(generate_batch(model, prompts, 40, GREEDY)) == expected.tolist()


def test_a_repetition_penalty_gives_the_text_of_transformers(make_model, random_tokens, tmp_path):
    model, prompt = make_model(), random_tokens(9)
    save_huggingface(model, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    expected = theirs.generate(
        prompt[None], max_new_tokens=40, do_sample=False, repetition_penalty=1.4, eos_token_id=None, pad_token_id=0
    )[0, 9:]
    ours = list(generate(model, prompt, 40, Sampling(0.0, repetition_penalty=1.4)))
    assert ours == expected.tolist() != list(generate(model, prompt, 40, GREEDY))


def test_a_row_draws_the_same_alone_and_beside_others(make_model, prompts):
    model, sampling = make_model(), Sampling(0.9, 0.95, repetition_penalty=1.1)
    seeds = [7, 8, 9, 7]
    together = rows_of(generate_batch(model, prompts, 20, sampling, seeds=seeds))
    alone = [list(generate(model, prompts[row], 20, sampling, seed=seeds[row])) for row in range(len(prompts))]
    assert together == alone


def test_the_seed_decides_the_text(make_model, random_tokens):
    model, prompt = make_model(), random_tokens(4)
    texts = [list(generate(model, prompt, 30, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_each_row_stops_before_its_end_token(make_model, prompts):
    model = make_model()
    free = rows_of(generate_batch(model, prompts, 30))
    end = free[1][10]
    stopped = rows_of(generate_batch(model, prompts, 30, eos_token_id=end))
    assert stopped == [row[: row.index(end)] if end in row else row for row in free]
    assert len(stopped[1]) <= 10


def test_tokens_come_one_at_a_time(make_model, random_tokens):
    stream = generate(make_model(), random_tokens(4), 5)
    assert len([next(stream), next(stream)]) == 2
    assert list(generate(make_model(), random_tokens(4), 0)) == []


@pytest.mark.parametrize(
    ("prompts", "settings", "message"),
    [
        ([], {}, "at least one prompt"),
        ([torch.tensor([], dtype=torch.int64)], {}, "at least one token"),
        ([torch.tensor([1]), torch.tensor([], dtype=torch.int64)], {}, "at least one token"),
        ([torch.zeros(2, 3, dtype=torch.int64)], {}, "one row"),
        ([torch.tensor([1])], {"max_new_tokens": -1}, "max_new_tokens"),
        ([torch.tensor([97])], {}, "vocabulary of 97"),
        ([torch.tensor([-1])], {}, "vocabulary of 97"),
        ([torch.tensor([1])], {"max_new_tokens": 10_000}, "max_position_embeddings"),
        ([torch.tensor([1])], {"seeds": [1, 2]}, "2 seeds"),
    ],
    ids=["none", "empty", "one empty", "two rows", "negative", "too large", "below 0", "too long", "seeds"],
)
def test_senseless_requests_are_refused_before_anything_is_computed(
    make_model, prompts, settings, message, monkeypatch
):
    model = make_model()
    monkeypatch.setattr(model, "forward", None)
    with pytest.raises(ValueError, match=message):
        list(generate_batch(model, prompts, **{"max_new_tokens": 5} | settings))


@torch.no_grad()
def test_weights_that_are_no_numbers_are_told(make_model, random_tokens):
    model = make_model()
    model.layers[1].mlp.down_proj.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        list(generate(model, random_tokens(4), 5))


def test_any_of_several_tokens_ends_a_row(make_model, random_tokens):
    model, prompt = make_model(), random_tokens(5)
    text = list(generate(model, prompt, 12, Sampling(), seed=3))
    ends = {text[6], text[9]}
    first = min(text.index(token) for token in ends)
    assert list(generate(model, prompt, 12, Sampling(), eos_token_id=ends, seed=3)) == text[:first]
