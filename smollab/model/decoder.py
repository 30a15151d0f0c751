"""One decoding step of a small model on a CPU, without the weight of the framework.

A model of a few million parameters multiplies so little for one token that most of the time goes into starting
operations, some forty a layer, and PyTorch's take several times as long to start as NumPy's: they choose among
devices and types, and record gradients. So the step is written out here once more, with buffers that are allocated
once. PyTorch multiplies by the weights, where its threads pay; NumPy does the small things between, on the same memory.
Weights and cache are the model's own, not copies. `benchmarks/generation.py` measures what it gains: the larger the
model, the less. The step is that of SmolLM3 and Llama; other architectures decode through `Transformer`.
"""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smollab.model.cache import KVCache
from smollab.model.mlp import GatedMLP
from smollab.model.parametrization import Multipliers, multipliers
from smollab.model.rope import rope_cos_sin
from smollab.model.transformer import Block, Transformer

Array = NDArray[np.float32]
SMOLLM3 = {"attention_bias": False, "qk_norm": False, "sliding_window": None, "mlp": "swiglu", "norm": "rmsnorm"}
SMOLLM3 |= {"norm_placement": "pre", "logit_softcap": None}


class Decoder:
    """The next logits from one new token of each row.

    Args:
        model: one that is supported.
        cache: filled by the model with the prompts; every step extends it.
    """

    def __init__(self, model: Transformer, cache: KVCache) -> None:
        config, batch = model.config, len(cache.lengths)
        self.config, self.cache, self.rows = config, cache, np.arange(batch)
        self.embedding, self.unembedding = _array(model.embed_tokens.weight), model.lm_head.weight.t()
        blocks = [cast(Block, block) for block in model.layers]
        self.layers = [_Layer(block, cache, layer) for layer, block in enumerate(blocks)]
        self.norm = _array(model.norm.weight)
        angles = rope_cos_sin(torch.arange(cache.capacity), config.head_width, config.rope_theta, config.rope_scaling)
        self.cos, self.sin = (_array(table[:, 0]) for table in angles)
        query = config.num_attention_heads * config.head_width
        key = config.num_key_value_heads * config.head_width
        self.normed, self.normed_array = _buffer(batch, config.hidden_size)
        self.projected, projected = _buffer(batch, query + 2 * key)
        self.qkv = self.projected.split((query, key, key), dim=1)
        self.heads = projected.reshape(batch, -1, config.head_width)
        self.attended, attended = _buffer(batch, query)
        self.attended_heads = attended.reshape(batch, config.num_key_value_heads, -1, config.head_width)
        self.gate, self.gate_array = _buffer(batch, config.mlp_width)
        self.up, self.up_array = _buffer(batch, config.mlp_width)
        self.added, self.added_array = _buffer(batch, config.hidden_size)

    @staticmethod
    def supports(model: Transformer) -> bool:
        """Whether a model is of SmolLM3's architecture, in float32 on the CPU."""
        weight = model.embed_tokens.weight
        plain = all(getattr(model.config, name) == value for name, value in SMOLLM3.items())
        plain &= multipliers(model.config) == Multipliers(embedding=1, query=1, residual=1, hidden=1)
        return plain and weight.device.type == "cpu" and weight.dtype == torch.float32

    def step(self, tokens: Tensor) -> Tensor:
        """Logits (batch, vocab_size) after one more token of each row, (batch,)."""
        past = self.cache.lengths
        one_each = [1] * len(past)
        self.cache.check(one_each, len(tokens))
        slots, end = np.array(past), max(past) + 1
        place: Any = (slice(None), slice(None), past[0])
        hide = None
        if min(past) < max(past):
            place = (self.rows, slice(None), slots)
            hide = np.where(np.arange(end) > slots[:, None], np.float32(-np.inf), np.float32(0))[:, None, None]
        rotation = rotations(self.cos[slots], self.sin[slots])
        x: Array = self.embedding[tokens.numpy()]
        for layer in self.layers:
            self._norm(x, layer.attention_norm)
            for projection, output in zip(layer.to_qkv, self.qkv, strict=True):
                torch.mm(self.normed, projection, out=output)
            self._attend(layer, rotation, place, end, hide)
            torch.mm(self.attended, layer.to_output, out=self.added)
            x = x + self.added_array
            self._norm(x, layer.mlp_norm)
            torch.mm(self.normed, layer.to_gate, out=self.gate)
            torch.mm(self.normed, layer.to_up, out=self.up)
            gate = self.gate_array
            np.multiply(gate / (1 + np.exp(-gate)), self.up_array, out=gate)
            torch.mm(self.gate, layer.to_down, out=self.added)
            x = x + self.added_array
        self.cache.advance(one_each)
        self._norm(x, self.norm)
        return self.normed @ self.unembedding

    def _norm(self, x: Array, weight: Array) -> None:
        """RMSNorm into `self.normed`."""
        mean_square = np.vecdot(x, x) / np.float32(x.shape[1])
        inverse = 1 / np.sqrt(mean_square + np.float32(self.config.rms_norm_eps))
        np.multiply(x * inverse[:, None], weight, out=self.normed_array)

    def _attend(self, layer: "_Layer", rotation: Array, place: Any, end: int, hide: Array | None) -> None:
        """From `self.qkv` to `self.attended`, storing keys and values."""
        config, batch = self.config, len(self.rows)
        queries, keys = config.num_attention_heads, config.num_key_value_heads
        heads = self.heads
        if layer.use_rope:
            heads[:, : queries + keys] = heads[:, : queries + keys] @ rotation
        layer.keys[place] = heads[:, queries : queries + keys]
        layer.values[place] = heads[:, queries + keys :]
        grouped = heads[:, :queries].reshape(batch, keys, -1, config.head_width)
        scores = grouped @ layer.keys[:, :, :end].swapaxes(2, 3)
        scores *= np.float32(config.head_width**-0.5)
        if hide is not None:
            scores += hide
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        np.matmul(scores, layer.values[:, :, :end], out=self.attended_heads)


class _Layer:
    """The weights of a block and its part of the cache, as the step uses them."""

    def __init__(self, block: Block, cache: KVCache, layer: int) -> None:
        attention, mlp = block.self_attn, cast(GatedMLP, block.mlp)
        self.use_rope = attention.use_rope
        self.attention_norm = _array(block.input_layernorm.weight)
        self.to_qkv = [part.weight.detach().t() for part in (attention.q_proj, attention.k_proj, attention.v_proj)]
        self.to_output = attention.o_proj.weight.detach().t()
        self.mlp_norm = _array(block.post_attention_layernorm.weight)
        self.to_gate, self.to_up = mlp.gate_proj.weight.detach().t(), mlp.up_proj.weight.detach().t()
        self.to_down = mlp.down_proj.weight.detach().t()
        self.keys, self.values = _array(cache.keys[layer]), _array(cache.values[layer])


def rotations(cos: Array, sin: Array) -> Array:
    """What RoPE does to a head's channels as a matrix of each row, so that one product turns all heads.

    Args:
        cos: (batch, head_dim / 2), of each row's position.
        sin: the same.

    Returns:
        (batch, head_dim, head_dim), to multiply row vectors by.
    """
    batch, half = cos.shape
    matrix, pair = np.zeros((batch, 2 * half, 2 * half), np.float32), np.arange(half)
    matrix[:, pair, pair] = matrix[:, pair + half, pair + half] = cos
    matrix[:, pair, pair + half], matrix[:, pair + half, pair] = sin, -sin
    return matrix


def _buffer(*shape: int) -> tuple[Tensor, Array]:
    """Memory to be written anew in every step, for PyTorch and for NumPy."""
    tensor = torch.empty(shape)
    return tensor, _array(tensor)


def _array(tensor: Any) -> Array:
    """The same memory as a NumPy array."""
    array: Array = tensor.detach().numpy()
    return array
