"""Rotary settings in a config.json: read in the dialects of transformers 4 and 5, written for both.

    transformers 5   "rope_parameters": {"rope_type": "yarn", "rope_theta": 5e6, "factor": 2.0, ...}
    transformers 4   "rope_theta": 5e6, "rope_scaling": {"rope_type": "yarn", "factor": 2.0, ...}

Older files say "type" instead of "rope_type".
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from smollab.model.rope import PositionInterpolation, RopeScaling
from smollab.model.yarn import Yarn, yarn_attention_factor

DEFAULT_THETA = {"llama": 10_000.0, "qwen3": 10_000.0, "smollm3": 2_000_000.0, "smollab": 10_000.0}
"""What transformers takes where a config.json names no theta."""


def read_rope_settings(values: Mapping[str, Any]) -> tuple[float, PositionInterpolation | Yarn | None]:
    """Theta and scaling from the content of a config.json.

    Raises:
        ValueError: a scaling that is not supported, or one that lacks a setting.
    """
    settings = values.get("rope_parameters") or values.get("rope_scaling") or {}
    if not isinstance(settings, Mapping):
        raise ValueError(f"rope_parameters: expected an object, got {settings!r}")
    theta = settings.get("rope_theta") or values.get("rope_theta") or DEFAULT_THETA[values["model_type"]]
    kind = settings.get("rope_type", settings.get("type", "default"))
    if kind == "default":
        return float(theta), None
    if kind == "linear":
        return float(theta), PositionInterpolation(factor=_factor(settings, values))
    if kind == "yarn":
        return float(theta), _read_yarn(settings, values)
    raise ValueError(f"rope_type {kind!r} is not supported; use default, linear or yarn")


def write_rope_settings(theta: float, scaling: RopeScaling | None) -> dict[str, Any]:
    """The keys of a config.json, in both dialects.

    Raises:
        TypeError: a scaling that config.json has no name for.
    """
    if scaling is None:
        return {"rope_parameters": {"rope_type": "default", "rope_theta": theta}, "rope_theta": theta}
    if isinstance(scaling, PositionInterpolation):
        named: dict[str, Any] = {"rope_type": "linear", "factor": scaling.factor}
    elif isinstance(scaling, Yarn):
        named = {"rope_type": "yarn", **asdict(scaling)}
    else:
        raise TypeError(f"{type(scaling).__name__} has no name in a config.json")
    return {"rope_parameters": named | {"rope_theta": theta}, "rope_theta": theta, "rope_scaling": named}


def _read_yarn(settings: Mapping[str, Any], values: Mapping[str, Any]) -> Yarn:
    original = settings.get("original_max_position_embeddings") or values.get("max_position_embeddings")
    if not original:
        raise ValueError("rope_type yarn needs original_max_position_embeddings")
    factor, mscale = _factor(settings, values), settings.get("mscale")
    attention_factor = settings.get("attention_factor")
    if attention_factor is None and mscale and settings.get("mscale_all_dim"):  # DeepSeek's two scales
        mscales = (yarn_attention_factor(factor, m) for m in (mscale, settings["mscale_all_dim"]))
        attention_factor = next(mscales) / next(mscales)
    return Yarn(
        factor=factor,
        original_max_position_embeddings=int(original),
        beta_fast=float(settings.get("beta_fast") or 32.0),
        beta_slow=float(settings.get("beta_slow") or 1.0),
        attention_factor=float(attention_factor or 0.0),
        truncate=bool(settings.get("truncate", True)),
    )


def _factor(settings: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    factor = settings.get("factor")
    if factor is None and settings.get("original_max_position_embeddings"):
        factor = values["max_position_embeddings"] / settings["original_max_position_embeddings"]
    if not isinstance(factor, int | float) or isinstance(factor, bool) or factor <= 0:
        raise ValueError(f"the rotary scaling needs a factor above 0, not {factor!r}")
    return float(factor)
