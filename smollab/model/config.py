"""The shape of a model: the recipe's `[model]` section completed by the vocabulary."""

from dataclasses import dataclass, fields
from typing import Any

from smollab.recipe import Model


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Model):
    """Everything needed to build a model; names as in `transformers.SmolLM3Config`."""

    vocab_size: int = 128_256
    """Rows of the embedding."""

    @classmethod
    def from_recipe(cls, model: Model, vocab_size: int) -> "ModelConfig":
        """Complete a recipe's section."""
        return cls(**{f.name: getattr(model, f.name) for f in fields(model)}, vocab_size=vocab_size)

    @property
    def head_width(self) -> int:
        """Channels per head."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    def uses_rope(self, layer: int) -> bool:
        """Whether a layer, counted from 0, rotates its queries and keys.

        SmolLM3 leaves every fourth layer without rotary embedding: nanotron applies it iff
        `(layer + 1) % 4 != 0`. The Hugging Face list `no_rope_layers` holds 1 where RoPE IS used.
        """
        interval = self.no_rope_layer_interval
        return interval == 0 or (layer + 1) % interval != 0

    def to_huggingface(self, **token_ids: Any) -> dict[str, Any]:
        """The keyword arguments of `transformers.SmolLM3Config`.

        Args:
            token_ids: bos_token_id, eos_token_id, pad_token_id; left out: none (transformers' own defaults are
                SmolLM3's, beyond a smaller vocabulary).
        """
        return {
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_width,
            "hidden_act": "silu",
            "max_position_embeddings": self.max_position_embeddings,
            "initializer_range": self.initializer_range,
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tie_word_embeddings,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "no_rope_layers": [int(self.uses_rope(layer)) for layer in range(self.num_hidden_layers)],
            # transformers 4 reads these two at the top level.
            "rope_theta": self.rope_theta,
            "no_rope_layer_interval": self.no_rope_layer_interval or self.num_hidden_layers + 1,
            "use_sliding_window": False,
            "attention_bias": False,
            "attention_dropout": 0.0,
            "mlp_bias": False,
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
            **token_ids,
        }
