"""What notebook 2.2 looks at: decay of scores, slowed frequencies, and a small model that finds keys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from smollab.experiments.crawl import join_lines, read_pages
from smollab.experiments.long_context import SCALINGS
from smollab.lab.runs import REPOSITORY
from smollab.model.extend import METHODS, Method
from smollab.model.huggingface import load_huggingface
from smollab.model.rope import PositionInterpolation, RopeScaling, ntk_theta, rope_frequencies
from smollab.model.yarn import Yarn
from smollab.recipe import load_recipe
from smollab.tokens.tokenize import is_held_out
from smollab.tokens.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from smollab.model.transformer import Transformer

MODEL = REPOSITORY / "notebooks" / "results" / "passkey-model"
"""The model `RoPE, as trained` with seed 1 of `smollab ablate context`, in half precision."""
METHOD_NAMES: dict[str, Method] = {"as trained": "none", **SCALINGS}  # type: ignore[dict-item]
"""What notebook and panels call the methods of `smollab.model.extend`."""


def method_frequencies(
    method: Method, head_dim: int, theta: float, trained_length: int, factor: float
) -> tuple[torch.Tensor, float]:
    """Frequency of each channel pair with a method, and the factor on attention's logits.

    Raises:
        ValueError: an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}; known: {', '.join(METHODS)}")
    if method == "none" or factor <= 1:
        return rope_frequencies(head_dim, theta), 1.0
    if method == "ntk":
        return rope_frequencies(head_dim, ntk_theta(theta, factor, head_dim)), 1.0
    scaling: RopeScaling = (
        Yarn(factor=factor, original_max_position_embeddings=trained_length)
        if method == "yarn"
        else PositionInterpolation(factor=factor)
    )
    return scaling.frequencies(head_dim, theta), scaling.attention_factor**2


def score_decay(frequencies: torch.Tensor, distances: Sequence[float], sharpening: float = 1.0) -> list[float]:
    """Score of a query and an equal key with the same weight in every pair, by distance: the mean of the cosines."""
    angles = torch.tensor(distances)[:, None] * frequencies
    scores: list[float] = (sharpening * angles.cos().mean(dim=1)).tolist()
    return scores


def load_passkey_model() -> "tuple[Transformer, Tokenizer, np.ndarray]":
    """The committed small model, its tokenizer, and tokens of text that it was not trained on.

    Raises:
        CheckpointError: the model's folder is incomplete.
    """
    model, tokenizer = load_huggingface(MODEL).eval(), load_tokenizer(MODEL)
    recipe = load_recipe("ablation-context")
    texts = [
        join_lines(document.text)
        for document in read_pages("short", recipe.data.sources["short"])
        if is_held_out(document.id, recipe.data.held_out)
    ]
    rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return model, tokenizer, np.concatenate(rows)
