"""The same model wider or deeper: what muP means by one architecture at another size."""

from dataclasses import replace
from typing import Any

from smollab.recipe import Model


def at_width(model: Model, width: int) -> Model:
    """A model of another width: heads and MLP grow in proportion, the channels of a head stay.

    Raises:
        ValueError: heads or the MLP would not be whole.
    """
    counts = {
        name: getattr(model, name) * width / model.hidden_size
        for name in ("intermediate_size", "num_attention_heads", "num_key_value_heads")
    }
    broken = [name for name, count in counts.items() if not count.is_integer() or count < 1]
    if broken:
        raise ValueError(
            f"width {width}: {broken[0]} ({getattr(model, broken[0])} at width {model.hidden_size}) would be "
            f"{counts[broken[0]]:g}; take a multiple or a divisor of {model.hidden_size}"
        )
    whole: dict[str, Any] = {name: int(count) for name, count in counts.items()}
    return replace(model, hidden_size=width, head_dim=model.head_width, **whole)


def at_depth(model: Model, layers: int) -> Model:
    """A model with another number of layers; lists of layers are dropped, intervals stay."""
    return replace(model, num_hidden_layers=layers, nope_layers=None, sliding_window_layers=None)
