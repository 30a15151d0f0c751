"""What a model says about the next token: its distribution, how surprised it is, and how a draw is shaped."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from smollab.model.sampling import FREE, Sampling, shape_distribution
from smollab.model.transformer import Transformer
from smollab.tokens.tokenizer import BOS, EOS, PAD

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LAST_DRAWN = 0x2FFF
"""The font of the figures knows the alphabets below this code point, and not the scripts of East Asia above."""
SHORT_NAMES = {BOS: "BOS", EOS: "EOS", PAD: "PAD"}


@dataclass(frozen=True)
class NextToken:
    """The likeliest next tokens, as the model gives them and as they are drawn from."""

    labels: list[str]
    """Likeliest first."""
    model: np.ndarray
    """Their probabilities at temperature 1, all tokens allowed."""
    drawn: np.ndarray
    """Their probabilities after temperature and top-p; zero where top-p cuts."""
    entropy_bits: float
    """Of the whole distribution as drawn."""
    allowed: int
    """Tokens that can still be drawn."""


@torch.inference_mode()
def next_logits(model: Transformer, tokens: Tensor) -> Tensor:
    """Scores (vocab_size,) of every token that could follow (seq,) tokens."""
    return model.logits(model(tokens[None])[0, -1]).float()


def describe_next_token(
    logits: Tensor, tokenizer: "Tokenizer", temperature: float, top_p: float, num_tokens: int = 12
) -> NextToken:
    """The likeliest tokens of a distribution, with labels a reader can tell apart."""
    plain, drawn = shape_distribution(logits, FREE), shape_distribution(logits, Sampling(temperature, top_p))
    likeliest = plain.topk(num_tokens).indices
    return NextToken(
        labels=[token_label(tokenizer, int(index)) for index in likeliest],
        model=plain[likeliest].numpy(),
        drawn=drawn[likeliest].numpy(),
        entropy_bits=entropy_bits(drawn),
        allowed=int((drawn > 0).sum()),
    )


def entropy_bits(probabilities: Tensor) -> float:
    """Average surprise, in bits: 0 when one token is certain, log2(vocab_size) when all are alike."""
    return float(torch.special.entr(probabilities).sum()) / math.log(2)


@torch.inference_mode()
def entropies_bits(model: Transformer, tokens: Tensor) -> np.ndarray:
    """How uncertain the model is after each of (seq,) tokens about the one that follows, in bits."""
    log_probabilities = model.logits(model(tokens[None])[0]).float().log_softmax(-1)
    entropies: np.ndarray = (-(log_probabilities.exp() * log_probabilities).sum(-1) / math.log(2)).numpy()
    return entropies


@torch.inference_mode()
def surprise_bits(model: Transformer, tokens: Tensor) -> np.ndarray:
    """-log2 p of each of (seq,) tokens but the first, given those before it."""
    log_probabilities = model.logits(model(tokens[None])[0, :-1]).float().log_softmax(-1)
    surprise: np.ndarray = (-log_probabilities.gather(1, tokens[1:, None])[:, 0] / math.log(2)).numpy()
    return surprise


def token_label(tokenizer: "Tokenizer", token: int) -> str:
    """A token as a short label: spaces and line ends made visible, what cannot be drawn as its number."""
    text = tokenizer.decode([token], skip_special_tokens=False)
    if text in SHORT_NAMES:
        return SHORT_NAMES[text]
    shown = text.replace(" ", "\u2423").replace("\n", "\\n").replace("\t", "\\t")
    if not shown.isprintable() or any(ord(character) > LAST_DRAWN or character == "\ufffd" for character in shown):
        return f"token {token}"
    return shown
