"""The decoder: embedding, blocks, final norm. From token ids to hidden states.

    x = x + attention(norm(x));  x = x + mlp(norm(x))

It stops at the hidden states on purpose: the objective owns the unembedding, so that the logits of a whole batch
(tokens * vocab_size numbers, the largest thing in training a small model) never need to exist.

Source: SmolLM3 (Hugging Face, 2025); initialization as in nanotron. State-dict names are those of
`transformers.SmolLM3Model`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smollab.model.attention import Attention, document_lengths
from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.mlp import SwiGLU
from smollab.model.norms import RMSNorm
from smollab.model.rope import rope_cos_sin


class Block(nn.Module):
    """One layer: attention and MLP, each on a normalized copy and added to the residual stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = SwiGLU(config)

    def forward(
        self, x: Tensor, cos_sin: tuple[Tensor, Tensor], lengths: list[int], cache: KVCache | None = None
    ) -> Tensor:
        """Map (tokens, hidden) to the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), cos_sin, lengths, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Transformer(nn.Module):
    """A SmolLM3-architecture language model.

    Args:
        config: its shape.
        seed: of the initial weights.
    """

    def __init__(self, config: ModelConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.embed_tokens.weight
        self.initialize(seed)

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw all weights from normal distributions; the same seed gives the same weights."""
        generator = torch.Generator(device=self.embed_tokens.weight.device).manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                continue  # norms stay at one
            std = self.config.initializer_range
            if self.config.depth_scaled_init and name.endswith(("o_proj.weight", "down_proj.weight")):
                # 2 * layers matrices write to the residual stream; their sum should not grow with depth.
                std /= math.sqrt(2 * self.config.num_hidden_layers)
            parameter.normal_(0.0, std, generator=generator)

    def forward(
        self,
        tokens: Tensor,
        document_ids: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """Hidden states after the final norm.

        Args:
            tokens: (batch, seq) token ids.
            document_ids: (batch, seq); a token sees only equal ids. Left out: each row is one document.
            positions: (batch, seq) for the rotary embedding. Left out: counted from 0, or from the cache's end.
            cache: earlier tokens, all of which the new ones see; it is extended.

        Returns:
            (batch, seq, hidden)

        Raises:
            ValueError: document ids together with a cache.
        """
        batch, length = tokens.shape
        if cache is not None and document_ids is not None:
            raise ValueError("a cache holds one document per row: document_ids cannot be given with it")
        if positions is None:
            start = cache.length if cache else 0
            positions = torch.arange(start, start + length, device=tokens.device).expand(batch, length)
        lengths = [length] * batch if document_ids is None else document_lengths(document_ids)
        cos_sin = rope_cos_sin(positions.flatten(), self.config.head_width, self.config.rope_theta)
        x = self.embed_tokens(tokens.flatten())
        for layer in self.layers:
            x = layer(x, cos_sin, lengths, cache)
        if cache is not None:
            cache.length += length
        return self.norm(x).view(batch, length, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every next token, (..., vocab_size) from (..., hidden)."""
        return F.linear(hidden, self.lm_head.weight)

    def num_parameters(self) -> int:
        """Numbers learned; tied matrices count once."""
        return sum(parameter.numel() for parameter in self.parameters())
