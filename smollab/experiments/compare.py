"""Train and score variants that differ in one thing, several seeds each; resumable, run by run.

    folder/runs/VARIANT/seed-3/scores.json    exists when, and only when, the run is done
    folder/runs/VARIANT/seed-3/metrics.jsonl  its training

Every run is the same loop, `smollab.train.loop.pretrain`, in a process with one thread, so that the scores do not
depend on how many runs share the machine. A run that was killed goes on from its last checkpoint.
"""

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from smollab.curate.engines import ProcessEngine, Tick
from smollab.experiments.intervals import Interval, mean_interval, paired_difference
from smollab.recipe import Recipe, resolve_place, trained_model

MINIMAL_PAIRS = "minimal pairs"
"""Metric: share of right choices; higher is better. All others are bits per byte, where lower is better."""


@dataclass(frozen=True)
class Variant:
    """What is trained: a recipe and its tokens."""

    recipe: Recipe
    """Its `train.seed` is replaced by each seed."""
    tokens: Path
    """Folder with `train/` and `held_out/` shards."""
    tokenizer: Path | None = None
    """Folder of their tokenizer; left out: `tokenizer/` among the tokens."""


@dataclass(frozen=True)
class Trial:
    """One variant with one seed; a task of an engine."""

    folder: Path
    variant: str
    recipe: Recipe
    tokens: Path
    tokenizer: Path

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.variant}, seed {self.recipe.train.seed}"

    @property
    def output(self) -> Path:
        """Exists when the run is done."""
        return self.folder / "scores.json"


@dataclass(frozen=True)
class Comparison:
    """Scores of every variant and seed."""

    seeds: tuple[int, ...]
    scores: dict[str, dict[str, list[float]]]
    """Metric -> variant -> one value for each seed, in the order of `seeds`."""

    @property
    def variants(self) -> list[str]:
        """In the order they were given."""
        return list(next(iter(self.scores.values())))

    def interval(self, metric: str, variant: str) -> Interval:
        """The mean over seeds."""
        return mean_interval(self.scores[metric][variant])

    def difference(self, metric: str, first: str, second: str) -> Interval:
        """`first - second`, paired by seed."""
        return paired_difference(self.scores[metric][first], self.scores[metric][second])


def compare(
    variants: Mapping[str, Variant],
    seeds: Sequence[int],
    folder: Path,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda steps_done, steps: None,
) -> Comparison:
    """Train every variant with every seed, and score all of them on the variants' held-out shards.

    Runs that are done are kept, if neither the recipe, nor the tokens, nor the training code have changed.

    Args:
        variants: by name, in the order of the report.
        seeds: of initialization and data order; the same ones for every variant.
        folder: receives `runs/`.
        workers: processes; None: one per core.
        progress: called with (optimizer steps done, steps in all).

    Raises:
        ValueError: no variant, or no seed.
        CurationError: a worker process was killed.
        TrainingError: a loss that is not finite.
    """
    if not variants or not seeds:
        raise ValueError("a comparison needs at least one variant and one seed")
    # By seed first: whoever stops early has whole comparisons, not one variant only.
    trials = [_trial(folder, name, variant, seed) for seed in seeds for name, variant in variants.items()]
    for trial in trials:
        _discard_if_other(trial)
    total = sum(trial.recipe.total_steps for trial in trials)
    done = sum(trial.recipe.total_steps for trial in trials if trial.output.exists())
    progress(done, total)
    with ProcessEngine(workers) as engine:
        engine.map_shards(run_trial, trials, lambda finished, steps: progress(done + steps, total))
    scores: dict[str, dict[str, list[float]]] = {}
    for trial in trials:
        for metric, value in json.loads(trial.output.read_text(encoding="utf-8"))["scores"].items():
            scores.setdefault(metric, {name: [] for name in variants})[trial.variant].append(value)
    return Comparison(tuple(seeds), scores)


def run_trial(trial: Trial, tick: Tick) -> None:
    """Train and score one variant with one seed."""
    import torch

    from smollab.evaluate.bits_per_byte import token_bytes
    from smollab.model.config import ModelConfig
    from smollab.model.transformer import Transformer
    from smollab.progress import console
    from smollab.tokens.tokenizer import load_tokenizer
    from smollab.train.checkpoint import load_weights
    from smollab.train.configuration import run_configuration
    from smollab.train.loop import pretrain

    recipe, threads, quiet = trial.recipe, torch.get_num_threads(), console.quiet
    tokenizer = load_tokenizer(trial.tokenizer)
    vocab_size, lengths = tokenizer.get_vocab_size(), token_bytes(tokenizer)
    try:
        torch.set_num_threads(1)
        console.quiet = True
        with contextlib.redirect_stdout(io.StringIO()):
            checkpoint = pretrain(recipe, trial.tokens, trial.folder, vocab_size, lengths)
        model = Transformer(ModelConfig.from_recipe(trained_model(recipe), vocab_size))
        load_weights(checkpoint, model)
        scores = score(model.eval(), tokenizer, trial.tokens / "held_out", recipe)
    finally:
        torch.set_num_threads(threads)
        console.quiet = quiet
    result = {"configuration": _configuration(trial, run_configuration(recipe, trial.tokens)), "scores": scores}
    unfinished = trial.output.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(trial.output)
    shutil.rmtree(trial.folder / "checkpoints")  # the scores are what was wanted
    tick(recipe.total_steps)


def score(model: Any, tokenizer: Any, held_out: Path, recipe: Recipe) -> dict[str, float]:
    """Bits per byte on each held-out shard, and the share of minimal pairs that are chosen rightly.

    Only pairs in the languages the recipe curates are asked.
    """
    from smollab.evaluate.bits_per_byte import bits_per_byte, token_bytes
    from smollab.evaluate.minimal_pairs import minimal_pair_accuracy, read_minimal_pairs
    from smollab.tokens.shards import TokenShard

    settings, lengths, length = recipe.evaluate, token_bytes(tokenizer), recipe.train.sequence_length
    shards = [shard for shard in map(TokenShard, sorted(held_out.iterdir())) if shard.header.num_tokens > 1]
    scores = {s.folder.name: bits_per_byte(model, s, lengths, settings.maximum_tokens, length) for s in shards}
    if settings.minimal_pairs:
        pairs = read_minimal_pairs(resolve_place(settings.minimal_pairs))
        mine = [pair for pair in pairs if pair.language in recipe.curate.language.languages]
        if mine:
            scores[MINIMAL_PAIRS] = minimal_pair_accuracy(model, tokenizer, mine)["all"].value
    return scores


def _trial(folder: Path, name: str, variant: Variant, seed: int) -> Trial:
    recipe = replace(variant.recipe, train=replace(variant.recipe.train, seed=seed))
    tokenizer = variant.tokenizer or variant.tokens / "tokenizer"
    return Trial(folder / "runs" / name / f"seed-{seed}", name, recipe, variant.tokens, tokenizer)


def _configuration(trial: Trial, training: dict[str, Any]) -> dict[str, Any]:
    """What a run's scores depend on."""
    headers = [p.read_text(encoding="utf-8") for p in sorted((trial.tokens / "held_out").glob("*/header.json"))]
    tasks = {"evaluate": asdict(trial.recipe.evaluate), "held_out": headers}
    result: dict[str, Any] = json.loads(json.dumps({"training": training, **tasks}))
    return result


def _discard_if_other(trial: Trial) -> None:
    """Remove a run of another configuration, finished or not."""
    from smollab.train.checkpoint import list_checkpoints, load_state
    from smollab.train.configuration import run_configuration

    training = run_configuration(trial.recipe, trial.tokens)
    if trial.output.exists():
        found = json.loads(trial.output.read_text(encoding="utf-8")).get("configuration")
        if found != _configuration(trial, training):
            shutil.rmtree(trial.folder)
        return
    checkpoints = list_checkpoints(trial.folder / "checkpoints")
    if not checkpoints:
        return
    found = load_state(checkpoints[-1]).get("configuration", {})
    if trial.recipe.train.precision == "auto":  # a run keeps what it chose at its start
        training["train"]["precision"] = found.get("train", {}).get("precision")
    if found != training:
        shutil.rmtree(trial.folder)
