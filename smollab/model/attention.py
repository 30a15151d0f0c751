"""Grouped-query causal attention, confined to documents.

Several query heads share one key-value head (GQA; Ainslie et al. 2023), which shrinks the cache. Some layers use
no position embedding at all (NoPE; Yang et al. 2025), which helps at lengths beyond training. In a packed batch a
token sees only its own document (intra-document masking; Zhao et al. 2024).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.document_attention import document_attention
from smollab.model.flex_attention import FlexDocuments
from smollab.model.norms import RMSNorm
from smollab.model.parametrization import multipliers
from smollab.model.rope import apply_rope


class Attention(nn.Module):
    """The attention of a block: project, rotate (or not), attend, project back."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        width, heads, key_value_heads = config.head_width, config.num_attention_heads, config.num_key_value_heads
        self.layer, self.head_dim = layer, width
        self.use_rope, self.window = config.uses_rope(layer), config.window(layer)
        self.query_multiplier = multipliers(config).query
        self.q_proj = nn.Linear(config.hidden_size, heads * width, bias=config.attention_bias)
        self.k_proj = nn.Linear(config.hidden_size, key_value_heads * width, bias=config.attention_bias)
        self.v_proj = nn.Linear(config.hidden_size, key_value_heads * width, bias=config.attention_bias)
        self.o_proj = nn.Linear(heads * width, config.hidden_size, bias=config.attention_bias)
        self.q_norm: nn.Module = RMSNorm(width, config.rms_norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm: nn.Module = RMSNorm(width, config.rms_norm_eps) if config.qk_norm else nn.Identity()

    def forward(
        self,
        x: Tensor,
        cos_sin: tuple[Tensor, Tensor],
        lengths: Sequence[int] | FlexDocuments,
        cache: KVCache | None = None,
    ) -> Tensor:
        """Attend within documents, or to everything in the cache.

        Args:
            x: (tokens, hidden), the flattened batch.
            cos_sin: rotary angles of each token.
            lengths: tokens of each document, or an accelerator's mask; with a cache: new tokens of each row.
            cache: keys and values of earlier tokens; the new ones are appended.

        Returns:
            (tokens, hidden)
        """
        heads = (-1, self.head_dim)
        query = self.q_norm(self.q_proj(x).unflatten(-1, heads))
        if self.query_multiplier != 1:
            query = query * self.query_multiplier
        key = self.k_norm(self.k_proj(x).unflatten(-1, heads))
        value = self.v_proj(x).unflatten(-1, heads)
        if self.use_rope:
            query, key = apply_rope(query, *cos_sin), apply_rope(key, *cos_sin)
        if cache is None:
            output = self.attend(query, key, value, lengths)
        else:
            if isinstance(lengths, FlexDocuments):
                raise ValueError("a cache holds one document per row: document_ids cannot be given with it")
            output = cache.attend(self.layer, query, key, value, lengths, self.window)
        return self.o_proj(output.flatten(1))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, documents: Sequence[int] | FlexDocuments) -> Tensor:
        """Attention within documents, of (tokens, heads, head_dim) to the same shape; what observes it wraps this."""
        return document_attention(query, key, value, documents, self.window)
