"""Experiments: many runs that differ in one thing, several seeds each, and what can be concluded from them.

`compare` trains and scores variants; `ablate_data` compares four ways to curate the same pages; `race` compares
optimizers; `long_context` asks models for keys beyond the length of their training. Each reports every seed and an
interval, so that a difference within the noise is seen to be none.
"""

from smollab.experiments.compare import Comparison, Variant, compare
from smollab.experiments.data_ablation import VARIANTS, ablate_data
from smollab.experiments.intervals import Interval, mean_interval, paired_difference
from smollab.experiments.race import race

__all__ = [
    "VARIANTS",
    "Comparison",
    "Interval",
    "Variant",
    "ablate_data",
    "compare",
    "mean_interval",
    "paired_difference",
    "race",
]
