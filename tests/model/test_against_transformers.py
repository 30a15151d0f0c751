"""`transformers.SmolLM3ForCausalLM` is the judge: same logits, same gradients, same generated tokens."""

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, SmolLM3Config, SmolLM3ForCausalLM

from smollab.model.generate import generate
from smollab.model.huggingface import load_huggingface, save_huggingface

CONFIGS = {
    "grouped queries, tied": {},
    "one key-value head per query head": {"num_attention_heads": 4, "num_key_value_heads": 4},
    "one key-value head for eight": {"num_attention_heads": 8, "num_key_value_heads": 1},
    "head_dim apart from the width": {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 24},
    "untied": {"tie_word_embeddings": False},
    "rotary everywhere": {"no_rope_layer_interval": 0},
    "every second layer without": {"no_rope_layer_interval": 2, "rope_theta": 2e6},
    "large epsilon": {"rms_norm_eps": 0.1},
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def pair(request, make_model, tmp_path):
    """Our model, and transformers' loaded from the folder that ours was saved to."""
    ours = make_model(**request.param)
    save_huggingface(ours, tmp_path, bos_token_id=1, eos_token_id=2, pad_token_id=3)
    theirs, report = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(theirs, SmolLM3ForCausalLM)
    assert not any(report.values()), report
    return ours, theirs.eval()


def test_logits_are_equal(pair, random_tokens):
    ours, theirs = pair
    tokens = random_tokens(3, 40)
    torch.testing.assert_close(ours.logits(ours(tokens)), theirs(tokens).logits, rtol=1e-4, atol=1e-4)


def test_all_gradients_are_equal(pair, random_tokens):
    ours, theirs = pair
    # transformers never learns the pad token's embedding (nn.Embedding's padding_idx), so it must not occur.
    tokens = random_tokens(3, 40).clamp(min=4)
    for model, logits in ((ours, ours.logits(ours(tokens))), (theirs, theirs(tokens).logits)):
        model.zero_grad()
        F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).backward()
    gradients = {name.removeprefix("model."): p.grad for name, p in theirs.named_parameters()}
    assert gradients.keys() == dict(ours.named_parameters()).keys()
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(
            parameter.grad, gradients[name], rtol=2e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_the_comparison_notices_a_wrong_rope_theta(make_model, tmp_path, random_tokens):
    ours = make_model(rope_theta=10_000.0)
    save_huggingface(ours, tmp_path)
    theirs = SmolLM3ForCausalLM.from_pretrained(tmp_path, config=SmolLM3Config(**make_model().config.to_huggingface()))
    tokens = random_tokens(1, 40)
    assert (ours.logits(ours(tokens)) - theirs(tokens).logits).abs().max() > 1e-2


def test_a_folder_saved_by_transformers_loads_with_equal_logits(pair, tmp_path, random_tokens):
    _, theirs = pair
    theirs.save_pretrained(tmp_path / "theirs")
    ours, tokens = load_huggingface(tmp_path / "theirs"), random_tokens(2, 33)
    torch.testing.assert_close(ours.logits(ours(tokens)), theirs(tokens).logits, rtol=1e-4, atol=1e-4)


def test_a_folder_in_several_shards_loads(pair, tmp_path, random_tokens):
    ours, theirs = pair
    theirs.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    tokens = random_tokens(1, 9)
    assert torch.equal(load_huggingface(tmp_path / "shards")(tokens), ours(tokens))


def test_our_own_folder_loads_back_bit_for_bit(pair, tmp_path):
    ours, _ = pair
    again = load_huggingface(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))
    uses = [[c.uses_rope(layer) for layer in range(c.num_hidden_layers)] for c in (again.config, ours.config)]
    assert uses[0] == uses[1]


def test_a_llama_folder_loads_with_equal_logits(tmp_path, random_tokens):
    config = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False, initializer_range=0.2,
    )  # fmt: skip
    theirs = LlamaForCausalLM(config).eval()
    theirs.save_pretrained(tmp_path)
    ours, tokens = load_huggingface(tmp_path), random_tokens(2, 33)
    torch.testing.assert_close(ours.logits(ours(tokens)), theirs(tokens).logits, rtol=1e-4, atol=1e-4)


def test_greedy_generation_is_equal_token_for_token(pair, random_tokens):
    ours, theirs = pair
    prompt = random_tokens(7, seed=5)
    expected = theirs.generate(
        prompt[None], max_new_tokens=40, min_new_tokens=40, do_sample=False, eos_token_id=None, pad_token_id=3
    )
    assert list(generate(ours, prompt, 40, temperature=0)) == expected[0, 7:].tolist()
