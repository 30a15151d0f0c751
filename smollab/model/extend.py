"""The same weights with a longer reach: what can be changed at inference so that longer sequences are read.

none            only the limit is raised; distances beyond training are new to the model
interpolation   positions are squeezed into the trained range (Chen et al. 2023)
ntk             theta is raised so that the slowest pair is (Peng et al. 2023, section 3.1)
yarn            slow pairs are squeezed, fast ones are not, attention is sharpened (Peng et al. 2023)
"""

import copy
from dataclasses import replace
from typing import Any, Literal, get_args

from smollab.model.rope import PositionInterpolation, ntk_theta
from smollab.model.transformer import Transformer
from smollab.model.yarn import Yarn

Method = Literal["none", "interpolation", "ntk", "yarn"]
METHODS: tuple[Method, ...] = get_args(Method)


def extend(model: Transformer, length: int, method: Method = "none", trained_length: int | None = None) -> Transformer:
    """A model that shares all weights with the given one and reads sequences of some length.

    Args:
        model: left as it is.
        length: tokens of the longest sequence. At or below the trained length nothing is changed.
        method: see the top of this file.
        trained_length: longest sequence of training; left out: the model's `max_position_embeddings`.

    Raises:
        ValueError: an unknown method, or a model whose frequencies are scaled already.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}; known: {', '.join(METHODS)}")
    trained = trained_length or model.config.max_position_embeddings
    factor = length / trained
    changes: dict[str, Any] = {"max_position_embeddings": max(length, model.config.max_position_embeddings)}
    if factor > 1 and method != "none":
        if model.config.rope_scaling is not None:
            raise ValueError(f"the model's frequencies are scaled already, by {model.config.rope_scaling}")
        if method == "ntk":
            changes["rope_theta"] = ntk_theta(model.config.rope_theta, factor, model.config.head_width)
        elif method == "yarn":
            changes["rope_scaling"] = Yarn(factor=factor, original_max_position_embeddings=trained)
        else:
            changes["rope_scaling"] = PositionInterpolation(factor=factor)
    extended = copy.copy(model)  # shares the parameters
    extended.config = replace(model.config, **changes)
    return extended
