"""From the words of a command line to a recipe, and what a recipe is and costs."""

import argparse
import os
from pathlib import Path
from typing import Any

from smollab import __version__
from smollab.recipe import RECIPES, Recipe, RecipeError, load_recipe, parse_override, to_toml


def load(options: argparse.Namespace) -> Recipe:
    """Load the recipe with what `--source` and then `--set` change."""
    return load_recipe(options.recipe, _source_overrides(options) | dict(parse_override(text) for text in options.set))


def _source_overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What `--source` changes in a recipe.

    Raises:
        RecipeError: a source that is not of the form asked for.
    """
    named: dict[str, Any] = {}
    bare: dict[str, Any] = {}
    for text in options.source:
        name, equals, address = text.partition("=")
        if equals and ":" not in name and ":" in address:
            named[f"data.sources.{name}.address"] = address
        elif ":" in text and options.verb == "curate":
            kind = text.partition(":")[0]
            name = kind if kind not in bare else f"{kind}{len(bare)}"
            steps = [s.steps for s in load_recipe(options.recipe).data.sources.values() if s.kind == kind and s.steps]
            bare[name] = {"address": text} | ({"steps": list(steps[0])} if steps else {})
        else:
            raise RecipeError(f"--source {text}: expected NAME=KIND:PLACE, such as web=warc:pages.warc.gz")
    if not bare:
        return named
    # Only curation is wanted: no stage will mix these sources.
    return {"name": "curated", "data.sources": bare, "stages": [], **named}


def check_processes(recipe: Recipe, options: argparse.Namespace, folder: Path) -> None:
    """Refuse to train in one process what is laid out for many, before any document is read."""
    trains = options.verb not in ("curate", "tokenize") and not (folder / "manifests" / "pretrain.json").exists()
    ranks = recipe.parallel.num_ranks
    if ranks > 1 and trains and "WORLD_SIZE" not in os.environ:
        raise RecipeError(
            f"{recipe.name} is laid out for {ranks} processes; start them with: torchrun --nproc-per-node N -m "
            f"smollab.train {options.recipe} (docs/many-machines.md); its cost: smollab run {options.recipe} --dry-run"
        )


def show_recipe(options: argparse.Namespace) -> None:
    """Print a recipe with every setting explained, as TOML that can be saved, changed and run."""
    if options.recipe is None:
        for path in sorted(RECIPES.glob("*.toml")):
            print(f"{path.stem:<12} {load_recipe(path.stem).description}")
        return
    print(to_toml(load_recipe(options.recipe, dict(parse_override(text) for text in options.set)), comments=True))


def show_cost(options: argparse.Namespace) -> None:
    """Print what a recipe costs: parameters, operations, memory and the cache, from its shapes alone."""
    print_cost(load(options))


def print_cost(recipe: Recipe) -> None:
    """Print what a recipe costs before it runs."""
    from smollab.progress import console
    from smollab.scaling.table import cost_table

    console.print(cost_table(recipe))


def info(options: argparse.Namespace) -> None:
    """Tell what this machine can do, with its speed measured now."""
    import platform

    import torch
    from rich.table import Table

    from smollab.hardware import cpu_model, has_fast_bfloat16, measure_matmul, memory_gib, training_device
    from smollab.progress import console

    device = training_device()
    table = Table(title=f"smollab {__version__}", title_justify="left", show_header=False)
    table.add_row("processor", f"{cpu_model()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads in use")
    table.add_row("memory", f"{memory_gib():.1f} GiB")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "none; training runs on the CPU"
    table.add_row("accelerator", name)
    fast = has_fast_bfloat16()
    table.add_row("bfloat16", "in hardware" if fast else "emulated only: float32 is used, which is far faster here")
    for dtype in ("float32", "bfloat16"):
        size = 1024 if dtype == "float32" or fast else 256
        speed = measure_matmul(dtype, size)
        table.add_row(f"{dtype} matmul", f"{speed.gflops:,.1f} GFLOP/s, measured at {size} x {size}")
    table.add_row("software", f"Python {platform.python_version()}, torch {torch.__version__}")
    console.print(table)
