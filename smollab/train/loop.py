"""The training loop.

Read from top to bottom it is the whole of pretraining: draw a batch from the stage's mixture, take a step on it
(`step.py`), log, evaluate, save.
"""

import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from smollab.evaluate.bits_per_byte import bits_per_byte
from smollab.hardware import training_device
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.progress import console, progress
from smollab.recipe import Recipe, plan_stages
from smollab.tokens.shards import TokenShard
from smollab.train.checkpoint import check_state, list_checkpoints, load_checkpoint, save_checkpoint
from smollab.train.configuration import run_configuration
from smollab.train.data import begin_stage, open_mixture, rows_of, source_of, stages_from
from smollab.train.mesh import build_layout, check_batch
from smollab.train.metrics import MetricsLog
from smollab.train.parallel import ParallelModel, check_layout
from smollab.train.processes import any_rank, fit_layout, is_main, world_size
from smollab.train.step import TrainedModel, micro_batch_rows, set_learning_rates, train_step

PEEK_TOKENS = 8192
"""Held-out tokens per source measured during training."""


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says why and what to do."""


def pretrain(recipe: Recipe, tokens: Path, output: Path, vocab_size: int, bytes_per_token: torch.Tensor) -> Path:
    """Train a recipe's model, or continue where an earlier call was stopped.

    Args:
        recipe: all settings.
        tokens: folder with `train/` and `held_out/` shards.
        output: receives `checkpoints/` and `metrics.jsonl`.
        vocab_size: of the tokenizer the shards were made with.
        bytes_per_token: see `smollab.evaluate.bits_per_byte.token_bytes`.

    Returns:
        The last checkpoint.

    Raises:
        TrainingError: the loss is not finite any more.
        CheckpointMismatch: `output` holds a run of another configuration.
        KeyboardInterrupt: stopped by the user, after a checkpoint was saved.
    """
    configuration = run_configuration(recipe, tokens)
    checkpoints = list_checkpoints(output / "checkpoints")
    finished = bool(checkpoints) and check_state(checkpoints[-1], configuration)["step"] == recipe.total_steps
    if finished and max(world_size(), recipe.parallel.num_ranks) > 1:
        return checkpoints[-1]  # the other processes have left
    device = training_device()
    model = build_model(recipe, vocab_size, device)
    optimizers = build_optimizers(model, recipe.optimizer)
    mixture = open_mixture(recipe, tokens / "train")
    step = 0
    if checkpoints:
        state = load_checkpoint(checkpoints[-1], model, optimizers, configuration)
        step, mixture.drawn = state["step"], state["drawn"]
        if finished:
            return checkpoints[-1]  # it could be read
        console.print(f"  continuing after step {step} of {recipe.total_steps}")
    held_out = {path.name: TokenShard(path) for path in sorted((tokens / "held_out").iterdir())}
    metrics = MetricsLog(output / "metrics.jsonl", resume_step=step, writes=is_main())

    def save() -> Path:
        reach = {key: getattr(model.config, key) for key in ("rope_theta", "max_position_embeddings")}
        state = {"step": step, "drawn": mixture.drawn, "model": reach, "configuration": configuration}
        part = model.part if isinstance(model, ParallelModel) else 0
        return save_checkpoint(output / "checkpoints", model, optimizers, state, recipe.train.keep_checkpoints, part)

    with progress("pretrain", recipe.total_steps, done=step) as advance, _interruptible() as interrupted:
        for plan in stages_from(recipe, step):
            stage = plan.stage
            begin_stage(plan, model, mixture, step)
            console.print(f"  {stage.name}: {stage.steps} steps", markup=False)
            while step < plan.end:
                started = time.perf_counter()
                batch, names = mixture.next_batch(plan.batch_sequences, rows_of(model, plan))
                rate = set_learning_rates(optimizers, recipe, plan, step)
                loss, grad_norm = train_step(model, optimizers, batch.to(device), recipe)
                step += 1
                if not math.isfinite(loss):
                    raise TrainingError(_divergence(step, loss, list_checkpoints(output / "checkpoints")))
                seconds = time.perf_counter() - started
                row = {
                    "step": step,
                    "stage": stage.name,
                    "loss": loss,
                    "grad_norm": grad_norm,
                    "learning_rate": rate,
                    "tokens": step * recipe.train.batch_sequences * recipe.train.sequence_length,
                    "tokens_per_second": plan.batch_sequences * plan.sequence_length / seconds,
                    "sources": Counter(source_of(name) for name in names),
                    "sequence_length": plan.sequence_length,
                }
                if recipe.train.evaluate_every and step % recipe.train.evaluate_every == 0:
                    row["held_out"] = {
                        name: bits_per_byte(model, shard, bytes_per_token, PEEK_TOKENS, recipe.train.sequence_length)
                        for name, shard in held_out.items()
                        if shard.header.num_tokens > 1
                    }
                if step % recipe.train.log_every == 0 or step == recipe.total_steps or "held_out" in row:
                    metrics.write(row)
                advance(1, f"loss {loss:.3f} · {row['tokens_per_second']:,.0f} tokens/s")
                if any_rank(interrupted.is_set()):
                    save()
                    raise KeyboardInterrupt
                if step % recipe.train.checkpoint_every == 0 or step == recipe.total_steps:
                    last = save()
    return last


def build_model(recipe: Recipe, vocab_size: int, device: torch.device) -> TrainedModel:
    """The model with its first weights: whole in one process, this rank's part of it in several.

    Raises:
        RecipeError: other processes were started than the recipe asks for.
        ValueError: the model, or the batch of some stage, cannot be divided among the processes.
    """
    config = ModelConfig.from_recipe(recipe.model, vocab_size)
    parallel = fit_layout(recipe.parallel)
    if parallel.num_ranks == 1:
        return Transformer(config, recipe.train.seed).to(device)
    check_layout(config, parallel)
    for plan in plan_stages(recipe):
        check_batch(
            parallel, plan.batch_sequences, plan.sequence_length, micro_batch_rows(recipe, plan.sequence_length)
        )
    layout = build_layout(parallel, device.type)
    return ParallelModel(config, parallel, layout, recipe.objective, recipe.train.seed, device)


def _divergence(step: int, loss: float, checkpoints: list[Path]) -> str:
    last = f"the last good checkpoint is {checkpoints[-1]}" if checkpoints else "no checkpoint was saved yet"
    return (
        f"loss or gradient is {loss} at step {step}; the weights were left as they were before it; {last}. "
        "Lower optimizer.learning_rate, or warm up longer (schedule.warmup_steps)"
    )


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that a step is finished and saved; the next is as usual."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def stop(number: int, frame: Any) -> None:
        event.set()
        restore()
        console.print("  finishing this step and saving it; press Ctrl-C again to stop at once")

    for number in previous:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        restore()
