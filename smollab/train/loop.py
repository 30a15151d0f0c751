"""The training loop.

Read from top to bottom it is the whole of pretraining: draw a batch from the stage's mixture, run the model, turn
hidden states into a loss, take gradients, clip them, set the learning rate, step, log, save.
"""

import ast
import hashlib
import json
import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from smollab.batch import IGNORE_INDEX, Batch
from smollab.evaluate.bits_per_byte import bits_per_byte
from smollab.hardware import training_device
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import next_token_loss
from smollab.optim import build_optimizers
from smollab.optim.schedules import warmup_stable_decay
from smollab.progress import console, progress
from smollab.recipe import Recipe, StagePlan, plan_stages
from smollab.tokens.mixture import Mixture, TokenStream
from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenize import open_shards
from smollab.train import TRAINING_CODE
from smollab.train.checkpoint import check_state, list_checkpoints, load_checkpoint, save_checkpoint
from smollab.train.mesh import build_layout, check_batch
from smollab.train.metrics import MetricsLog
from smollab.train.parallel import ParallelModel, check_layout
from smollab.train.processes import any_rank, fit_layout, is_main, world_size

TrainedModel = Transformer | ParallelModel
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


def rows_of(model: TrainedModel, plan: StagePlan) -> slice:
    """The sequences of a batch that this process trains on."""
    return model.layout.rows(plan.batch_sequences) if isinstance(model, ParallelModel) else slice(None)


def micro_batch_rows(recipe: Recipe, sequence_length: int) -> int:
    """Sequences per forward pass: as many tokens as the recipe's, in sequences of another length."""
    return max(1, recipe.train.micro_batch_sequences * recipe.train.sequence_length // sequence_length)


def train_step(
    model: TrainedModel, optimizers: list[torch.optim.Optimizer], batch: Batch, recipe: Recipe
) -> tuple[float, float]:
    """One optimizer step on a batch, accumulated over micro-batches.

    Args:
        model: whole, or this rank's part of it.
        optimizers: over its parameters.
        batch: of one process; of several, this rank's rows.
        recipe: all settings.

    Returns:
        Mean loss in nats per token, and the global gradient norm before clipping, both of the whole batch. When one
        of them is not finite the weights are left as they were.
    """
    size = micro_batch_rows(recipe, batch.tokens.shape[1])
    if isinstance(model, ParallelModel):
        loss = model.forward_backward(batch, size).item()
        grad_norm = model.clip_gradients(recipe.optimizer.max_grad_norm).item()
    else:
        loss = forward_backward(model, batch, recipe, size)
        grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.optimizer.max_grad_norm).item()
    if math.isfinite(loss) and math.isfinite(grad_norm):
        for optimizer in optimizers:
            optimizer.step()
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    return (loss if math.isfinite(grad_norm) else math.nan), grad_norm


def forward_backward(model: Transformer, batch: Batch, recipe: Recipe, micro_batch: int) -> float:
    """Gradients of the mean loss of a batch, in one process; returns that loss."""
    num_targets = int((batch.targets != IGNORE_INDEX).sum())
    loss = 0.0
    for start in range(0, batch.tokens.shape[0], micro_batch):
        part = batch.rows(start, start + micro_batch)
        with torch.autocast("cuda", torch.bfloat16, enabled=batch.tokens.is_cuda):
            hidden = model(part.tokens, part.document_ids, part.positions)
        part_loss = next_token_loss(
            hidden.to(model.lm_head.weight.dtype),
            model.lm_head.weight,
            part.targets,
            recipe.objective.chunk_tokens,
            num_targets,
            recipe.model.logit_softcap,
            recipe.objective.z_loss,
        )
        part_loss.backward()
        loss += part_loss.item()
    return loss


def set_learning_rates(optimizers: list[torch.optim.Optimizer], recipe: Recipe, plan: StagePlan, step: int) -> float:
    """Set every group to its peak rate times the schedule; returns the rate of the matrices."""
    settings, place = plan.schedule, step - plan.schedule_begin
    factor = plan.rate_factor * warmup_stable_decay(
        place, plan.schedule_steps, settings.warmup_steps, settings.decay_steps, settings.decay
    )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
    return recipe.optimizer.learning_rate * factor


def open_mixture(recipe: Recipe, folder: Path) -> Mixture:
    """A stream for every source and sequence length that some stage mixes.

    Raises:
        ShardError: the tokens are not those that were written.
    """
    streams: dict[str, TokenStream] = {}
    opened: dict[str, Sequence[TokenShard]] = {}
    for plan in plan_stages(recipe):
        for source, stream in stream_names(plan).items():
            if source not in opened:
                opened[source] = open_shards(folder, source)
                for shard in opened[source]:
                    shard.verify()
            if stream not in streams:
                streams[stream] = TokenStream(opened[source], plan.sequence_length, recipe.train.seed)
    return Mixture(streams)


def stream_names(plan: StagePlan) -> dict[str, str]:
    """Source -> the name of its stream of this stage's length, such as `web@512`; each is drawn from by itself."""
    return {source: f"{source}@{plan.sequence_length}" for source in plan.stage.mixture}


def source_of(stream: str) -> str:
    """The source that a stream draws from."""
    return stream.rpartition("@")[0]


def begin_stage(plan: StagePlan, model: TrainedModel, mixture: Mixture, step: int) -> None:
    """Give the model the stage's reach, and the mixture its weights; the step may lie within the stage."""
    model.config = replace(
        model.config, rope_theta=plan.rope_theta, max_position_embeddings=plan.max_position_embeddings
    )
    weights = {stream: plan.stage.mixture[source] for source, stream in stream_names(plan).items()}
    mixture.set_weights(weights, (step - plan.begin) * plan.batch_sequences)


def stages_from(recipe: Recipe, step: int) -> Iterator[StagePlan]:
    """The stages not finished at a step."""
    yield from (plan for plan in plan_stages(recipe) if step < plan.end)


def run_configuration(recipe: Recipe, tokens: Path) -> dict[str, Any]:
    """Everything that decides what a run computes: settings, the tokens it reads, and the code."""
    sections = {key: asdict(getattr(recipe, key)) for key in ("model", "objective", "optimizer", "schedule")}
    headers = [path.read_text(encoding="utf-8") for path in sorted((tokens / "train").glob("*/header.json"))]
    train = asdict(recipe.train)
    configuration = sections | {
        "stages": {str(i): asdict(stage) for i, stage in enumerate(recipe.stages)},
        "train": {key: train[key] for key in ("sequence_length", "batch_sequences", "seed")},
        "tokens": hashlib.sha256("".join(headers).encode()).hexdigest()[:16],
        "code": code_fingerprint(),
    }
    result: dict[str, Any] = json.loads(json.dumps(configuration))  # tuples become lists, as in a saved state
    return result


def code_fingerprint() -> str:
    """Hash of the code that training consists of; comments and layout do not count.

    So that whoever changes the optimizer and runs again sees what the change does, not the old run's end.
    """
    package = Path(__file__).parents[1]
    places = [package / place for place in TRAINING_CODE]
    files = [file for place in places for file in (sorted(place.glob("*.py")) if place.is_dir() else [place])]
    code = [ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in files]
    return hashlib.sha256("".join(code).encode()).hexdigest()[:16]


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
