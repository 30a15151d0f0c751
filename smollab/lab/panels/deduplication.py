"""Move buckets, hashes and the length of shingles, and see which real near-duplicates are caught."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup.minhash import candidate_probability
from smollab.lab.near_duplicates import Collection
from smollab.lab.panels.panel import Panel, int_slider, slider
from smollab.plots.near_duplicates import plot_pairs
from smollab.recipe import MinHash

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BUCKETS, MOST_HASHES = 40, 16
NAME_CHARACTERS = 95


class DeduplicationPanel(Panel):
    """Which pairs of a collection MinHash catches, against their exact similarity.

    Args:
        pages: from `smollab.lab.near_duplicates.load_near_duplicates`.
    """

    def __init__(self, pages: Collection) -> None:
        self.pages = pages
        published = MinHash()
        self.buckets = int_slider("buckets", published.buckets, 1, MOST_BUCKETS, live=False)
        self.hashes = int_slider("hashes per bucket", published.hashes_per_bucket, 1, MOST_HASHES, live=False)
        self.n_gram = int_slider("words per shingle", published.n_gram, 1, 8, live=False)
        self.threshold = slider("alike from", 0.8, 0.3, 1.0, 0.05, ".2f", live=False)
        super().__init__(self.buckets, self.hashes, self.n_gram, self.threshold)

    def compute(self) -> "tuple[Figure, str]":
        """Look for candidates with the present setting and compare them with the exact similarities."""
        settings = MinHash(n_gram=self.n_gram.value, buckets=self.buckets.value, hashes_per_bucket=self.hashes.value)
        similarities = self.pages.similarities(settings.n_gram)
        caught = self.pages.agreeing_buckets(settings, MOST_BUCKETS * MOST_HASHES) > 0
        threshold = round(self.threshold.value, 2)
        figure = plot_pairs(similarities, caught, (settings.buckets, settings.hashes_per_bucket), threshold)
        return figure, self._describe(settings, similarities, caught, threshold)

    def _describe(
        self,
        settings: MinHash,
        similarities: NDArray[np.float64],
        caught: NDArray[np.bool_],
        threshold: float,
    ) -> str:
        alike = similarities >= threshold
        hits, wanted, found = int((caught & alike).sum()), int(alike.sum()), int(caught.sum())
        probability = candidate_probability(threshold, settings)
        lines = [
            f"{wanted} of {len(similarities):,} pairs have a similarity of {threshold:.2f} or more; {hits} of them are "
            f"caught: recall {_share(hits, wanted)}. {found} pairs are caught in all: precision {_share(hits, found)}.",
            f"{settings.buckets * settings.hashes_per_bucket} hashes per document; at {threshold:.2f} the curve says "
            f"{probability:.3f}.",
        ]
        # The clearest mistakes: the most similar pair that is missed, the least similar that is caught.
        missed = np.flatnonzero(alike & ~caught)
        alarms = np.flatnonzero(caught & ~alike)
        if len(missed):
            lines.append(f"Missed: {self._name(int(missed[similarities[missed].argmax()]), similarities)}")
        if len(alarms):
            lines.append(f"False alarm: {self._name(int(alarms[similarities[alarms].argmin()]), similarities)}")
        return "\n".join(lines)

    def _name(self, pair: int, similarities: NDArray[np.float64]) -> str:
        first, second = (self.pages.names[side[pair]].removeprefix("https://") for side in self.pages.pairs)
        return f"{similarities[pair]:.3f}, {first[:NAME_CHARACTERS]} and {second[:NAME_CHARACTERS]}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "without meaning"
