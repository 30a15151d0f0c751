"""Folders that are not what they should be: the error names the file or the key."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from smollab.model.huggingface import CheckpointError, load_huggingface, save_huggingface


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
        ({"attention_bias": True}, "attention_bias"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"use_sliding_window": True}, "use_sliding_window"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}}, "rotary"),
        ({"rope_parameters": "absent", "rope_scaling": {"type": "linear", "factor": 2.0}}, "rotary"),
        ({"no_rope_layers": [1, 0, 0, 1, 1]}, "no_rope_layers"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_architecture_that_is_not_ours(folder, change, named):
    change_config(folder, **change)
    assert named in refusal(folder)


def test_the_configuration_of_transformers_4_is_understood(folder):
    change_config(folder, rope_parameters="absent", rope_theta=123.0, no_rope_layers="absent", no_rope_layer_interval=2)
    config = load_huggingface(folder).config
    assert (config.rope_theta, config.no_rope_layer_interval) == (123.0, 2)
