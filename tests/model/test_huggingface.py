"""Folders that are not what they should be: the error names the file or the key."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from smollab.model.huggingface import CheckpointError, load_huggingface, load_token_ids, save_huggingface


@pytest.fixture
def folder(make_model, tmp_path):
    save_huggingface(make_model(tie_word_embeddings=False), tmp_path)
    return tmp_path


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def change_config(folder, **values):
    config = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v != "absent"}))


def refusal(folder) -> str:
    with pytest.raises(CheckpointError) as error:
        load_huggingface(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_whoever_may_read_the_config_may_read_the_weights(folder):
    assert len({(folder / name).stat().st_mode for name in ("config.json", "model.safetensors")}) == 1


def test_a_folder_without_config(folder):
    (folder / "config.json").unlink()
    assert "no config.json" in refusal(folder)


def test_a_folder_that_does_not_exist(tmp_path):
    assert "nowhere" in refusal(tmp_path / "nowhere")


def test_a_config_that_is_not_json(folder):
    (folder / "config.json").write_text('{"vocab_size": ')
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("key", ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"])
def test_a_config_without_a_key(folder, key):
    change_config(folder, **{key: "absent"})
    assert key in refusal(folder)


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    assert "no .safetensors" in refusal(folder)


def test_a_missing_weight(folder):
    change_weights(folder, lambda w: w.pop("model.layers.2.mlp.up_proj.weight"))
    assert "missing weights: layers.2.mlp.up_proj.weight" in refusal(folder)


def test_a_missing_unembedding_is_named(folder):
    change_weights(folder, lambda w: w.pop("lm_head.weight"))
    assert "missing weights: lm_head.weight" in refusal(folder)


def test_a_left_over_weight(folder):
    change_weights(folder, lambda w: w.update({"model.layers.2.self_attn.q_norm.weight": torch.ones(8)}))
    assert "unexpected weights: layers.2.self_attn.q_norm.weight" in refusal(folder)


def test_a_weight_of_another_shape(folder):
    change_weights(folder, lambda w: w.update({"model.norm.weight": torch.ones(33)}))
    message = refusal(folder)
    assert "norm.weight" in message and "(33,)" in message and "(32,)" in message


def test_a_truncated_weights_file(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "model.safetensors" in refusal(folder)


def test_a_weights_file_of_noise(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 200)
    assert "model.safetensors" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model_type": "gpt2"}, "gpt2"),
        ({"model_type": "absent"}, "model_type"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"hidden_act": "relu"}, "hidden_act 'relu'"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 2.0}}, "llama3"),
        ({"rope_parameters": "absent", "rope_scaling": {"type": "longrope", "factor": 2.0}}, "longrope"),
        ({"no_rope_layers": [1, 0, 0]}, "no_rope_layers has 3 entries for 5 layers"),
        ({"num_key_value_heads": 3}, "num_key_value_heads (3)"),
        ({"head_dim": 7}, "head_dim (7)"),
        ({"hidden_size": "wide"}, "hidden_size: expected int, got 'wide'"),
        ({"use_sliding_window": True, "sliding_window": 4, "layer_types": ["sliding_attention"]}, "layer_types"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_architecture_that_is_not_ours(folder, change, named):
    change_config(folder, **change)
    assert named in refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite(folder, value):
    change_weights(folder, lambda w: w["model.layers.1.mlp.up_proj.weight"].view(-1)[7].fill_(value))
    assert "layers.1.mlp.up_proj.weight holds 1 values that are NaN or infinite" in refusal(folder)


@pytest.fixture
def shards(make_model, tmp_path):
    save_huggingface(make_model(), tmp_path, maximum_shard_bytes=20_000)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    return tmp_path


def test_large_models_are_written_in_shards_that_transformers_loads(shards, make_model, random_tokens):
    theirs, report = AutoModelForCausalLM.from_pretrained(shards, output_loading_info=True)
    assert not any(report.values()), report
    tokens = random_tokens(1, 9)
    ours = load_huggingface(shards)
    assert torch.equal(ours(tokens), make_model()(tokens))
    torch.testing.assert_close(theirs(tokens).logits, ours.logits(ours(tokens)), rtol=1e-4, atol=1e-4)


def test_a_smaller_save_leaves_no_shards_of_a_larger_one(shards, make_model):
    save_huggingface(make_model(num_hidden_layers=1), shards)
    assert [p.name for p in shards.glob("*.safetensors*")] == ["model.safetensors"]
    assert load_huggingface(shards).config.num_hidden_layers == 1


def test_a_missing_shard_is_named(shards):
    missing = sorted(shards.glob("model-*.safetensors"))[1]
    missing.unlink()
    assert f"the shard {missing.name} is missing" in refusal(shards)


def test_an_index_without_a_map(shards):
    (shards / "model.safetensors.index.json").write_text("[]")
    assert "model.safetensors.index.json" in refusal(shards)


def test_a_tied_model_whose_unembedding_differs(make_model, tmp_path):
    save_huggingface(make_model(), tmp_path)
    change_weights(tmp_path, lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"].clone()}))
    assert load_huggingface(tmp_path).config.tie_word_embeddings
    change_weights(tmp_path, lambda w: w["lm_head.weight"].add_(1))
    assert "tie_word_embeddings" in refusal(tmp_path)


def test_the_rotary_buffers_of_old_llama_folders_are_passed_over(folder):
    change_weights(folder, lambda w: w.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}))
    load_huggingface(folder)


@pytest.mark.parametrize(
    "choices",
    [
        {"norm": "layernorm"}, {"norm": "batchnorm"}, {"norm_placement": "post"}, {"mlp": "relu2"},
        {"logit_softcap": 30.0},
        {"qk_norm": True, "nope_layers": (1,), "sliding_window": 3, "sliding_window_layers": (0,)},
    ],
    ids=str,
)  # fmt: skip
def test_what_transformers_has_no_class_for_comes_back_through_our_own_type(
    choices, make_model, tmp_path, random_tokens
):
    model = make_model(**choices)
    save_huggingface(model, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "smollab"
    again = load_huggingface(tmp_path).eval()
    assert again.config == model.config
    assert torch.equal(again(random_tokens(2, 9)), model(random_tokens(2, 9)))
    change_config(tmp_path, unknown_choice=1)
    assert "unknown_choice" in refusal(tmp_path)


def test_the_configuration_of_transformers_4_is_understood(folder):
    change_config(folder, rope_parameters="absent", rope_theta=123.0, no_rope_layers="absent", no_rope_layer_interval=2)
    config = load_huggingface(folder).config
    assert (config.rope_theta, config.no_rope_layer_interval) == (123.0, 2)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", "4"),
        ("num_key_value_heads", 0),
        ("no_rope_layers", "1111"),
        ("layer_types", "full_attention"),
        ("rope_parameters", "default"),
    ],
)
def test_a_config_with_a_value_of_another_kind(folder, key, value):
    change_config(folder, **{key: value})
    assert key in refusal(folder)


def test_weights_that_are_whole_numbers(folder):
    change_weights(folder, lambda w: w.update({"model.norm.weight": w["model.norm.weight"].to(torch.int8)}))
    assert "model.norm.weight is torch.int8" in refusal(folder)


def test_a_config_too_deep_to_read(folder):
    (folder / "config.json").write_text("[" * 100_000)
    assert "not valid JSON" in refusal(folder)


def test_token_ids_are_those_of_the_generation_config_first(folder):
    change_config(folder, bos_token_id=3, eos_token_id=4)
    assert load_token_ids(folder) == (3, (4,))
    (folder / "generation_config.json").write_text('{"bos_token_id": 1, "eos_token_id": [2, 5]}')
    assert load_token_ids(folder) == (1, (2, 5))
    (folder / "generation_config.json").write_text('{"eos_token_id": "</s>"}')
    with pytest.raises(CheckpointError, match="expected int, got '</s>'"):
        load_token_ids(folder)


def test_a_folder_may_name_no_token_ids(folder):
    assert load_token_ids(folder) == (None, ())
