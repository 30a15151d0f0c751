"""Results of data ablations for notebooks: the full one that is committed, and a small one made on the spot."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smollab.experiments import Comparison, ablate_data
from smollab.experiments.data_ablation import load_comparison, shorten
from smollab.lab.runs import REPOSITORY
from smollab.recipe import load_recipe

RESULTS = REPOSITORY / "notebooks" / "results"
SMALL = {
    "data.sources.web.limit": 120,
    "data.held_out": 0.1,
    "tokenizer.vocab_size": 512,
    "model.hidden_size": 64,
    "model.intermediate_size": 160,
    "model.num_hidden_layers": 2,
    "train.sequence_length": 128,
    "evaluate.maximum_tokens": 8000,
}
"""What makes the recipe small enough for a notebook cell."""
SMALL_STEPS = 50


def load_results(name: str = "ablation-data") -> dict[str, Any]:
    """The committed results of a full ablation; the file says which settings and version made it.

    Raises:
        FileNotFoundError: no such results.
    """
    results: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return results


def small_ablation(variants: Sequence[str], seeds: Sequence[int]) -> tuple[dict[str, Any], Comparison]:
    """Ablate some variants with a tiny model on some of the pages, or reuse what was done before.

    Args:
        variants: some of `smollab.experiments.VARIANTS`.
        seeds: of initialization and data order.

    Returns:
        The results as `smollab ablate data` writes them, and the comparison in them.
    """
    folder = Path(os.environ.get("SMOLLAB_RUNS", REPOSITORY / "runs")) / "ablation-small"
    recipe = shorten(load_recipe("ablation-data", SMALL), SMALL_STEPS)
    results = ablate_data(recipe, folder, seeds, variants)
    return results, load_comparison(results)
