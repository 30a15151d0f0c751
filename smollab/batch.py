"""What the data side hands to the training side: a batch of packed sequences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

IGNORE_INDEX = -100
"""Target of a position where nothing is to be predicted, as in `torch.nn.functional.cross_entropy`."""


@dataclass(frozen=True)
class Batch:
    """What a model is trained on; every tensor is (batch, seq)."""

    tokens: Tensor
    targets: Tensor
    """The next token of the same document; `IGNORE_INDEX` where there is none."""
    positions: Tensor
    """Counted from the start of the document, or of the sequence where that cut it."""
    document_ids: Tensor
    """Equal within a document; only compared within one row."""
    extra: dict[str, Tensor] = field(default_factory=dict)
    """What an objective needs beside them, by name: (batch, seq, ...)."""

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, the extra ones among them."""
        names = ("tokens", "targets", "positions", "document_ids")
        return {name: getattr(self, name) for name in names} | self.extra

    def rows(self, start: int, stop: int) -> Batch:
        """The sequences from `start` to `stop`, for gradient accumulation."""
        tensors = (self.tokens, self.targets, self.positions, self.document_ids)
        extra = {name: tensor[start:stop] for name, tensor in self.extra.items()}
        tokens, targets, positions, document_ids = (tensor[start:stop] for tensor in tensors)
        return Batch(tokens, targets, positions, document_ids, extra)

    def padded(self, rows: int) -> Batch:
        """The same batch with copies of its first row, without targets or extra tensors, up to a number of rows."""
        import torch

        missing = rows - self.tokens.shape[0]
        again = lambda x: torch.cat([x, x[:1].expand(missing, -1)])
        nothing = torch.full_like(self.targets[:1], IGNORE_INDEX).expand(missing, -1)
        targets = torch.cat([self.targets, nothing])
        return Batch(again(self.tokens), targets, again(self.positions), again(self.document_ids))

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        tensors = (self.tokens, self.targets, self.positions, self.document_ids)
        extra = {name: tensor.to(device, non_blocking=True) for name, tensor in self.extra.items()}
        tokens, targets, positions, document_ids = (tensor.to(device, non_blocking=True) for tensor in tensors)
        return Batch(tokens, targets, positions, document_ids, extra)
