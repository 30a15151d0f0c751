"""The verb `ablate`: train the same small model with one thing changed at a time, and compare."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smollab.recipe import Recipe, RecipeError, load_recipe, parse_override

if TYPE_CHECKING:
    from smollab.experiments.compare import Comparison


def ablate(options: argparse.Namespace) -> None:
    """Compare ways of curating the same pages, or of building the model, by training the same small model on each."""
    from smollab.experiments.data_ablation import shorten
    from smollab.experiments.summary import save_figures

    if options.seeds < 1:
        raise RecipeError(f"--seeds {options.seeds}: at least 1; 3 or more give a useful interval")
    name = options.recipe or f"ablation-{options.what}"
    recipe = load_recipe(name, dict(parse_override(text) for text in options.set))
    recipe = shorten(recipe, options.steps) if options.steps is not None else recipe
    folder = Path(options.run or Path("runs") / recipe.name)
    seeds, only = range(1, options.seeds + 1), tuple(filter(None, (options.only or "").split(",")))
    if options.what == "context":
        _ablate_context(recipe, folder, seeds)
        return
    compare = {"data": _ablate_data, "pdf": _ablate_pdf, "architecture": _ablate_architecture}[options.what]
    comparison = compare(recipe, folder, seeds, only, options)
    for path in (folder / "results.json", *save_figures(comparison, folder)):
        print(path)


def _ablate_data(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.data_ablation import VARIANTS, ablate_data, load_comparison
    from smollab.experiments.summary import corpus_table, score_table
    from smollab.progress import console

    tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
    with _steps_bar(len(seeds) * len(only or VARIANTS) * recipe.total_steps) as tell_steps:
        results = ablate_data(recipe, folder, seeds, only or tuple(VARIANTS), not options.as_is, tell, tell_steps)
    console.print(corpus_table(results))
    console.print(score_table(load_comparison(results)))
    return load_comparison(results)


def _ablate_pdf(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.data_ablation import load_comparison
    from smollab.experiments.pdf_ablation import RATIOS, ablate_pdf, read_ratios
    from smollab.experiments.summary import mixture_table, score_table
    from smollab.progress import console

    ratios = read_ratios(only) if only else RATIOS
    with _steps_bar(len(seeds) * len(ratios) * recipe.total_steps) as tell_steps:
        tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
        results = ablate_pdf(recipe, folder, seeds, ratios, tell, tell_steps)
    comparison = load_comparison(results)
    console.print(mixture_table(results))
    console.print(score_table(comparison))
    return comparison


def _ablate_architecture(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.architecture_ablation import (
        ablate_architecture,
        architecture_table,
        check_names,
        load_comparison,
        plan_variants,
    )
    from smollab.progress import console
    from smollab.workflow import run_recipe

    check_names(recipe, only)
    corpus = folder / "corpus"
    run_recipe(recipe, corpus, until="tokenize")
    made = corpus / "tokenize"
    steps = sum(variant.total_steps for variant in plan_variants(recipe, made / "tokenizer", only).values())
    with _steps_bar(len(seeds) * steps) as tell_steps:
        results = ablate_architecture(
            recipe, made / "tokens", made / "tokenizer", folder, seeds, only, progress=tell_steps
        )
    console.print(architecture_table(results))
    return load_comparison(results)


def _ablate_context(recipe: Recipe, folder: Path, seeds: Sequence[int]) -> None:
    from smollab.experiments.context_summary import context_table, draw_context
    from smollab.experiments.long_context import ablate_context
    from smollab.plots.style import to_png
    from smollab.progress import console

    tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
    tell_trials = lambda done, count: tell(f"{done} of {count} trials done")
    results = ablate_context(recipe, folder, seeds, recipe.curate.workers, tell, tell_trials)
    console.print(context_table(results))
    (folder / "context.png").write_bytes(to_png(draw_context(results)))
    for path in (folder / "results.json", folder / "context.png"):
        print(path)


@contextmanager
def _steps_bar(total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar over the optimizer steps of all runs; called with (steps done, steps in all)."""
    from smollab.progress import progress

    with progress("ablate", total) as advance:
        done = 0

        def tell_steps(now: int, steps: int) -> None:
            nonlocal done
            if now > done:
                advance(now - done, f"{now:,} of {steps:,} steps")
            done = max(done, now)

        yield tell_steps
