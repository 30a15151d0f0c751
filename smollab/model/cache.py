"""The key-value cache: what attention remembers of the tokens already read.

Pre-allocated for a whole sequence, so that decoding writes in place and never copies what it has. Its size in
bytes is layers * 2 * batch * key_value_heads * length * head_dim * bytes per number: grouped-query attention
divides it by query heads per key-value head.
"""

import torch
from torch import Tensor

from smollab.model.config import ModelConfig


class KVCache:
    """Keys and values of every layer, each (batch, key_value_heads, capacity, head_dim)."""

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
        self.length = 0
        """Tokens already stored; the model advances it once per forward pass."""

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values (batch, heads, new, head_dim) and return all up to and including them.

        Raises:
            ValueError: the cache is full.
        """
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError(f"the cache holds {self.capacity} tokens; {end} were needed: make it larger")
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    @property
    def bytes(self) -> int:
        """Memory held."""
        return 2 * self.keys.numel() * self.keys.element_size()
