"""Generation: one token after the other, each drawn from the model's distribution of the next."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from smollab.model.cache import KVCache
from smollab.model.transformer import Transformer


@torch.inference_mode()
def generate(
    model: Transformer,
    prompt: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    eos_token_id: int | None = None,
    seed: int = 0,
) -> Iterator[int]:
    """Continue a prompt, yielding each new token as soon as it is known.

    The prompt is read once (prefill), then every step reads one token against the cache.

    Args:
        model: the model.
        prompt: (seq,) token ids, at least one.
        max_new_tokens: stop after so many.
        temperature: 0 takes the likeliest token (greedy).
        top_p: draw among the likeliest tokens that together have this probability (nucleus sampling).
        eos_token_id: stop before this token.
        seed: of the draws.

    Raises:
        ValueError: an empty prompt, or a token, number of tokens, temperature or top_p out of range.
    """
    if prompt.ndim != 1 or len(prompt) == 0:
        raise ValueError("the prompt must be one row of at least one token; begin with the BOS token")
    if not 0 <= int(prompt.min()) <= int(prompt.max()) < model.config.vocab_size:
        raise ValueError(f"the prompt holds tokens outside the model's vocabulary of {model.config.vocab_size}")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens ({max_new_tokens}) must be >= 0")
    if not 0 <= temperature < math.inf or not 0 < top_p <= 1:
        raise ValueError(f"temperature ({temperature}) must be >= 0 and top_p ({top_p}) in (0, 1]")
    device = model.embed_tokens.weight.device
    generator = torch.Generator(device=device).manual_seed(seed)
    cache = KVCache(model.config, 1, len(prompt) + max_new_tokens, dtype=model.embed_tokens.weight.dtype, device=device)
    tokens = prompt.to(device)[None]
    for _ in range(max_new_tokens):
        logits = model.logits(model(tokens, cache=cache)[0, -1])
        token = sample(logits, temperature, top_p, generator)
        if int(token) == eos_token_id:
            return
        yield int(token)
        tokens = token.view(1, 1)


def sample(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None = None) -> Tensor:
    """Draw one token from logits (vocab_size,)."""
    if temperature == 0:
        return logits.argmax()
    return torch.multinomial(shape_distribution(logits, temperature, top_p), 1, generator=generator)[0]


def shape_distribution(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    """The distribution that is drawn from, (vocab_size,).

    Dividing the logits by a temperature below one sharpens the distribution, above one flattens it; at zero only
    the likeliest token is left. Top-p then keeps the likeliest tokens that together have that probability.
    """
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)
    ordered, order = probabilities.sort(descending=True)
    # A token stays if those before it do not yet have top_p; the first always stays.
    kept = torch.where(ordered.cumsum(0) - ordered < top_p, ordered, 0)
    return torch.zeros_like(probabilities).scatter(0, order, kept / kept.sum())
