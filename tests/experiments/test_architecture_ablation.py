"""Variants of the architecture ablation: one thing differs, the operations do not."""

import io
import json
from dataclasses import asdict, replace

import pytest

from smollab.experiments.architecture_ablation import (
    BASELINE,
    architecture_table,
    architectures,
    at_equal_flops,
    describe,
    load_comparison,
)
from smollab.recipe import differences, load_recipe


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("ablation-architecture")


def test_each_variant_differs_from_the_baseline_in_one_choice(recipe):
    variants = architectures(recipe)
    assert variants.pop(BASELINE) == recipe
    for name, variant in variants.items():
        changed = list(differences(asdict(recipe), asdict(variant)))
        assert len(changed) == 1, (name, changed)


def test_all_spend_the_same_operations_to_half_a_step(recipe):
    spent = lambda row: row["flops_per_token"] * row["tokens"]
    base = describe(recipe, 512)
    one_step = base["tokens"] / base["steps"]
    for name, variant in architectures(recipe).items():
        row = describe(at_equal_flops(variant, recipe, 512), 512)
        assert abs(spent(row) - spent(base)) <= 0.51 * row["flops_per_token"] * one_step, name
    dear = at_equal_flops(replace(recipe, model=replace(recipe.model, intermediate_size=640)), recipe, 512)
    assert dear.total_steps < 0.6 * recipe.total_steps


def test_the_table_names_costs_and_verdicts(recipe):
    from rich.console import Console

    rows = {name: describe(recipe, 512) | {"relative_speed": 1.0} for name in (BASELINE, "gelu", "mqa")}
    scores = {"web": {BASELINE: [2.0, 2.1, 2.2], "gelu": [1.9, 2.01, 2.1], "mqa": [2.1, 2.0, 2.2]}}
    results = json.loads(json.dumps({"variants": rows, "seeds": [1, 2, 3], "scores": scores}))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(architecture_table(results))
    text = console.export_text()
    assert "2.1000 itself" in text and "better" in text and "within the noise" in text
    assert load_comparison(results).difference("web", "gelu", BASELINE).excludes_zero
