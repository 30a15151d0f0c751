"""The shape of a model: the recipe's `[model]` section completed by the vocabulary."""

from dataclasses import dataclass, fields
from typing import Any

from smollab.model.rope import PositionInterpolation
from smollab.model.rope_settings import write_rope_settings
from smollab.model.yarn import Yarn
from smollab.recipe import Model


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Model):
    """Everything needed to build a model; names as in `transformers.SmolLM3Config`."""

    vocab_size: int = 128_256
    """Rows of the embedding."""
    rope_scaling: PositionInterpolation | Yarn | None = None
    """What changes the rotary frequencies for sequences longer than those of training."""

    @classmethod
    def from_recipe(cls, model: Model, vocab_size: int) -> "ModelConfig":
        """Complete a recipe's section."""
        return cls(**{f.name: getattr(model, f.name) for f in fields(model)}, vocab_size=vocab_size)

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
            "no_rope_layers": [int(self.uses_rope(layer)) for layer in range(self.num_hidden_layers)],
            **write_rope_settings(self.rope_theta, self.rope_scaling),
            # transformers 4 reads this one at the top level.
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
