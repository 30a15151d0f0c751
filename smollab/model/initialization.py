"""The standard deviation of the initial weights of each matrix, all drawn from normal distributions around zero.

    normal         initializer_range everywhere, as `transformers` draws SmolLM3
    depth_scaled   divided by sqrt(2 * layers) for the matrices that write to the residual stream, as nanotron drew it:
                   2 * layers of them add up, and their sum should not grow with depth

muP's initialization is one of these times 1 / sqrt(width / base width) for the matrices of the blocks: it belongs to a
parametrization as a whole (`parametrization.py`). Under CompleteP the depth that `depth_scaled` takes is the base's,
since there the residual stream has a multiplier of its own.

Source: GPT-2 (Radford et al. 2019, section 2.3) for the scaling by depth; nanotron's InitScalingMethod.NUM_LAYERS.
"""

import math
from collections.abc import Callable

from smollab.model.config import ModelConfig

WRITES_TO_RESIDUAL = ("o_proj.weight", "down_proj.weight")
"""Endings of the names of the matrices whose output is added to the residual stream."""


def normal(config: ModelConfig, name: str) -> float:
    """The same deviation for every matrix."""
    return config.initializer_range


def depth_scaled(config: ModelConfig, name: str) -> float:
    """Less for the matrices that write to the residual stream."""
    if name.endswith(WRITES_TO_RESIDUAL):
        return config.initializer_range / math.sqrt(2 * (config.base_num_hidden_layers or config.num_hidden_layers))
    return config.initializer_range


INITIALIZATIONS: dict[str, Callable[[ModelConfig, str], float]] = {"normal": normal, "depth_scaled": depth_scaled}
"""By the recipe's name: from the configuration and a parameter's name to its standard deviation."""
