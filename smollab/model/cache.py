"""The key-value cache: what attention remembers of the tokens already read.

Pre-allocated for a whole sequence, so that decoding writes in place and never copies what it has. Its size in
bytes is layers * 2 * batch * key_value_heads * capacity * head_dim * bytes per number: grouped-query attention
divides it by query heads per key-value head.

Rows may hold texts of different lengths: each begins at slot 0 and grows on its own, so there is no padding that
would have to be computed or hidden, and positions are slots. New tokens come packed, row after row, as the documents
of a training batch do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from smollab.model.config import ModelConfig
from smollab.model.document_attention import document_attention, grouped_query_attention


class KVCache:
    """Keys and values of every layer, each (batch, key_value_heads, capacity, head_dim).

    Args:
        config: of the model.
        batch_size: rows.
        capacity: most tokens of a row.
        dtype: of the numbers; the model's.
        device: the model's; `meta` allocates nothing.
    """

    def __init__(
        self,
        config: ModelConfig,
        batch_size: int,
        capacity: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (config.num_hidden_layers, batch_size, config.num_key_value_heads, capacity, config.head_width)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.capacity = capacity
        self.lengths = [0] * batch_size
        """Tokens stored of each row; the model advances them once per forward pass."""

    @property
    def bytes(self) -> int:
        """Memory held."""
        return 2 * self.keys.numel() * self.keys.element_size()

    def check_model(self, config: ModelConfig) -> None:
        """Refuse a model that the cache was not made for.

        Raises:
            ValueError: other layers, key-value heads or channels per head.
        """
        theirs = config.num_hidden_layers, config.num_key_value_heads, config.head_width
        mine = self.keys.shape[0], self.keys.shape[2], self.keys.shape[4]
        if theirs != mine:
            say = "{} layers, {} key-value heads and {} channels per head".format
            raise ValueError(
                f"the cache was made for {say(*mine)}, the model has {say(*theirs)}: make it from this model's config"
            )

    def check(self, new: Sequence[int], tokens: int) -> int:
        """Refuse new tokens that do not fit, before anything is computed.

        Args:
            new: tokens to be read, of each row.
            tokens: how many were given.

        Returns:
            The length of the longest row with them.

        Raises:
            ValueError: other rows than the cache's, or more tokens than it holds.
        """
        if len(new) != len(self.lengths) or sum(new) != tokens:
            raise ValueError(
                f"the cache holds {len(self.lengths)} rows; {tokens} tokens were given for {len(new)} rows of "
                f"{', '.join(map(str, new))}"
            )
        needed = max(past + more for past, more in zip(self.lengths, new, strict=True))
        if needed > self.capacity:
            raise ValueError(f"the cache holds {self.capacity} tokens a row; {needed} were needed: make it larger")
        return needed

    def positions(self, new: Sequence[int]) -> Tensor:
        """Positions (tokens,) of new tokens, row after row: each row counts on from what it holds."""
        spans = [torch.arange(past, past + more) for past, more in zip(self.lengths, new, strict=True)]
        return torch.cat(spans).to(self.keys.device)

    def advance(self, new: Sequence[int]) -> None:
        """Count new tokens as stored, once all layers have seen them."""
        self.lengths = [past + more for past, more in zip(self.lengths, new, strict=True)]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, new: Sequence[int], window: int | None = None
    ) -> Tensor:
        """Store the new keys and values of a layer, and let the new tokens see all of their row up to themselves.

        Args:
            layer: counted from 0.
            query: (tokens, num_attention_heads, head_dim), the rows' new tokens one after the other.
            key: (tokens, num_key_value_heads, head_dim).
            value: as key.
            new: new tokens of each row; they sum to `tokens`.
            window: a token sees so many tokens, itself included; None: all before it.

        Returns:
            (tokens, num_attention_heads, head_dim)
        """
        self._store(layer, key, value, new)
        if min(new) == max(new) == 1:
            return self._attend_one_each(layer, query, window)
        if not any(self.lengths) and all(new):
            return document_attention(query, key, value, new, window)
        return torch.cat([self._attend_row(layer, row, piece, window) for row, piece in enumerate(query.split(new))])

    def _store(self, layer: int, key: Tensor, value: Tensor, new: Sequence[int]) -> None:
        rows, past, more = len(new), self.lengths[0], new[0]
        for cached, fresh in ((self.keys[layer], key), (self.values[layer], value)):
            if len(set(self.lengths)) == len(set(new)) == 1:
                cached[:, :, past : past + more] = fresh.view(rows, more, *fresh.shape[1:]).transpose(1, 2)
            else:
                for row, piece in enumerate(fresh.split(list(new))):
                    cached[row, :, self.lengths[row] : self.lengths[row] + new[row]] = piece.transpose(0, 1)

    def _attend_one_each(self, layer: int, query: Tensor, window: int | None) -> Tensor:
        """One new token of every row, in one call: what decoding does."""
        first, end, visible = 0, max(self.lengths) + 1, None
        if min(self.lengths) < max(self.lengths):
            slots = torch.arange(end, device=query.device)
            ends = torch.tensor(self.lengths, device=query.device)[:, None] + 1
            visible = (slots < ends)[:, None, None]
            if window is not None:
                visible &= (slots >= ends - window)[:, None, None]
        elif window is not None:
            first = max(0, end - window)
        keys, values = (stored[layer, :, :, first:end] for stored in (self.keys, self.values))
        return grouped_query_attention(query[:, :, None], keys, values, is_causal=False, visible=visible)[:, :, 0]

    def _attend_row(self, layer: int, row: int, query: Tensor, window: int | None) -> Tensor:
        """Several new tokens of one row, behind those it holds."""
        past, end = self.lengths[row], self.lengths[row] + len(query)
        looked_at = torch.arange(end, device=query.device)
        looking = looked_at[past:, None]
        visible = looked_at <= looking
        if window is not None:
            visible &= looked_at > looking - window
        keys, values = (stored[layer, row, None, :, :end] for stored in (self.keys, self.values))
        output = grouped_query_attention(query.transpose(0, 1)[None], keys, values, is_causal=False, visible=visible)
        return output[0].transpose(0, 1)
