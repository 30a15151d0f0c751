"""The training loop.

Read from top to bottom it is the whole of pretraining: draw a batch from the stage's mixture, take a step on it
(`step.py`), log, evaluate, save.
"""

import functools
import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from smollab.evaluate.bits_per_byte import bits_per_byte
from smollab.hardware import training_device
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.objectives import build_objective
from smollab.optim import build_optimizers, check_optimizer, group_table
from smollab.optim.clipping import Clipper, check_clipping
from smollab.progress import console, progress
from smollab.recipe import Recipe, plan_stages
from smollab.tokens.prefetch import Prefetched
from smollab.tokens.shards import TokenShard
from smollab.train.blocks import check_blocks, prepare_blocks
from smollab.train.checkpoint import find_checkpoint, is_finished, list_checkpoints, load_checkpoint
from smollab.train.checkpoint_writer import SCORE, CheckpointWriter
from smollab.train.clock import Clock
from smollab.train.configuration import run_configuration
from smollab.train.data import (
    begin_stage,
    describe_packing,
    open_mixture,
    rows_of,
    source_of,
    stage_batches,
    stages_from,
)
from smollab.train.details import Details, learning_rates
from smollab.train.flight_recorder import FlightRecorder
from smollab.train.mesh import build_layout, check_batch
from smollab.train.metrics import MetricsLog
from smollab.train.monitor import LATE, Event, Monitor
from smollab.train.parallel import ParallelModel, check_layout
from smollab.train.precision import choose_precision
from smollab.train.processes import any_ranks, fit_layout, is_main, world_size
from smollab.train.speed import Speed
from smollab.train.status import told_status
from smollab.train.step import TrainedModel, micro_batch_rows, set_learning_rates, train_step
from smollab.train.trackers import check_trackers, open_trackers

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
    check_trackers(recipe.train.trackers)
    device = training_device()
    precision = choose_precision(recipe.train.precision, device, output)
    recipe = replace(recipe, train=replace(recipe.train, precision=precision))
    clock = Clock(recipe, output)
    configuration = run_configuration(recipe, tokens)
    folder = output / "checkpoints"
    if max(world_size(), recipe.parallel.num_ranks) > 1 and is_finished(folder, configuration, clock.total_steps):
        return list_checkpoints(folder)[-1]  # the other processes have left
    last = find_checkpoint(folder, configuration)
    if last is not None and last[1]["step"] == clock.total_steps:
        return last[0]
    model = build_model(recipe, vocab_size, device, tokens)
    optimizers = build_optimizers(model, recipe.optimizer)
    mixture = open_mixture(recipe, tokens / "train")
    step = 0
    if last is not None:
        state = load_checkpoint(last[0], model, optimizers, configuration)
        step, mixture.state = state["step"], state["data"]
        clock.resume(step, state["seconds"])
        recipe = clock.recipe
        console.print(f"  continuing after step {step} of {recipe.total_steps}")
    elif is_main():
        console.print(group_table(optimizers))
    data = mixture.state
    monitor = Monitor(recipe.monitor, output / "events.jsonl" if is_main() else None)
    clipper = Clipper(recipe.optimizer)
    if last is not None:
        monitor.state, clipper.state = state["monitor"], state["clipping"]
    held_out = {path.name: TokenShard(path) for path in sorted((tokens / "held_out").glob("*"))}
    trackers = open_trackers(recipe.train.trackers, output, configuration, step) if is_main() else []
    metrics = MetricsLog(output / "metrics.jsonl", resume_step=step, writes=is_main(), trackers=trackers)
    speed = Speed(model.config, precision, device)
    gathers = recipe.parallel.context > 1 and recipe.parallel.context_method == "all_gather"
    details = Details(model, optimizers, recipe.train.detail_every, logits=not gathers)
    recorder = FlightRecorder(output if is_main() else None, model, mixture, tokens.parent / "tokenizer")
    writer = CheckpointWriter(folder, model, optimizers, recipe.train.keep_checkpoints, recipe.train.keep_best)

    def save(measured: dict[str, float]) -> None:
        reach = {key: getattr(model.config, key) for key in ("rope_theta", "max_position_embeddings")}
        state = {"step": step, "data": data, "seconds": clock.elapsed, "model": reach, "configuration": configuration}
        state |= {"monitor": monitor.state, "clipping": clipper.state}
        writer.save(state | ({SCORE: sum(measured.values()) / len(measured)} if measured else {}))

    crossed = False  # back into an earlier stage, whose share of each source then begins anew
    with ExitStack() as stack:
        advance = stack.enter_context(progress("pretrain", recipe.total_steps, done=step))
        interrupted = stack.enter_context(_interruptible())
        stack.enter_context(writer)
        stack.callback(metrics.close)
        stack.enter_context(told_status(output, is_main()))
        while step < recipe.total_steps:
            plan = next(stages_from(recipe, step))
            stage = plan.stage
            begin_stage(plan, model, mixture, plan.begin if crossed else step)
            crossed = False
            console.print(f"  {stage.name}: {stage.steps} steps; {describe_packing(mixture, plan)}", markup=False)
            draws = stage_batches(mixture, plan, step, rows_of(model, plan))
            ahead = stack.enter_context(Prefetched(draws))
            while step < plan.end:
                started = time.perf_counter()
                drawn = next(ahead)
                batch, names, data = drawn.batch, drawn.streams, drawn.state
                rate = set_learning_rates(optimizers, recipe, plan, step, monitor.rate_factor(step))
                reported: dict[str, float] = {}
                detailed = details.before(step + 1)
                events: list[Event] = []
                judge = functools.partial(_judge, monitor, recorder, step + 1, events)
                recorder.before(step + 1, batch, names[rows_of(model, plan)])
                loss, grad_norm = train_step(model, optimizers, batch.to(device), recipe, reported, clipper, judge)
                step += 1
                measured = details.after()
                if not events and (late := monitor.after_update(step, measured)):
                    events.append(late)
                flight = recorder.after(loss, grad_norm, events[0] if events else None)
                seconds = time.perf_counter() - started
                batch_tokens = plan.batch_sequences * plan.sequence_length
                row: dict[str, Any] = {
                    "step": step,
                    "total_steps": recipe.total_steps,
                    "stage": stage.name,
                    "loss": loss,
                    **reported,
                    "grad_norm": grad_norm,
                    "learning_rate": rate,
                    "learning_rates": learning_rates(optimizers),
                    **measured,
                    **({"event": events[0].reason, "action": events[0].action} if events else {}),
                    "tokens": step * recipe.train.batch_sequences * recipe.train.sequence_length,
                    **speed.of_step(plan, batch_tokens, seconds),
                    "sources": Counter(source_of(name) for name in names),
                    "sequence_length": plan.sequence_length,
                    "data_wait": ahead.waited,
                }
                if recipe.train.evaluate_every and step % recipe.train.evaluate_every == 0:
                    row["held_out"] = {
                        name: bits_per_byte(model, shard, bytes_per_token, PEEK_TOKENS, recipe.train.sequence_length)
                        for name, shard in held_out.items()
                        if shard.header.num_tokens > 1
                    }
                logged = detailed or step % recipe.train.log_every == 0 or step == recipe.total_steps
                if (logged or "held_out" in row or events) and math.isfinite(loss):  # events.jsonl tells of the others
                    metrics.write(row)
                for event in events:
                    console.print(f"  step {step}: {event.reason}: {event.action}", markup=False)
                if flight is not None:
                    console.print(
                        f"  recorded in {flight}; `smollab replay` computes it again", markup=False, soft_wrap=True
                    )
                if events and events[0].action == "stop":
                    writer.wait()
                    raise TrainingError(_divergence(events[0], list_checkpoints(folder)))
                if events and events[0].action == "roll_back":
                    writer.wait()
                    good = find_checkpoint(folder, configuration)
                    if good is None:
                        raise TrainingError(_divergence(events[0], []))
                    kept = load_checkpoint(good[0], model, optimizers, configuration)
                    monitor.state = kept["monitor"] | {"rollbacks": monitor.rollbacks}
                    clipper.state = kept["clipping"]
                    advance(kept["step"] - step, "back to the last checkpoint, on with new data")
                    step = kept["step"]
                    crossed = step < plan.begin
                    metrics.rewind(step)
                    recorder.rewound(step, data, crossed)
                    break
                advance(1, f"loss {loss:.3f} · {row['tokens_per_second']:,.0f} tokens/s")
                stop, unwritten = any_ranks(interrupted.is_set(), writer.failed)
                if unwritten:
                    writer.wait()  # says why, on all ranks at the same step
                if stop or step % recipe.train.checkpoint_every == 0 or step == recipe.total_steps:
                    save(row.get("held_out", {}))
                if stop:
                    writer.wait()
                    raise KeyboardInterrupt
                if clock.look(step):
                    recipe = clock.recipe
                    console.print(f"  {recipe.total_steps} steps in all, to end on time")
                    break
            ahead.close()
            mixture.state = data
    return folder / f"step-{step:08d}"


def build_model(recipe: Recipe, vocab_size: int, device: torch.device, tokens: Path) -> TrainedModel:
    """The model with its first weights and its objective: whole in one process, this rank's part of it in several.

    Raises:
        RecipeError: other processes were started than the recipe asks for.
        ValueError: the model, or the batch of some stage, cannot be divided among the processes; the objective does
            not fit the model or the tokens.
    """
    config = ModelConfig.from_recipe(recipe.model, vocab_size)
    parallel = fit_layout(recipe.parallel)
    objective = build_objective(recipe.objective, config, recipe.train.seed, tokens)
    check_blocks(recipe.train, parallel)
    check_optimizer(recipe.optimizer, parallel)
    check_clipping(recipe.optimizer, parallel)
    if parallel.num_ranks == 1:
        model = Transformer(config, recipe.train.seed)
        prepare_blocks(model, recipe.train)
        model.objective = objective
        return model.to(device)
    check_layout(config, parallel, objective)
    for plan in plan_stages(recipe):
        check_batch(
            parallel, plan.batch_sequences, plan.sequence_length, micro_batch_rows(recipe, plan.sequence_length)
        )
    layout = build_layout(parallel, device.type)
    return ParallelModel(config, parallel, layout, objective, recipe.train.seed, device, recipe.train)


def _judge(
    monitor: Monitor, recorder: FlightRecorder, step: int, events: list[Event], loss: float, grad_norm: float
) -> bool:
    """Whether a step's gradient may change the weights; what looked wrong is added to the events."""
    event = monitor.before_update(step, loss, grad_norm)
    if event is not None:
        events.append(event)
        recorder.look()
    return event is None or event.action == "warn"


def _divergence(event: Event, checkpoints: list[Path]) -> str:
    last = f"the last good checkpoint is {checkpoints[-1]}" if checkpoints else "no checkpoint was saved yet"
    unchanged = "; the weights were left as they were before it" if event.kind not in LATE else ""
    return (
        f"{event.reason} at step {event.step}{unchanged}; {last}. "
        "Lower optimizer.learning_rate, warm up longer (schedule.warmup_steps), or let [monitor] act: "
        f"monitor.{event.kind} = 'roll_back'"
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
