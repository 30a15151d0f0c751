"""Generation: one token after the other, each drawn from the model's distribution of the next.

The prompts are read once, all their tokens together (prefill: large matrix products, bound by arithmetic); then every
step reads one token a row against the cache (decode: the weights pass once for each token, bound by memory).
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence

import torch
from torch import Tensor

from smollab.model.cache import KVCache
from smollab.model.decoder import Decoder
from smollab.model.sampling import FREE, Sampling, sample
from smollab.model.transformer import Transformer


def generate(
    model: Transformer,
    prompt: Tensor,
    max_new_tokens: int,
    sampling: Sampling = FREE,
    eos_token_id: int | Collection[int] | None = None,
    seed: int = 0,
) -> Iterator[int]:
    """Continue a prompt, yielding each new token as soon as it is known.

    Args:
        model: the model.
        prompt: (seq,) token ids, at least one.
        max_new_tokens: stop after so many.
        sampling: how tokens are drawn; left out: from the model's own distribution.
        eos_token_id: stop before this token, or any of these.
        seed: of the draws.

    Raises:
        ValueError: as `generate_batch`.
    """
    for (token,) in generate_batch(model, [prompt], max_new_tokens, sampling, eos_token_id, [seed]):
        if token is not None:
            yield token


@torch.inference_mode()
def generate_batch(
    model: Transformer,
    prompts: Sequence[Tensor],
    max_new_tokens: int,
    sampling: Sampling = FREE,
    eos_token_id: int | Collection[int] | None = None,
    seeds: Sequence[int] | None = None,
) -> Iterator[list[int | None]]:
    """Continue several prompts side by side, yielding a token of each at every step.

    What a row becomes does not depend on the rows beside it: prompts of different lengths need no padding, and each
    row draws with a seed of its own.

    Args:
        model: the model.
        prompts: (seq,) token ids, at least one each; lengths may differ.
        max_new_tokens: stop after so many steps.
        sampling: how tokens are drawn; left out: from the model's own distribution.
        eos_token_id: a row ends before this token, or any of these, and is None from then on.
        seeds: of the rows' draws; left out: 0, 1, 2, ...

    Raises:
        ValueError: no prompt, an empty one, a token outside the vocabulary, more tokens than the model has positions
            for; all before anything is computed. Also logits that are not numbers, because the weights are not.
    """
    seeds = range(len(prompts)) if seeds is None else seeds
    _check(model, prompts, max_new_tokens, seeds)
    weight, lengths = model.embed_tokens.weight, [len(prompt) for prompt in prompts]
    cache = KVCache(model.config, len(prompts), max(lengths) + max_new_tokens, weight.dtype, weight.device)
    packed = torch.cat(list(prompts)).to(weight.device)
    generators = [torch.Generator(device=weight.device).manual_seed(seed) for seed in seeds]
    seen = None
    if sampling.repetition_penalty != 1:
        seen = torch.zeros(len(prompts), model.config.vocab_size, dtype=torch.bool, device=weight.device)
        rows = torch.arange(len(prompts)).repeat_interleave(torch.tensor(lengths)).to(weight.device)
        seen[rows, packed] = True
    going = [True] * len(prompts)
    ends = {eos_token_id} if eos_token_id is None or isinstance(eos_token_id, int) else set(eos_token_id)
    if max_new_tokens:
        last = torch.tensor(lengths).cumsum(0) - 1
        logits = model.logits(model(packed[None], cache=cache, row_lengths=lengths)[0, last.to(weight.device)])
    step = _make_step(model, cache)
    for remaining in range(max_new_tokens - 1, -1, -1):
        if not math.isfinite(logits.max()):
            raise ValueError("the logits are not finite numbers: weights of the model are damaged, or it has diverged")
        tokens = sample(logits, sampling, generators, seen)
        drawn = tokens.tolist()
        going = [row and token not in ends for row, token in zip(going, drawn, strict=True)]
        if not any(going):
            return
        yield [token if row else None for row, token in zip(going, drawn, strict=True)]
        if remaining:
            if seen is not None:
                seen.scatter_(1, tokens[:, None], True)
            logits = step(tokens)


def room(model: Transformer, prompt_tokens: int) -> int:
    """The most new tokens that the model has positions for, behind a prompt of so many."""
    return max(0, model.config.max_position_embeddings - prompt_tokens)


def _make_step(model: Transformer, cache: KVCache) -> Callable[[Tensor], Tensor]:
    """What maps a new token of each row to the next logits."""
    if Decoder.supports(model):
        return Decoder(model, cache).step
    return lambda tokens: model.logits(model(tokens[:, None], cache=cache)[:, 0])


def _check(model: Transformer, prompts: Sequence[Tensor], max_new_tokens: int, seeds: Sequence[int]) -> None:
    config = model.config
    if not prompts or len(seeds) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts and {len(seeds)} seeds were given; at least one prompt is needed")
    if any(prompt.ndim != 1 or len(prompt) == 0 for prompt in prompts):
        raise ValueError("a prompt must be one row of at least one token; begin with the BOS token")
    if any(not 0 <= int(prompt.min()) <= int(prompt.max()) < config.vocab_size for prompt in prompts):
        raise ValueError(f"the prompt holds tokens outside the model's vocabulary of {config.vocab_size}")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens ({max_new_tokens}) must be at least 0")
    longest = max(len(prompt) for prompt in prompts)
    if longest + max_new_tokens > config.max_position_embeddings:
        raise ValueError(
            f"a prompt of {longest} tokens and max_new_tokens ({max_new_tokens}) exceed the model's "
            f"max_position_embeddings ({config.max_position_embeddings}): ask for fewer, or shorten the prompt"
        )
