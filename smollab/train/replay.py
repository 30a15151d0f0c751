"""Replay: compute a recorded step again, from the last checkpoint before it, and compare.

The same numbers bit for bit mean that data and weights explain what was seen: look at the documents. Other numbers mean
that something outside of the run's settings had a hand in it: memory, a device, a library or code that has changed.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from smollab.batch import Batch
from smollab.hardware import training_device
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import token_losses
from smollab.optim import build_optimizers
from smollab.optim.clipping import Clipper
from smollab.recipe import Recipe, load_recipe
from smollab.tokens.tokenizer import load_tokenizer
from smollab.train.checkpoint import list_checkpoints, load_checkpoint
from smollab.train.configuration import run_configuration
from smollab.train.data import begin_stage, open_mixture, stage_batches, stages_from
from smollab.train.details import Details
from smollab.train.flight_recorder import BATCHES, FLIGHT, list_flights
from smollab.train.loop import build_model
from smollab.train.monitor import Monitor
from smollab.train.precision import choose_precision, computing_in, settled
from smollab.train.processes import world_size
from smollab.train.step import set_learning_rates, train_step


class ReplayError(ValueError):
    """A step that cannot be computed again; the message says why."""


@dataclass(frozen=True)
class Replay:
    """A step, as it was recorded and as it was computed again."""

    step: int
    begin: int
    """Step of the checkpoint from which it was computed; 0: from the first weights."""
    reason: str
    """What the monitor said."""
    recorded: tuple[float, float]
    """Loss, and gradient norm before clipping."""
    computed: tuple[float, float]
    documents: list[dict[str, Any]]
    """Of the step, those with the largest mean loss first: as in the recording, with `loss` in nats per token over
    their `targets`."""

    @property
    def same(self) -> bool:
        """Bit for bit; a NaN equals a NaN."""
        return [x.hex() for x in self.recorded] == [x.hex() for x in self.computed]

    def __str__(self) -> str:
        names = ("loss", "gradient norm")
        lines = [f"step {self.step}: {self.reason}", f"computed again from step {self.begin}:"]
        lines += [f"  {n} {c!r}, recorded {r!r}" for n, r, c in zip(names, self.recorded, self.computed, strict=True)]
        if self.same:
            return "\n".join([*lines, "the same bit for bit: data and weights explain it; look at the documents"])
        return "\n".join([*lines, "not the same: not data and weights alone; suspect memory, device or libraries"])

    def table(self, rows: int = 20) -> Table:
        """The documents with the largest loss."""
        table = Table("loss", "targets", "source", "shard", "document", "begins", box=None, pad_edge=False)
        for found in self.documents[:rows]:
            cells = (found["source"], found["shard"], str(found["document"]), repr(found["text"])[1:-1][:60])
            table.add_row(f"{found['loss']:.3f}", str(found["targets"]), *cells)
        return table


def replay(recipe: Recipe, tokens: Path, output: Path, vocab_size: int, step: int | None = None) -> Replay:
    """Compute a recorded step again; nothing of the run is changed.

    Args:
        recipe: of the run.
        tokens: folder with `train/` shards.
        output: of the run, with `checkpoints/` and recordings.
        vocab_size: of the tokenizer.
        step: recorded; left out: the last one.

    Raises:
        ReplayError: it was not recorded, the recording is damaged, the run was one of several processes or of a number
            of seconds, or the data of the step is not what is drawn now.
        CheckpointMismatch: settings or code have changed since.
    """
    if max(world_size(), recipe.parallel.num_ranks) > 1:
        raise ReplayError("replay computes in one process what one process computed; this run had several")
    if recipe.train.seconds:
        raise ReplayError("replay: a run of a number of seconds (train.seconds) chooses its steps by the clock")
    flight, batches = _read(output, step)
    last = flight["steps"][-1]
    device = training_device()
    configuration = run_configuration(recipe, tokens)
    model = build_model(recipe, vocab_size, device, tokens)
    assert isinstance(model, Transformer)
    optimizers = build_optimizers(model, recipe.optimizer)
    mixture = open_mixture(recipe, tokens / "train")
    monitor, clipper = Monitor(recipe.monitor), Clipper(recipe.optimizer)
    details = Details(model, optimizers, recipe.train.detail_every)
    at, crossed = 0, False
    before = [p for p in list_checkpoints(output / "checkpoints") if int(p.name.removeprefix("step-")) < last["step"]]
    if before:
        state = load_checkpoint(before[-1], model, optimizers, configuration)
        at, mixture.state = state["step"], state["data"]
        monitor.state, clipper.state = state["monitor"], state["clipping"]
    begin, rewound = at, flight["rewound"]
    if rewound and rewound["step"] == at:  # the run had gone back to this checkpoint, and went on with new data
        mixture.state, crossed = rewound["data"], rewound["crossed"]
    documents: list[dict[str, Any]] = []
    computed = (float("nan"), float("nan"))
    while at < last["step"]:
        plan = next(stages_from(recipe, at))
        begin_stage(plan, model, mixture, plan.begin if crossed else at)
        crossed = False
        for drawn in stage_batches(mixture, plan, at, slice(None)):
            batch = drawn.batch.to(device)
            _compare(batches, at + 1, drawn.batch)
            set_learning_rates(optimizers, recipe, plan, at, monitor.rate_factor(at))
            if at + 1 == last["step"]:
                documents = _document_losses(model, batch, flight["documents"], recipe.train.precision)
            details.before(at + 1)
            judged: list[bool] = []

            def judge(loss: float, grad_norm: float, number: int = at + 1, seen: list[bool] = judged) -> bool:
                event = monitor.before_update(number, loss, grad_norm)
                seen.append(event is not None)
                return event is None or event.action == "warn"

            computed = train_step(model, optimizers, batch, recipe, None, clipper, judge)
            at += 1
            measured = details.after()
            if not any(judged):
                monitor.after_update(at, measured)
            if at == last["step"]:
                break
    recorded = (float(last["loss"]), float(last["grad_norm"]))
    return Replay(at, begin, flight["event"]["reason"], recorded, computed, documents)


def replay_run(folder: Path, step: int | None = None) -> Replay:
    """Compute a recorded step of a run's folder again.

    Raises:
        ReplayError: see `replay`.
    """
    if not list_flights(folder / "pretrain"):
        raise ReplayError(f"{folder}: no step was recorded there (pretrain/flight-*)")
    recipe = load_recipe(folder / "recipe.toml")
    precision = choose_precision(recipe.train.precision, training_device(), folder / "pretrain")
    recipe = replace(recipe, train=replace(recipe.train, precision=precision))
    vocab_size = load_tokenizer(folder / "tokenize" / "tokenizer").get_vocab_size()
    return replay(recipe, folder / "tokenize" / "tokens", folder / "pretrain", vocab_size, step)


def _read(output: Path, step: int | None) -> tuple[dict[str, Any], dict[str, Tensor]]:
    flights = {int(path.name.removeprefix("flight-")): path for path in list_flights(output)}
    if not flights or (step is not None and step not in flights):
        known = ", ".join(map(str, flights)) or "none"
        raise ReplayError(f"{output}: step {step or ''} was not recorded; recorded steps: {known}")
    folder = flights[max(flights) if step is None else step]
    try:
        return json.loads((folder / FLIGHT).read_text(encoding="utf-8")), load_file(folder / BATCHES)
    except (OSError, ValueError, SafetensorError) as error:
        raise ReplayError(f"{folder}: damaged ({error}); the step cannot be computed again") from None


def _compare(batches: dict[str, Tensor], step: int, batch: Batch) -> None:
    """What is drawn now must be what was recorded."""
    for name in ("tokens", "document_ids"):
        kept = batches.get(f"{step}/{name}")
        if kept is not None and not torch.equal(kept, getattr(batch, name)):
            raise ReplayError(
                f"step {step} now draws other tokens than were recorded: the checkpoint before it is gone "
                "(train.keep_checkpoints), or was written after the run went back"
            )


@torch.no_grad()
def _document_losses(
    model: Transformer, batch: Batch, documents: list[dict[str, Any]], precision: str
) -> list[dict[str, Any]]:
    """Cross-entropy of each document under the weights before the step, largest first."""
    was_training = model.training
    model.eval()  # only BatchNorm notices
    with computing_in(settled(precision), batch.tokens.device):
        hidden = model(batch.tokens, batch.document_ids, batch.positions)
        losses = token_losses(hidden, model.lm_head.weight, batch.targets, logit_softcap=model.config.logit_softcap)
    model.train(was_training)
    losses = losses.float().reshape(batch.targets.shape)
    found = []
    for document in documents:
        row = document["row"]
        mine = (batch.document_ids[row] == document["id"]) & (batch.targets[row] >= 0)
        if count := int(mine.sum()):
            found.append(document | {"loss": losses[row][mine].mean().item(), "targets": count})
    return sorted(found, key=lambda document: -document["loss"])
