"""To and from Hugging Face folders: config.json, model.safetensors, and the tokenizer's files.

The weights carry the same names and shapes as in `transformers.SmolLM3ForCausalLM`, up to the prefix `model.`,
so both directions only rename. Nothing is unpickled.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from smollab.model.config import ModelConfig
from smollab.model.rope_settings import read_rope_settings
from smollab.model.transformer import Transformer


class CheckpointError(ValueError):
    """A folder that does not hold a model we can read; the message names the file and the way out."""


def save_huggingface(model: Transformer, folder: Path, **token_ids: int | None) -> None:
    """Write config.json, generation_config.json and model.safetensors that `AutoModelForCausalLM` loads.

    Args:
        model: the model.
        folder: made if missing.
        token_ids: bos_token_id, eos_token_id, pad_token_id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["SmolLM3ForCausalLM"],
        "model_type": "smollm3",
        "dtype": "float32",
        **model.config.to_huggingface(**token_ids),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "generation_config.json").write_text(json.dumps(token_ids, indent=2) + "\n", encoding="utf-8")
    weights = {_to_huggingface(name): tensor.contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # safetensors makes files that only their owner can read; an export is to be shared.
    (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)


def load_huggingface(folder: Path) -> Transformer:
    """Read a SmolLM3 (or Llama without biases) folder into our model.

    Raises:
        CheckpointError: a file is missing or damaged, a key is missing or left over, or the architecture is another.
    """
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise CheckpointError(f"{folder}: no config.json; expected a Hugging Face model folder")
    try:
        config = read_config(json.loads(config_path.read_text(encoding="utf-8")), config_path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{config_path}: not valid JSON: {error}") from None
    except KeyError as error:
        raise CheckpointError(f"{config_path}: the key {error} is missing") from None
    weights: dict[str, torch.Tensor] = {}
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CheckpointError(f"{folder}: no .safetensors file; convert the weights with `save_pretrained` first")
    for file in files:
        try:
            loaded = load_file(file)
        except SafetensorError as error:
            raise CheckpointError(f"{file}: damaged ({error}); fetch or export it again") from None
        weights.update({_from_huggingface(name): tensor.float() for name, tensor in loaded.items()})
    model = Transformer(config)
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights.get("embed_tokens.weight", torch.empty(0))
    expected = model.state_dict()
    for problem, names in (("missing", expected.keys() - weights), ("unexpected", weights.keys() - expected)):
        if names:
            raise CheckpointError(f"{folder}: {problem} weights: {', '.join(sorted(names)[:5])}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"{folder}: {name} has shape {tuple(tensor.shape)}, config.json says {tuple(expected[name].shape)}"
            )
    model.load_state_dict(weights)
    return model


def read_config(values: dict[str, Any], path: Path) -> ModelConfig:
    """Our configuration from the content of a config.json, in the dialect of transformers 4 or 5.

    Raises:
        CheckpointError: the architecture or an option is not supported.
    """
    kind = values.get("model_type")
    if kind not in ("smollm3", "llama"):
        raise CheckpointError(f"{path}: model_type {kind!r} is not supported; use smollm3 or llama")
    for option in ("attention_bias", "mlp_bias", "use_sliding_window"):
        if values.get(option):
            raise CheckpointError(f"{path}: {option} = {values[option]} is not supported")
    if values.get("hidden_act", "silu") != "silu":
        raise CheckpointError(f"{path}: hidden_act {values['hidden_act']!r} is not supported; SwiGLU needs silu")
    try:
        theta, scaling = read_rope_settings(values)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    layers = values["num_hidden_layers"]
    interval = 0
    if kind == "smollm3":
        interval = values.get("no_rope_layer_interval", 4)
        listed = values.get("no_rope_layers")
        if listed:
            nope = [layer for layer, uses_rope in enumerate(listed) if not uses_rope]
            interval = nope[0] + 1 if nope else 0
    config = ModelConfig(
        vocab_size=values["vocab_size"],
        hidden_size=values["hidden_size"],
        intermediate_size=values["intermediate_size"],
        num_hidden_layers=layers,
        num_attention_heads=values["num_attention_heads"],
        num_key_value_heads=values.get("num_key_value_heads") or values["num_attention_heads"],
        head_dim=values.get("head_dim"),
        no_rope_layer_interval=interval,
        rope_theta=theta,
        rope_scaling=scaling,
        rms_norm_eps=values.get("rms_norm_eps", 1e-6),
        max_position_embeddings=values.get("max_position_embeddings", 2048),
        tie_word_embeddings=values.get("tie_word_embeddings", kind == "smollm3"),
        initializer_range=values.get("initializer_range", 0.02),
    )
    if kind == "smollm3" and values.get("no_rope_layers"):
        ours = [int(config.uses_rope(layer)) for layer in range(layers)]
        if ours != values["no_rope_layers"]:
            raise CheckpointError(f"{path}: no_rope_layers is not one layer in every {interval}")
    return config


def _to_huggingface(name: str) -> str:
    return name if name.startswith("lm_head.") else f"model.{name}"


def _from_huggingface(name: str) -> str:
    return name.removeprefix("model.")
