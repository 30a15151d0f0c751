"""config.json of Hugging Face folders: our configuration from its content, and its content from our configuration.

Read are the dialects of transformers 4 and 5, of three architectures that differ little:

    smollm3   SmolLM3: some layers without rotary embedding
    llama     all layers with it; SmolLM2 is one
    qwen3     all layers with it, and RMSNorm over each query and key

A model with choices that none of these knows (LayerNorm, an ungated MLP, ...) is written with the model type
`smollab`, which only this package reads.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from smollab.model.config import ModelConfig
from smollab.model.rope_settings import read_rope_settings, write_rope_settings
from smollab.recipe import from_values

ARCHITECTURES = {"smollm3": "SmolLM3ForCausalLM", "llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}
"""Model type -> class of transformers."""
OURS = "smollab"
"""Model type of what transformers has no class for."""
HIDDEN_ACTS = {"swiglu": "silu", "geglu": "gelu"}
"""Our name of a gated MLP -> `hidden_act`."""


class CheckpointError(ValueError):
    """A folder that does not hold a model we can read; the message names the file and the way out."""


def model_type(config: ModelConfig) -> str:
    """The architecture that a configuration is written as; see the top of this file."""
    rotary = [config.uses_rope(layer) for layer in range(config.num_hidden_layers)]
    plain = config.norm == "rmsnorm" and config.norm_placement == "pre" and config.logit_softcap is None
    if not plain or config.mlp not in HIDDEN_ACTS or (config.qk_norm and not all(rotary)):
        return OURS
    return "qwen3" if config.qk_norm else "smollm3"


def write_config(config: ModelConfig, **token_ids: Any) -> dict[str, Any]:
    """The content of a config.json that both transformers 4 and 5 understand.

    Args:
        config: the model's.
        token_ids: bos_token_id, eos_token_id, pad_token_id; left out: none (transformers' own defaults are
            SmolLM3's, beyond a smaller vocabulary).
    """
    kind = model_type(config)
    rope = write_rope_settings(config.rope_theta, config.rope_scaling)
    ids = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None} | token_ids
    if kind == OURS:
        settings = {k: v for k, v in asdict(config).items() if k not in ("rope_theta", "rope_scaling")}
        return {"model_type": kind, **settings, **rope, **ids}
    layers = range(config.num_hidden_layers)
    windows = [config.window(layer) for layer in layers]
    shared = {
        "architectures": [ARCHITECTURES[kind]],
        "model_type": kind,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_width,
        "hidden_act": HIDDEN_ACTS[config.mlp],
        "max_position_embeddings": config.max_position_embeddings,
        "initializer_range": config.initializer_range,
        "rms_norm_eps": config.rms_norm_eps,
        "tie_word_embeddings": config.tie_word_embeddings,
        **rope,
        "use_sliding_window": any(windows),
        "sliding_window": config.sliding_window,
        "layer_types": ["sliding_attention" if window else "full_attention" for window in windows],
        "attention_bias": config.attention_bias,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        **ids,
    }
    if kind == "smollm3":
        shared["no_rope_layers"] = [int(config.uses_rope(layer)) for layer in layers]
        # transformers 4 reads this one beside the list.
        shared["no_rope_layer_interval"] = config.no_rope_layer_interval or config.num_hidden_layers + 1
    return shared


def read_config(values: Mapping[str, Any], path: Path) -> ModelConfig:
    """Our configuration from the content of a config.json.

    Args:
        values: the content.
        path: named in errors.

    Raises:
        CheckpointError: a key is missing, or the architecture or an option is not supported.
    """
    if not isinstance(values, Mapping):
        raise CheckpointError(f"{path}: expected a JSON object")
    kind = values.get("model_type")
    if kind not in ARCHITECTURES and kind != OURS:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(f"{path}: model_type {kind!r} is not supported; use one of {known}")
    try:
        return _read_ours(values) if kind == OURS else _read(values)
    except KeyError as error:
        raise CheckpointError(f"{path}: the key {error} is missing") from None
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from None


def _read(values: Mapping[str, Any]) -> ModelConfig:
    kind = values["model_type"]
    if values.get("mlp_bias"):
        raise ValueError("mlp_bias = true is not supported; our MLPs have no biases")
    acts = {act: mlp for mlp, act in HIDDEN_ACTS.items()}
    act = values.get("hidden_act", "silu")
    if act not in acts:
        raise ValueError(f"hidden_act {act!r} is not supported; use one of {', '.join(acts)}")
    theta, scaling = read_rope_settings(values)
    layers = values["num_hidden_layers"]
    if type(layers) is not int:
        raise ValueError(f"num_hidden_layers: expected int, got {layers!r}")
    for name in ("no_rope_layers", "layer_types"):
        if not isinstance(values.get(name) or [], list):
            raise ValueError(f"{name}: expected a list, got {values[name]!r}")
    interval, nope_layers = _nope_layers(values, layers) if kind == "smollm3" else (0, None)
    window, window_layers = _sliding_window(values, layers, interval, nope_layers)
    key_value_heads = values.get("num_key_value_heads")
    settings = {
        "vocab_size": values["vocab_size"],
        "hidden_size": values["hidden_size"],
        "intermediate_size": values["intermediate_size"],
        "num_hidden_layers": layers,
        "num_attention_heads": values["num_attention_heads"],
        "num_key_value_heads": values["num_attention_heads"] if key_value_heads is None else key_value_heads,
        "head_dim": values.get("head_dim"),
        "attention_bias": values.get("attention_bias", False),
        "qk_norm": kind == "qwen3",
        "no_rope_layer_interval": interval,
        "nope_layers": nope_layers,
        "rope_theta": theta,
        "sliding_window": window,
        "sliding_window_layers": window_layers,
        "mlp": acts[act],
        "rms_norm_eps": values.get("rms_norm_eps", 1e-6),
        "max_position_embeddings": values.get("max_position_embeddings", 2048),
        "tie_word_embeddings": values.get("tie_word_embeddings", kind == "smollm3"),
        "initializer_range": values.get("initializer_range", 0.02),
    }
    return replace(_build(settings), rope_scaling=scaling)


def _read_ours(values: Mapping[str, Any]) -> ModelConfig:
    """Strictly: what is unknown may change what the model computes."""
    theta, scaling = read_rope_settings(values)
    beside = {"model_type", "dtype", "bos_token_id", "eos_token_id", "pad_token_id"}
    beside |= {"rope_parameters", "rope_scaling", "rope_theta"}
    settings = {name: value for name, value in values.items() if name not in beside}
    return replace(_build(settings | {"rope_theta": theta}), rope_scaling=scaling)


def _build(settings: dict[str, Any]) -> ModelConfig:
    """Types and ranges are checked as those of a recipe are; None: left out."""
    return from_values(ModelConfig, {name: value for name, value in settings.items() if value is not None})


def _nope_layers(values: Mapping[str, Any], layers: int) -> tuple[int, tuple[int, ...] | None]:
    """The interval of layers without rotary embedding, and their list where they are no interval."""
    listed = values.get("no_rope_layers")
    if not listed:
        return values.get("no_rope_layer_interval", 4), None
    if len(listed) < layers:
        raise ValueError(f"no_rope_layers has {len(listed)} entries for {layers} layers")
    # An entry of 1 means that rotary embedding IS used.
    nope = tuple(layer for layer, uses_rope in enumerate(listed[:layers]) if not uses_rope)
    interval = nope[0] + 1 if nope else 0
    regular = tuple(range(interval - 1, layers, interval)) if nope else ()
    return (interval, None) if nope == regular else (0, nope)


def _sliding_window(
    values: Mapping[str, Any], layers: int, interval: int, nope_layers: tuple[int, ...] | None
) -> tuple[int | None, tuple[int, ...] | None]:
    """The window, and the layers that have it."""
    window = values.get("sliding_window")
    if not values.get("use_sliding_window") or window is None:
        return None, None
    types = values.get("layer_types")
    if types is not None:
        if len(types) < layers:
            raise ValueError(f"layer_types has {len(types)} entries for {layers} layers")
        narrow = [layer for layer, kind in enumerate(types[:layers]) if kind == "sliding_attention"]
    elif values["model_type"] == "qwen3":
        narrow = list(range(values.get("max_window_layers", 28), layers))
    else:  # transformers' default for SmolLM3: the layers without rotary embedding
        listed = nope_layers if nope_layers is not None else range(interval - 1, layers, interval) if interval else ()
        narrow = list(listed)
    if not narrow:
        return None, None
    return window, None if len(narrow) == layers else tuple(narrow)
