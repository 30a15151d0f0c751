"""The figures of the slides of notebook 1.5."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from smollab.curate.dedup.minhash import sign
from smollab.lab.near_duplicates import Collection, load_near_duplicates
from smollab.lab.runs import Run
from smollab.plots.near_duplicates import plot_estimates, plot_pairs, plot_s_curves, plot_shapes
from smollab.recipe import MinHash

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS = range(1, 41)
SHAPES = ((28, 4), (16, 7), (14, 8), (32, 10), (8, 14))
MEDIUM, ALIKE, APART = 0.6, 0.8, 0.5
"""Similarities: of the pair that is estimated, from which pairs should be caught, and below which they should not."""


@cache
def _pages() -> Collection:
    return load_near_duplicates()


def minhash_estimates(run: Run) -> "Figure":
    """Estimates of one pair's similarity by various numbers of hashes."""
    pages, counts = _pages(), (16, 64, 112, 512)
    similarities = pages.similarities(5)
    pair = int(np.argmin(abs(similarities - MEDIUM)))
    texts = [pages.texts[side[pair]] for side in pages.pairs]
    estimates = []
    for count in counts:
        signed = [sign(texts, MinHash(buckets=count, hashes_per_bucket=1, seed=seed)) for seed in range(200)]
        estimates.append([float((a == b).mean()) for a, b in signed])
    return plot_estimates(counts, estimates, float(similarities[pair]))


def s_curves(run: Run) -> "Figure":
    """Four ways to divide 112 hashes."""
    return plot_s_curves([(112, 1), (28, 4), (14, 8), (8, 14)])


def near_duplicate_pairs(run: Run) -> "Figure":
    """Which real pairs FineWeb's setting catches."""
    pages, settings = _pages(), MinHash()
    shape = (settings.buckets, settings.hashes_per_bucket)
    return plot_pairs(pages.similarities(5), pages.agreeing_buckets(settings) > 0, shape, ALIKE)


def band_shapes(run: Run) -> "Figure":
    """Recall and false alarms of five divisions over seeds."""
    pages = _pages()
    similarities = pages.similarities(5)
    recall, alarms = (np.zeros((len(SHAPES), len(SEEDS))) for _ in range(2))
    for i, (buckets, rows) in enumerate(SHAPES):
        for j, seed in enumerate(SEEDS):
            settings = MinHash(buckets=buckets, hashes_per_bucket=rows, seed=seed)
            caught = pages.agreeing_buckets(settings, 320) > 0
            recall[i, j], alarms[i, j] = caught[similarities >= ALIKE].mean(), caught[similarities < APART].sum()
    return plot_shapes([f"{buckets} x {rows}" for buckets, rows in SHAPES], recall, alarms)


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    f.__name__: f for f in (minhash_estimates, s_curves, near_duplicate_pairs, band_shapes)
}
