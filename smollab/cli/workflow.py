"""The verbs that run a recipe up to a step: run, curate, tokenize, pretrain, evaluate, export."""

import argparse
import shutil
from pathlib import Path

from smollab.cli.recipes import check_processes, load, print_cost
from smollab.recipe import RecipeError


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
