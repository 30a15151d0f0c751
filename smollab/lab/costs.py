"""What the accountant says about variants of a model, and measurements to hold it against."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.decoder import Decoder
from smollab.model.document_attention import grouped_query_attention
from smollab.model.transformer import Transformer
from smollab.recipe import Recipe
from smollab.scaling.accountant import Cost, estimate
from smollab.scaling.flops import Flops, decoding_flops
from smollab.scaling.memory import kv_cache_bytes
from smollab.scaling.parameters import parameters_by_part


def estimate_widths(recipe: Recipe, widths: Sequence[int]) -> list[Cost]:
    """The cost of a recipe at several widths, its MLP in proportion, in the recipe's own layout over devices.

    Args:
        recipe: the original.
        widths: of the residual stream; multiples of the number of attention heads.
    """
    model = recipe.model
    variants = [
        replace(model, hidden_size=width, intermediate_size=model.intermediate_size * width // model.hidden_size)
        for width in widths
    ]
    return [estimate(replace(recipe, model=variant)) for variant in variants]


def with_key_value_heads(config: ModelConfig, key_value_heads: int) -> ModelConfig:
    """The same model with another number of key-value heads."""
    return replace(config, num_key_value_heads=key_value_heads, head_dim=config.head_width)


def cache_gibibytes(config: ModelConfig, key_value_heads: int, tokens: int) -> float:
    """Size in GiB of the bfloat16 cache of one text, were there that many key-value heads."""
    return kv_cache_bytes(with_key_value_heads(config, key_value_heads), tokens) / 2**30


@dataclass(frozen=True)
class DecodeStep:
    """What one step of decoding costs: a token for each of several texts."""

    weight_bytes: float
    """Read once, whatever the number of texts."""
    cache_bytes: float
    """Keys and values of all texts, read once each."""
    flops: Flops
    """Of all texts."""

    @property
    def intensity(self) -> float:
        """Operations for each byte that is read from memory."""
        return self.flops.forward / (self.weight_bytes + self.cache_bytes)


def decode_step(config: ModelConfig, context: int, rows: int, bytes_per_number: float) -> DecodeStep:
    """The cost of writing one token to each of several texts.

    Args:
        config: of the model.
        context: tokens in each text's cache.
        rows: texts.
        bytes_per_number: of weights and cache.
    """
    one = decoding_flops(config, context)
    parts = parameters_by_part(config)
    # Of the embedding one row a text is read; of a tied one all, for the logits.
    read = parts.matrices + parts.small + (parts.unembedding or parts.embedding)
    return DecodeStep(
        weight_bytes=read * bytes_per_number,
        cache_bytes=kv_cache_bytes(config, context, bytes_per_number, rows),
        flops=Flops(*(rows * part for part in (one.matrices, one.attention, one.unembedding))),
    )


def measured_flops(model: Transformer, lengths: Sequence[int]) -> Flops:
    """Operations of the forward pass by torch's own counter, for documents of these lengths.

    Attention runs step by step, since torch counts no fused attention on a CPU; of its square half is counted.
    """
    ids = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))[None]
    counts = []
    for with_logits in (False, True):
        with torch.inference_mode(), FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            hidden = model(torch.zeros_like(ids), ids)
            if with_logits:
                model.logits(hidden)
        counts.append({str(operation): count for operation, count in counter.get_flop_counts()["Global"].items()})
    without, whole = (sum(count for name, count in c.items() if "bmm" not in name) for c in counts)
    return Flops(matrices=without, attention=counts[0]["aten.bmm"] / 2, unembedding=whole - without)


def measured_activation_bytes(model: Transformer, tokens: Tensor) -> int:
    """Bytes that autograd keeps for the backward pass of (batch, seq) tokens, the parameters aside."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def pack(tensor: Tensor) -> Tensor:
        alive.append(tensor)  # so that no address is used twice
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(tokens)
    return sum(size for address, size in kept.items() if address not in own)


def rates_by_rows(model: Transformer, rows: Sequence[int], rounds: int, steps: int = 16) -> np.ndarray:
    """Tokens per CPU second when so many texts are written side by side, relative to the first number of texts.

    Args:
        model: one that `Decoder` supports.
        rows: numbers of texts; the first is the reference.
        rounds: repetitions, interleaved, since a machine is not equally fast all the time.
        steps: tokens of each text in a round.

    Returns:
        (rounds, len(rows))
    """

    def write(count: int) -> Callable[[], None]:
        def run() -> None:
            cache = KVCache(model.config, count, 16 + steps)
            tokens = torch.arange(16).expand(count, -1)
            with torch.inference_mode():
                model(tokens, cache=cache)
                decoder = Decoder(model, cache)
                for _ in range(steps):
                    decoder.step(tokens[:, 0])

        return run

    seconds = _interleaved([write(count) for count in rows], rounds)
    return (np.array(rows) / seconds) / (rows[0] / seconds[:, :1])


def attention_times(heads: int, key_value_heads: Sequence[int], head_dim: int, context: int, rounds: int) -> np.ndarray:
    """CPU time of one token's attention to a long cache, relative to as many key-value heads as query heads.

    Args:
        heads: query heads.
        key_value_heads: what is tried; the first is the reference.
        head_dim: channels of each.
        context: tokens in the cache.
        rounds: repetitions, interleaved.

    Returns:
        (rounds, len(key_value_heads))
    """
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, heads, 1, head_dim, generator=generator)

    def attend(count: int) -> Callable[[], None]:
        keys, values = (torch.randn(1, count, context, head_dim, generator=generator) for _ in range(2))
        # Heads of a group are rows of one product with their shared keys, so that these are read once.
        grouped = query.view(1, count, heads // count, head_dim)

        def run() -> None:
            with torch.inference_mode():
                for _ in range(4):
                    grouped_query_attention(grouped, keys, values, is_causal=False)

        return run

    seconds = _interleaved([attend(count) for count in key_value_heads], rounds)
    return seconds / seconds[:, :1]


def _interleaved(contenders: Sequence[Callable[[], None]], rounds: int) -> np.ndarray:
    """CPU seconds (rounds, contenders) on one thread; a round before the first warms up."""
    seconds, threads = np.zeros((rounds + 1, len(contenders))), torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other cost time that says nothing of the work
    try:
        for round_ in range(rounds + 1):
            for place, run in enumerate(contenders):
                start = time.process_time()
                run()
                seconds[round_, place] = time.process_time() - start
    finally:
        torch.set_num_threads(threads)
    return seconds[1:]
