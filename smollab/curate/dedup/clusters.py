"""Clusters from pairs: union-find over an array on disk, many pairs at a time.

Each item points to a smaller one of its cluster, or to itself: then it is the cluster's smallest, its *root*. To join
two items is to let the larger root point to the smaller. A batch does this for all its pairs at once; where two pairs
want the same root to point to different places, the smaller place wins and the other pair is tried again.

**Source**: Tarjan 1975 (path compression); the batches are the hook-and-shortcut rounds of Shiloach and Vishkin 1982.
**Cost**: a few passes over the pairs. **Memory**: the batch; the array is 8 bytes per item, on disk.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.table import disk_array, release

__all__ = ["Clusters"]

RELEASE_PAIRS = 1 << 18
"""After so many pairs the array's memory is given back."""


class Clusters:
    """Disjoint sets over 0 .. size-1, each named by its smallest member.

    Args:
        path: file of the array.
        size: items.
    """

    def __init__(self, path: Path, size: int):
        self._parent = disk_array(path, size, lambda start, end: np.arange(start, end), np.int64)
        self._size = size
        self._since_release = 0

    def __len__(self) -> int:
        return self._size

    def join(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Unite the sets of each pair; the order of pairs and batches is of no matter."""
        self._since_release += len(first)
        while len(first):
            a, b = self.find(first), self.find(second)
            apart = a != b
            first, second = a[apart], b[apart]
            np.minimum.at(self._parent, np.maximum(first, second), np.minimum(first, second))
        if self._since_release >= RELEASE_PAIRS:
            self.release()

    def release(self) -> None:
        """Give the array's memory back."""
        release(self._parent)
        self._since_release = 0

    def find(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the smallest member of the set of each item, and let the items point there."""
        parent = self._parent
        up: NDArray[np.int64] = parent[items]
        while True:
            above: NDArray[np.int64] = parent[up]
            if (above == up).all():
                return up
            parent[items] = above  # halves every way that lies within the items
            up = parent[items]
