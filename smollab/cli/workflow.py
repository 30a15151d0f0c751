"""The verbs that run a recipe up to a step: run, curate, tokenize, pretrain, evaluate, export."""

import argparse
import shutil
from pathlib import Path

from smollab.cli.recipes import check_processes, load, print_cost
from smollab.recipe import Recipe, RecipeError


def run(options: argparse.Namespace) -> None:
    """Run the workflow of a recipe up to a verb's step."""
    recipe = load(options)
    if options.verb == "run" and options.dry_run:
        print_cost(recipe)
        return
    if not recipe.stages and options.verb != "curate":
        raise RecipeError(f"{options.recipe}: no [[stages]], so there is nothing to train")
    from smollab.workflow import run_recipe

    for option in ("run", "to"):
        if getattr(options, option, None) == "":
            raise RecipeError(f"--{option}: the name of the folder is empty")
    folder = Path(options.run or Path("runs") / recipe.name)
    if options.verb == "export" and options.to and Path(options.to).exists():
        raise RecipeError(f"--to {options.to}: exists already; name a new folder")
    if options.verb == "curate" and options.to:
        from smollab.curate.publish import check_place

        check_place(options.to)
    if getattr(options, "budget", None):
        recipe = within_budget(recipe, folder, options)
        if options.explain:
            return
    check_processes(recipe, options, folder)
    run_recipe(recipe, folder, until="report" if options.verb == "run" else options.verb)
    results = {"curate": "curate/kept", "tokenize": "tokenize", "pretrain": "pretrain/checkpoints"}
    results |= {"evaluate": "evaluate/results.json", "export": "export", "run": "report.html"}
    if options.verb == "export" and options.to:
        shutil.copytree(folder / "export", options.to)
        print(options.to)
        return
    if options.verb == "curate" and options.to:
        from smollab.curate.publish import publish

        files = publish(folder / "curate", options.to)
        print(f"{options.to}: {len(files)} files")
        return
    print(folder / results[options.verb])


def within_budget(recipe: Recipe, folder: Path, options: argparse.Namespace) -> Recipe:
    """The recipe scaled to `--budget`; its text is curated and tokenized first, where the run is to take place here.

    Raises:
        BudgetError: a budget that cannot be understood or met.
        RecipeError: this is one of several processes, or the budget is of other devices than these.
    """
    import os

    from smollab.progress import console
    from smollab.scaling.budget import parse_budget

    budget = parse_budget(options.budget)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RecipeError(
            "--budget chooses in one process: run it with --explain first, and start torchrun with the budget.toml "
            f"that it leaves in {folder}"
        )
    from smollab.train.dial import dial, say
    from smollab.workflow import run_recipe

    if not budget.device:
        run_recipe(recipe, folder, until="tokenize")
    chosen, table = dial(recipe, folder, budget)
    if options.explain:
        console.print(table)
        console.print(f"the recipe: {folder / 'budget.toml'}", soft_wrap=True)
    elif budget.device:
        raise RecipeError(
            f"{folder / 'budget.toml'} is the recipe for {budget.text}; start it there with: torchrun "
            f"--nproc-per-node N -m smollab.train budget.toml ({chosen.parallel.num_ranks} processes in all)"
        )
    else:
        say(chosen)
    return chosen
