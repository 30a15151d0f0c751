"""The accountant's answer as a table for a terminal."""

import math
from typing import TYPE_CHECKING

from smollab.hardware import measure_matmul
from smollab.model.config import ModelConfig
from smollab.recipe import Recipe
from smollab.scaling.accountant import Cost, estimate
from smollab.scaling.memory import activation_bytes, kv_cache_bytes

if TYPE_CHECKING:
    from rich.table import Table

H100_FLOPS = 989e12
"""Dense bfloat16 operations per second of an H100 SXM, by its data sheet."""
UTILIZATION = 0.30
"""Share of them that large runs reach; SmolLM3's: 0.29, from its published devices and days."""


def cost_table(recipe: Recipe) -> "Table":
    """Parameters, operations, bytes on each device and the time of a recipe."""
    from rich.table import Table

    cost = estimate(recipe)
    table = Table(title=f"{recipe.name}: what it costs", title_justify="left", show_header=False)
    for name, value in (*_model_rows(cost), *_run_rows(recipe, cost), *_memory_rows(recipe, cost), _time_row(cost)):
        table.add_row(name, value)
    return table


def _model_rows(cost: Cost) -> list[tuple[str, str]]:
    parts, flops = cost.parts, cost.flops
    share = lambda part, whole: f"{part / whole:.1%}"
    rows = [("parameters", f"{short(parts.total)} ({parts.total:,})")]
    for name, count in (
        ("embedding", parts.embedding),
        ("unembedding", parts.unembedding),
        ("attention", parts.attention),
        ("MLP", parts.mlp),
        ("norms and biases", parts.small),
    ):
        rows.append((f"  {name}", f"{short(count)} ({share(count, parts.total)})" if count else "tied"))
    rows.append(("FLOPs per token", f"{flops.training:.3e} (forward {flops.forward:.3e}, backward twice that)"))
    for name, operations in (
        ("matrices of the blocks", flops.matrices),
        ("attention, causal", flops.attention),
        ("unembedding", flops.unembedding),
    ):
        rows.append((f"  {name}", share(operations, flops.forward)))
    return rows


def _run_rows(recipe: Recipe, cost: Cost) -> list[tuple[str, str]]:
    parallel = recipe.parallel
    sizes = {name: getattr(parallel, name) for name in ("data", "shard", "context", "tensor", "pipeline")}
    layout = " x ".join(f"{size} {name}" for name, size in sizes.items() if size > 1)
    return [
        ("stages", "; ".join(f"{s.name} ({s.steps:,} steps)" for s in recipe.stages)),
        ("steps", f"{cost.steps:,}"),
        ("tokens per step", f"{recipe.train.batch_sequences * recipe.train.sequence_length:,}"),
        ("training tokens", f"{short(cost.tokens)} ({cost.tokens:,})"),
        ("FLOPs in all", f"{cost.total_flops:.3e}"),
        ("devices", f"{cost.devices:,}" + (f" ({layout} parallel)" if layout else "")),
    ]


def _memory_rows(recipe: Recipe, cost: Cost) -> list[tuple[str, str]]:
    memory = cost.memory
    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    number = 2 if cost.devices > 1 else 4
    kind = "bfloat16" if cost.devices > 1 else "float32"
    recomputed = _recomputed(recipe, config, number)
    length = cost.longest_sequence
    rows = [
        ("memory per device", f"{in_bytes(memory.total)}, of which:"),
        ("  weights", f"{in_bytes(memory.weights)} (float32)"),
        ("  gradients", f"{in_bytes(memory.gradients)} (float32)"),
        ("  optimizer", f"{in_bytes(memory.optimizer)} ({recipe.optimizer.name})"),
        ("  bfloat16 weights", in_bytes(memory.copies)),
        ("  activations", f"{in_bytes(memory.activations)} ({in_bytes(recomputed)} if blocks are recomputed)"),
        ("  logits", f"{in_bytes(memory.logits)} (a chunk at a time)"),
    ]
    if length > recipe.train.sequence_length:
        long = f"{in_bytes(cost.longest_memory.activations)} in sequences of {length:,} tokens"
        rows.append(("  activations, last stages", long))
    cache = kv_cache_bytes(config, 1, number)
    rows.append(
        ("KV cache", f"{in_bytes(cache)} a token, {in_bytes(cache * length)} at {length:,} tokens ({kind}, one text)")
    )
    return rows if memory.copies else [row for row in rows if row[0] != "  bfloat16 weights"]


def _recomputed(recipe: Recipe, config: ModelConfig, number: int) -> int:
    parallel = recipe.parallel
    tokens = recipe.train.micro_batch_sequences * recipe.train.sequence_length // (parallel.context * parallel.tensor)
    layers = math.ceil(config.num_hidden_layers / parallel.pipeline)
    return activation_bytes(config, tokens, number, recompute=True, layers=layers)


def _time_row(cost: Cost) -> tuple[str, str]:
    if cost.devices > 1:
        days = cost.total_flops / (cost.devices * H100_FLOPS * UTILIZATION) / 86400
        return "time on H100", f"{days:.1f} days at {UTILIZATION:.0%} of {H100_FLOPS / 1e12:.0f} TFLOP/s"
    speed = measure_matmul().gflops
    minutes = cost.total_flops / (speed * 1e9 * 0.6) / 60
    return "time here", f"about {minutes:.1f} minutes at 60 % of the {speed:.0f} GFLOP/s measured now"


def short(number: float) -> str:
    """`3.075 B` for 3,075,098,624."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3f} {letter}"
    return f"{number:g}"


def in_bytes(number: float) -> str:
    """`25.8 GiB`."""
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.0f} B"
