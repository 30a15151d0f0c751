"""One optimizer step: run the model, turn hidden states into a loss, take gradients, clip them, update the weights."""

import math
from collections.abc import Callable

import torch

from smollab.batch import IGNORE_INDEX, Batch
from smollab.model.transformer import Transformer
from smollab.objectives import Objective, Recorder, build_objective
from smollab.optim.clipping import Clipper
from smollab.optim.schedules import learning_rate_factor
from smollab.recipe import Recipe, StagePlan
from smollab.train.parallel import ParallelModel
from smollab.train.precision import computing_in, settled

TrainedModel = Transformer | ParallelModel


def train_step(
    model: TrainedModel,
    optimizers: list[torch.optim.Optimizer],
    batch: Batch,
    recipe: Recipe,
    metrics: dict[str, float] | None = None,
    clipper: Clipper | None = None,
    judge: Callable[[float, float], bool] | None = None,
) -> tuple[float, float]:
    """One optimizer step on a batch, accumulated over micro-batches.

    Args:
        model: whole, or this rank's part of it.
        optimizers: over its parameters.
        batch: of one process; of several, this rank's rows.
        recipe: all settings.
        metrics: receives what the objective reports beside the loss.
        clipper: of the run, where its rule remembers earlier steps; left out: a new one.
        judge: from loss and gradient norm, whether the weights may change; left out: always.

    Returns:
        Mean loss in nats per token, and the global gradient norm before clipping, both of the whole batch. When one
        of them is not finite the weights and the optimizer's state are left as they were, as when the judge says no.
    """
    size = micro_batch_rows(recipe, batch.tokens.shape[1])
    if isinstance(model, ParallelModel):
        loss, *reported = model.forward_backward(batch, size).tolist()
        names = model.metrics
        grad_norm = model.gradient_norm().item()
    else:
        loss, *reported = forward_backward(model, batch, recipe, size)
        names = objective_of(model, recipe).metrics
        grad_norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]).item()
    if metrics is not None:
        metrics.update(zip(names, reported, strict=True))
    allowed = judge is None or judge(loss, grad_norm)
    if allowed and math.isfinite(loss) and math.isfinite(grad_norm):
        (clipper or Clipper(recipe.optimizer)).clip(model.named_parameters(), grad_norm)
        for optimizer in optimizers:
            optimizer.step()
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    return (loss if math.isfinite(grad_norm) else math.nan), grad_norm


def forward_backward(model: Transformer, batch: Batch, recipe: Recipe, micro_batch: int) -> list[float]:
    """Gradients of the mean loss of a batch, in one process; returns that loss and the objective's metrics."""
    num_targets = int((batch.targets != IGNORE_INDEX).sum())
    objective = objective_of(model, recipe)
    totals = [0.0] * (1 + len(objective.metrics))
    precision = settled(recipe.train.precision)
    for start in range(0, batch.tokens.shape[0], micro_batch):
        part = objective.extend(batch.rows(start, start + micro_batch))
        with computing_in(precision, part.tokens.device), Recorder(model, objective) as seen:
            hidden = model(part.tokens, part.document_ids, part.positions)
            loss, metrics = objective(seen.states(hidden), part, num_targets)
        loss.backward()
        found = [loss.item(), *(metrics[name].item() for name in objective.metrics)]
        totals = [total + value for total, value in zip(totals, found, strict=True)]
    return totals


def objective_of(model: Transformer, recipe: Recipe) -> Objective:
    """The objective that a model carries; without one: that of the recipe."""
    carried = getattr(model, "objective", None)
    return carried if isinstance(carried, Objective) else build_objective(recipe.objective, model.config)


def set_learning_rates(
    optimizers: list[torch.optim.Optimizer], recipe: Recipe, plan: StagePlan, step: int, lowered: float = 1.0
) -> float:
    """Set every group to its peak rate times the schedule, and times what a monitor lowered it by; returns the rate of
    the matrices."""
    factor = (
        lowered
        * plan.rate_factor
        * learning_rate_factor(plan.schedule, step - plan.schedule_begin, plan.schedule_steps)
    )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
    return recipe.optimizer.learning_rate * factor


def micro_batch_rows(recipe: Recipe, sequence_length: int) -> int:
    """Sequences per forward pass: as many tokens as the recipe's, in sequences of another length."""
    return max(1, recipe.train.micro_batch_sequences * recipe.train.sequence_length // sequence_length)
