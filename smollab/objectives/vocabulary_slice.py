"""A slice of the vocabulary on each rank, or all of it: sums and softmaxes over the whole.

Ranks that share every matrix (tensor parallelism) hold the logits of some vocabulary entries each. What a loss needs of
the others are a few numbers for each token: the largest logit, the sum of exponentials, a sum of terms.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.distributed.tensor import DTensor


@dataclass(frozen=True)
class VocabularySlice:
    """Which entries this rank has; all of them unless ranks share the unembedding."""

    start: int
    stop: int
    group: distributed.ProcessGroup | None = None

    def sum(self, terms: Tensor) -> Tensor:
        """Over the whole vocabulary, (tokens, 1) from this rank's (tokens, entries)."""
        return self.add(terms.sum(-1, keepdim=True))

    def add(self, x: Tensor) -> Tensor:
        """The ranks' tensors added up; changes it in place."""
        if self.group is not None:
            distributed.all_reduce(x, group=self.group)
        return x

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Log-probabilities of this rank's entries."""
        if self.group is None:
            return torch.log_softmax(logits, -1)
        largest = logits.amax(-1, keepdim=True)
        distributed.all_reduce(largest, distributed.ReduceOp.MAX, group=self.group)
        shifted = logits - largest
        return shifted - self.sum(shifted.exp()).log()

    def pick(self, values: Tensor, entries: Tensor) -> Tensor:
        """Of each token the values of some entries, (tokens, number), zero where another rank has the entry."""
        mine = (entries >= self.start) & (entries < self.stop)
        picked = values.gather(1, (entries - self.start).clamp(0, self.stop - self.start - 1))
        return torch.where(mine, picked, 0)

    def scatter_add(self, values: Tensor, entries: Tensor, added: Tensor) -> None:
        """Add to some entries of each token, in place; those of other ranks are theirs to add."""
        mine = (entries >= self.start) & (entries < self.stop)
        values.scatter_add_(1, (entries - self.start).clamp(0, self.stop - self.start - 1), torch.where(mine, added, 0))


def local_slice(unembedding: Tensor) -> tuple[Tensor, VocabularySlice]:
    """This rank's rows of an unembedding, and which they are."""
    if not isinstance(unembedding, DTensor):
        return unembedding, VocabularySlice(0, len(unembedding))
    local = unembedding.to_local()
    mesh = unembedding.device_mesh
    start = mesh.get_local_rank() * len(local)
    return local, VocabularySlice(start, start + len(local), mesh.get_group())
