"""The verb `scale mup`: does the best learning rate of a narrow model hold for a wide one?"""

import argparse
from pathlib import Path

from smollab.recipe import RecipeError, load_recipe, parse_override


def scale_mup(options: argparse.Namespace) -> None:
    """Train a small model at several widths and learning rates, in the standard parametrization and under muP."""
    from smollab.experiments.transfer import RATES, WIDTHS, curves, sweep_rates, transfer_table
    from smollab.plots.style import to_png
    from smollab.plots.transfer import plot_rates
    from smollab.progress import console, progress
    from smollab.workflow import run_recipe

    if options.seeds < 1:
        raise RecipeError(f"--seeds {options.seeds}: at least 1; 3 or more give a useful interval")
    widths, rates = _numbers("--widths", options.widths, WIDTHS), _numbers("--rates", options.rates, RATES)
    recipe = load_recipe(options.recipe, dict(parse_override(text) for text in options.set))
    folder, seeds = Path(options.run or Path("runs") / recipe.name), range(1, options.seeds + 1)
    run_recipe(recipe, folder / "corpus", until="tokenize")
    made = folder / "corpus" / "tokenize"
    with progress("scale mup", 2 * len(widths) * len(rates) * len(seeds)) as advance:
        told = 0

        def tell(done: int, runs: int) -> None:
            nonlocal told
            advance(done - told, f"{done} of {runs} runs")
            told = done

        results = sweep_rates(
            recipe, made / "tokens", made / "tokenizer", folder, seeds, widths, rates, recipe.curate.workers, tell
        )
    console.print(transfer_table(results))
    figure = plot_rates({kind: curves(results, kind) for kind in results["bits_per_byte"]}, widths, rates)
    (folder / "transfer.png").write_bytes(to_png(figure))
    for path in (folder / "results.json", folder / "transfer.png"):
        print(path)


def _numbers(option: str, text: str | None, default: tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers between commas, ascending."""
    try:
        numbers = tuple(sorted({int(word) for word in text.split(",")})) if text else default
    except ValueError:
        raise RecipeError(f"{option} {text}: expected whole numbers, such as {','.join(map(str, default))}") from None
    if len(numbers) < 2:
        raise RecipeError(f"{option} {text}: at least two are needed to compare")
    return numbers
