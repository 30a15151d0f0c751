"""Learning-rate transfer: does the rate that is best for a narrow model stay the best for a wide one?

The same small model is trained at several widths, each with a grid of learning rates that are powers of two, in the
standard parametrization and under muP. Of every width the best rate is found, by held-out bits per byte; under muP it
should stay where it is, and in the standard parametrization fall with the width.

The grid is of the rate of the matrices inside the blocks, of which theory says that it must change. Embeddings and
norms keep the recipe's rate, which need not change in either parametrization. If the recipe leaves that out, all share
the swept rate; then so short a run needs a high rate for its embeddings, and in the standard parametrization the best
is a compromise that moves less.

    folder/runs/mup/width-64/rate-2^-5/seed-1.json      exists when, and only when, the run is done

Source: Yang et al. 2022 (Tensor Programs V), figure 1 and appendix F.

Fails when: the grid is too coarse, or its end is the best; then nothing is known of the rates beyond. A run as short as
these prefers higher rates than a long one.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smollab import __version__
from smollab.curate.engines import ProcessEngine, Tick
from smollab.experiments.intervals import Interval, mean_interval
from smollab.recipe import Recipe
from smollab.scaling.shapes import at_width

if TYPE_CHECKING:
    from rich.table import Table

STANDARD, MUP = "standard", "mup"
WIDTHS = (32, 64, 128, 256)
RATES = (-10, -9, -8, -7, -6, -5)
"""Exponents of two."""
SCORED_TOKENS = 8192
"""Held-out tokens of each run's score; the same ones for all."""


@dataclass(frozen=True)
class RateTrial:
    """One run; a task of an engine."""

    output: Path
    recipe: Recipe
    tokens: Path
    tokenizer: Path
    fingerprint: str

    @property
    def name(self) -> str:
        """For messages."""
        model, optimizer = self.recipe.model, self.recipe.optimizer
        return f"{model.parametrization}, width {model.hidden_size}, rate {optimizer.learning_rate:g}"


def sweep_rates(
    recipe: Recipe,
    tokens: Path,
    tokenizer: Path,
    folder: Path,
    seeds: Sequence[int],
    widths: Sequence[int] = WIDTHS,
    rates: Sequence[int] = RATES,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda runs_done, runs: None,
) -> dict[str, Any]:
    """Train at every width and rate under both parametrizations; runs that are done are kept.

    Args:
        recipe: at the base width, in the standard parametrization.
        tokens: folder with `train/` and `held_out/` shards.
        tokenizer: folder of the tokenizer they were made with.
        folder: receives `runs/` and `results.json`.
        seeds: of initialization and data order; the same ones everywhere.
        widths: multiples of the recipe's.
        rates: exponents of two, ascending.
        workers: processes; None: one per core.
        progress: called with (runs done, runs in all).

    Returns:
        What `results.json` holds: `bits_per_byte` (parametrization -> width -> rate -> seed, as nested lists),
        `widths`, `rates`, `seeds`, `recipe`, `code`, `version`.

    Raises:
        ValueError: a width that is no multiple of the recipe's.
    """
    from smollab.train.configuration import code_fingerprint

    grid = [
        (parametrization, width, rate, seed)
        for seed in seeds  # first: whoever stops early has whole curves
        for width in widths
        for parametrization in (STANDARD, MUP)
        for rate in rates
    ]
    trials = {place: _trial(recipe, tokens, tokenizer, folder, *place) for place in grid}
    for trial in trials.values():
        if trial.output.exists() and _read(trial.output)["fingerprint"] != trial.fingerprint:
            trial.output.unlink()
    with ProcessEngine(workers) as engine:
        engine.map_shards(run_trial, list(trials.values()), lambda done, _: progress(done, len(trials)))
    score = lambda *place: round(_read(trials[place].output)["bits_per_byte"], 4)
    results = {
        "bits_per_byte": {
            kind: [[[score(kind, width, rate, seed) for seed in seeds] for rate in rates] for width in widths]
            for kind in (STANDARD, MUP)
        },
        "widths": list(widths),
        "rates": list(rates),
        "seeds": list(seeds),
        "steps": recipe.total_steps,
        "tokens": recipe.total_tokens,
        "recipe": recipe.name,
        "code": code_fingerprint(),
        "version": __version__,
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def run_trial(trial: RateTrial, tick: Tick) -> None:
    """Train and score one model."""
    import torch

    from smollab.experiments.race import mean_bits_per_byte, train_in_memory
    from smollab.tokens.tokenizer import load_tokenizer

    tokenizer, threads = load_tokenizer(trial.tokenizer), torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # so that scores do not depend on how many runs share the machine
        model = train_in_memory(trial.recipe, trial.tokens, tokenizer)
        bits = mean_bits_per_byte(model, trial.tokens, tokenizer, trial.recipe, SCORED_TOKENS)
    finally:
        torch.set_num_threads(threads)
    trial.output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = trial.output.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"fingerprint": trial.fingerprint, "bits_per_byte": bits}), encoding="utf-8")
    unfinished.replace(trial.output)
    tick(1)


def curves(results: Mapping[str, Any], parametrization: str) -> np.ndarray:
    """Bits per byte of a parametrization: (widths, rates, seeds)."""
    return np.array(results["bits_per_byte"][parametrization])


def best_rates(results: Mapping[str, Any], parametrization: str) -> np.ndarray:
    """Exponent of the best rate by the mean over the seeds, of each width."""
    best = curves(results, parametrization).mean(axis=2).argmin(axis=1)
    return np.array(results["rates"])[best]


def shift(results: Mapping[str, Any], parametrization: str) -> Interval:
    """How many octaves the best rate moves from the narrowest to the widest model: each seed's own best, averaged."""
    best = np.array(results["rates"])[curves(results, parametrization).argmin(axis=1)]  # (widths, seeds)
    return mean_interval([float(value) for value in best[-1] - best[0]])


def transfer_loss(results: Mapping[str, Any], parametrization: str) -> Interval:
    """Bits per byte that the widest model loses when it takes the narrowest one's best rate instead of its own."""
    wide = curves(results, parametrization)[-1]
    taken = list(results["rates"]).index(best_rates(results, parametrization)[0])
    own = wide.mean(axis=1).argmin()
    return mean_interval([float(value) for value in wide[taken] - wide[own]])


def transfer_table(results: Mapping[str, Any]) -> "Table":
    """The best rate of each width, what it gives, and how far it moves."""
    from rich.table import Table

    seeds, steps = len(results["seeds"]), results["steps"]
    table = Table(title=f"Best learning rate by width; {seeds} seeds, {steps} steps", title_justify="left")
    for column in ("parametrization", *(f"width {width}" for width in results["widths"]), "moves by", "transfer costs"):
        table.add_column(column, justify="left" if column == "parametrization" else "right")
    for kind in (STANDARD, MUP):
        scores = curves(results, kind).mean(axis=2).min(axis=1)
        cells = [f"2^{r} ({b:.3f})" for r, b in zip(best_rates(results, kind), scores, strict=True)]
        moved, cost = shift(results, kind), transfer_loss(results, kind)
        interval = f" [{cost.low:+.3f}, {cost.high:+.3f}]" if cost.count > 1 else ""
        table.add_row(kind, *cells, f"{moved.mean:+.1f} octaves", f"{cost.mean:+.3f}{interval} bits/byte")
    return table


def _trial(
    recipe: Recipe, tokens: Path, tokenizer: Path, folder: Path, kind: str, width: int, rate: int, seed: int
) -> RateTrial:
    from smollab.train.configuration import run_configuration

    model = recipe.model
    if kind == MUP:
        model = replace(model, parametrization="mup", base_hidden_size=model.hidden_size)
    wide = replace(
        recipe,
        model=at_width(model, width),
        optimizer=replace(recipe.optimizer, learning_rate=2.0**rate),
        train=replace(recipe.train, seed=seed),
    )
    text = json.dumps([run_configuration(wide, tokens), SCORED_TOKENS], sort_keys=True)
    output = folder / "runs" / kind / f"width-{width}" / f"rate-2^{rate}" / f"seed-{seed}.json"
    return RateTrial(output, wide, tokens, tokenizer, hashlib.sha256(text.encode()).hexdigest()[:16])


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
