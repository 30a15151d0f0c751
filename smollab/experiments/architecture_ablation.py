"""The architecture ablation: the same text and the same floating-point operations, one choice changed at a time.

Each variant differs from the recipe's SmolLM3-style model in one setting. A choice that makes a token dearer (more
key-value heads, say) is trained for fewer steps, one that makes it cheaper for more, so that all spend the same
operations (`smollab.scaling`); warmup and decay keep their shares of the steps.

SmolLM3's makers compared in the same way, one change at a time, with a model of 1 billion parameters and 45 billion
tokens (Hugging Face 2025, "SmolLM3"). What a model four thousand times smaller prefers need not hold for a large one.

What is held equal: operations, text, tokenizer, seeds, learning rates. What is not, and favors the baseline: the rates
were chosen for it, and none is tuned for a variant.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smollab import __version__
from smollab.experiments.compare import Comparison, Variant, compare
from smollab.experiments.data_ablation import shorten
from smollab.recipe import Recipe, RecipeError

if TYPE_CHECKING:
    from rich.table import Table

BASELINE = "smollm3"
"""The recipe as it is."""
FLOAT16 = 2
"""Bytes of a number in the key-value cache."""


def architectures(recipe: Recipe) -> dict[str, Recipe]:
    """The recipe as it is, and with one choice changed; by the variant's name."""
    model = lambda **changes: replace(recipe, model=replace(recipe.model, **changes))
    return {
        BASELINE: recipe,
        "mha": model(num_key_value_heads=recipe.model.num_attention_heads),
        "mqa": model(num_key_value_heads=1),
        "rope-everywhere": model(no_rope_layer_interval=0, nope_layers=None),
        "nope-everywhere": model(no_rope_layer_interval=1, nope_layers=None),
        "sliding-window": model(sliding_window=recipe.train.sequence_length // 4),
        "layernorm": model(norm="layernorm"),
        "batchnorm": model(norm="batchnorm"),
        "post-norm": model(norm_placement="post"),
        "qk-norm": model(qk_norm=True),
        "geglu": model(mlp="geglu"),
        "gelu": model(mlp="gelu"),
        "relu": model(mlp="relu"),
        "relu2": model(mlp="relu2"),
        "untied": model(tie_word_embeddings=False),
        "decayed-embeddings": replace(recipe, optimizer=replace(recipe.optimizer, decay_embeddings=True)),
        "softcap": model(logit_softcap=30.0),
        "z-loss": replace(recipe, objective=replace(recipe.objective, z_loss=1e-4)),
        "normal-init": model(initialization="normal"),
    }


def check_names(recipe: Recipe, only: Sequence[str]) -> None:
    """Refuse variants that there are not.

    Raises:
        RecipeError: naming one, and those there are.
    """
    known = architectures(recipe)
    unknown = [name for name in only if name not in known]
    if unknown:
        raise RecipeError(f"no variant {unknown[0]!r}; known: {', '.join(known)}")


def at_equal_flops(recipe: Recipe, baseline: Recipe, vocab_size: int) -> Recipe:
    """A variant with as many steps as spend the baseline's floating-point operations."""
    from smollab.model.config import ModelConfig
    from smollab.scaling.flops import flops_per_token

    per_token = [flops_per_token(ModelConfig.from_recipe(r.model, vocab_size), r.train.sequence_length)
                 for r in (recipe, baseline)]  # fmt: skip
    return shorten(recipe, round(baseline.total_steps * per_token[1] / per_token[0]))


def plan_variants(recipe: Recipe, tokenizer: Path, only: Sequence[str] = ()) -> dict[str, Recipe]:
    """What is to be trained: the baseline, and the variants with their steps at equal operations.

    Args:
        recipe: the baseline and its training.
        tokenizer: folder of the tokenizer, whose vocabulary counts among the operations.
        only: some of the names of `architectures`; empty: all.

    Raises:
        RecipeError: an unknown variant.
    """
    from smollab.tokens.tokenizer import load_tokenizer

    check_names(recipe, only)
    vocab_size = load_tokenizer(tokenizer).get_vocab_size()
    return {
        name: at_equal_flops(variant, recipe, vocab_size)
        for name, variant in architectures(recipe).items()
        if not only or name in only or name == BASELINE
    }


def ablate_architecture(
    recipe: Recipe,
    tokens: Path,
    tokenizer: Path,
    folder: Path,
    seeds: Sequence[int],
    only: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda steps_done, steps: None,
) -> dict[str, Any]:
    """Train the variants at equal operations, several seeds each; what is done already is kept.

    Args:
        recipe: the baseline and its training.
        tokens: folder with `train/` and `held_out/` shards.
        tokenizer: folder of the tokenizer they were made with.
        folder: receives `runs/` and `results.json`.
        seeds: of initialization and data order; the same ones for every variant.
        only: some of the names of `architectures`, to which the baseline is added; empty: all.
        progress: called with (optimizer steps done, steps in all).

    Returns:
        What `results.json` holds: `variants`, `seeds`, `scores`, `recipe`, `version`.

    Raises:
        RecipeError: an unknown variant.
        TrainingError: a loss that is not finite.
    """
    from smollab.tokens.tokenizer import load_tokenizer

    chosen, vocab_size = plan_variants(recipe, tokenizer, only), load_tokenizer(tokenizer).get_vocab_size()
    variants = {name: Variant(variant, tokens, tokenizer) for name, variant in chosen.items()}
    comparison = compare(variants, seeds, folder, recipe.curate.workers, progress)
    speeds = relative_speeds(chosen, vocab_size)
    results = {
        "variants": {
            name: describe(variant, vocab_size) | {"relative_speed": round(speeds[name], 2)}
            for name, variant in chosen.items()
        },
        "seeds": list(comparison.seeds),
        "scores": comparison.scores,
        "recipe": recipe.name,
        "version": __version__,
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def describe(recipe: Recipe, vocab_size: int) -> dict[str, int]:
    """What a variant costs: numbers that follow from its shape."""
    from smollab.model.config import ModelConfig
    from smollab.scaling.flops import flops_per_token
    from smollab.scaling.memory import kv_cache_bytes
    from smollab.scaling.parameters import count_parameters

    config = ModelConfig.from_recipe(recipe.model, vocab_size)
    seen = recipe.model.sliding_window or recipe.train.sequence_length
    return {
        "parameters": count_parameters(config),
        "flops_per_token": round(flops_per_token(config, recipe.train.sequence_length)),
        "steps": recipe.total_steps,
        "tokens": recipe.total_tokens,
        "kv_cache_bytes": round(kv_cache_bytes(config, seen, FLOAT16)),
    }


def relative_speeds(recipes: Mapping[str, Recipe], vocab_size: int, rounds: int = 5) -> dict[str, float]:
    """Training tokens per CPU-second of each variant over the baseline's: medians of interleaved steps.

    Within a round the variants follow one another, so that whatever else the machine does slows all of them.
    """
    steps = {name: _step(recipe, vocab_size) for name, recipe in recipes.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(rounds + 1):
        for name, step in steps.items():
            start = time.process_time()
            step()
            if round_:  # the first one warms up
                seconds[name].append(time.process_time() - start)
    return {
        name: statistics.median(a / b for a, b in zip(seconds[BASELINE], times, strict=True))
        for name, times in seconds.items()
    }


def load_comparison(results: Mapping[str, Any]) -> Comparison:
    """The comparison inside results, whether just made or read from `results.json`."""
    return Comparison(tuple(results["seeds"]), dict(results["scores"]))


def architecture_table(results: Mapping[str, Any]) -> "Table":
    """Every variant: its cost, and its difference from the baseline with its 95 % interval."""
    from rich.table import Table

    comparison = load_comparison(results)
    table = Table(
        title=f"{len(comparison.seeds)} seeds at equal operations; differences by seed, with 95 % intervals",
        title_justify="left",
    )
    for column in ("variant", "parameters", "tokens", "speed", "KV bytes"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for metric in comparison.scores:
        table.add_column(f"{metric}: bits/byte - {BASELINE}")
    for name, row in results["variants"].items():
        cells = [f"{row['parameters']:,}", f"{row['tokens']:,}", f"{row['relative_speed']:.2f}"]
        differences = [_difference(comparison, metric, name) for metric in comparison.scores]
        table.add_row(name, *cells, f"{row['kv_cache_bytes']:,}", *differences)
    return table


def _difference(comparison: Comparison, metric: str, name: str) -> str:
    if name == BASELINE:
        return f"{comparison.interval(metric, name).mean:.4f} itself"
    interval = comparison.difference(metric, name, BASELINE)
    if interval.count == 1:
        return f"{interval.mean:+.4f}, one seed: no interval"
    verdict = ("worse" if interval.mean > 0 else "better") if interval.excludes_zero else "within the noise"
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] {verdict}"


def _step(recipe: Recipe, vocab_size: int) -> Callable[[], object]:
    """One optimizer step on a batch of random tokens."""
    import torch

    from smollab.batch import Batch
    from smollab.model.config import ModelConfig
    from smollab.model.transformer import Transformer
    from smollab.optim import build_optimizers
    from smollab.train.step import train_step

    model = Transformer(ModelConfig.from_recipe(recipe.model, vocab_size), recipe.train.seed)
    optimizers = build_optimizers(model, recipe.optimizer)
    rows, length = recipe.train.batch_sequences, recipe.train.sequence_length
    tokens = torch.randint(vocab_size, (rows, length + 1), generator=torch.Generator().manual_seed(0))
    places = torch.arange(length).expand(rows, -1)
    batch = Batch(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), places, torch.zeros_like(places))
    return lambda: train_step(model, optimizers, batch, recipe)
