"""Which document of a cluster of near-duplicates stays.

FineWeb keeps one at random, in effect (datatrove: the first of the largest part); the choice costs nothing, as one
number per document decides: the highest stays, and the first of equals.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.clusters import Clusters
from smollab.curate.dedup.table import disk_array, release
from smollab.documents import Document

__all__ = ["Keepers", "choose_keepers", "preference"]


def preference(document: Document, keep: str) -> float:
    """Return the number by which a document is preferred; the highest of a cluster stays.

    Args:
        document: longest looks at its text; newest at `metadata["date"]` (ISO 8601); best at
            `metadata["quality_score"]`. A document without date or score comes last.
        keep: `first`, `longest`, `newest` or `best`.
    """
    if keep == "longest":
        return float(len(document.text))
    if keep == "newest":
        return _seconds(document.metadata.get("date"))
    if keep == "best":
        score = document.metadata.get("quality_score")
        return float(score) if isinstance(score, int | float) and not math.isnan(score) else -math.inf
    return 0.0


@dataclass(frozen=True)
class Keepers:
    """Of each cluster, named by its smallest row: the row that stays, and how many rows it has."""

    row: NDArray[np.int64]
    size: NDArray[np.int64]

    def release(self) -> None:
        """Give the arrays' memory back."""
        release(self.row)
        release(self.size)


def choose_keepers(clusters: Clusters, preferences: Iterable[NDArray[np.float64]], folder: Path) -> Keepers:
    """Choose the row of each cluster that stays: the highest preference, the first of equals.

    Args:
        clusters: of rows.
        preferences: blocks in the order of the rows.
        folder: for arrays of 24 bytes per row.
    """
    best = disk_array(folder / "best", len(clusters), -math.inf, np.float64)
    keepers = Keepers(
        disk_array(folder / "keeper", len(clusters), np.iinfo(np.int64).max, np.int64),
        disk_array(folder / "size", len(clusters), 0, np.int64),
    )
    start = 0
    for block in preferences:
        rows = np.arange(start, start + len(block), dtype=np.int64)
        roots = clusters.find(rows)
        np.add.at(keepers.size, roots, 1)
        before = best[roots]
        np.maximum.at(best, roots, block)
        now = best[roots]
        keepers.row[roots[now > before]] = np.iinfo(np.int64).max  # whoever stood there is beaten
        wins = block == now
        np.minimum.at(keepers.row, roots[wins], rows[wins])
        start += len(block)
        keepers.release()
        clusters.release()
        release(best)
    return keepers


def _seconds(date: Any) -> float:
    try:
        moment = datetime.fromisoformat(str(date))
    except ValueError:
        return -math.inf
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
