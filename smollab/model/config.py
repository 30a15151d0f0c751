"""The shape of a model: the recipe's `[model]` section completed by the vocabulary."""

from dataclasses import dataclass, fields

from smollab.model.rope import PositionInterpolation
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
