"""Pipeline parallelism: some of the layers on each rank, and several micro-batches on their way at once.

A rank runs its layers on one micro-batch after the other and hands the hidden states on. In 1F1B each rank, once the
pipeline is full, alternates one forward and one backward pass, so that it never holds the activations of more
micro-batches than there are ranks behind it. Ranks idle while the pipeline fills and empties: (ranks - 1) of
(micro-batches + ranks - 1) turns. With several shorter stretches of layers per rank (interleaved) that share falls.

With tied embeddings the first and the last rank hold the same matrix, and sum its gradients.

Source: Narayanan et al. 2021 (Megatron-LM), sections 2.2 and 2.3; carried out by torch.distributed.pipelining.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleInterleaved1F1B
from torch.distributed.tensor import DTensor

from smollab.batch import Batch
from smollab.model.transformer import Transformer
from smollab.train.mesh import Layout


class Absent(nn.Module):
    """A layer that another rank holds: hands its first input on."""

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        """Return `x`."""
        return x


def stretches(num_layers: int, parts: int) -> list[range]:
    """Layers of each part; the first and the last, which also embed and unembed, get the fewer ones.

    Raises:
        ValueError: fewer layers than parts.
    """
    if num_layers < parts:
        raise ValueError(
            f"{num_layers} layers cannot be dealt to {parts} stretches: lower parallel.pipeline or "
            "parallel.stages_per_rank"
        )
    extra = num_layers % parts
    first = (parts - extra) // 2 if extra < parts - 1 else 0
    sizes = [num_layers // parts + (first <= part < first + extra) for part in range(parts)]
    starts = [sum(sizes[:part]) for part in range(parts)]
    return [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def keep_stretch(model: Transformer, layers: range) -> None:
    """Drop from a model all that belongs to other stretches; the names of what is left do not change."""
    last_layer = len(model.layers) - 1
    for index in range(len(model.layers)):
        if index not in layers:
            model.layers[index] = Absent()
    if 0 not in layers:
        model.embed_tokens = Absent()  # type: ignore[assignment]
    if last_layer not in layers:
        model.norm, model.lm_head = Absent(), Absent()  # type: ignore[assignment]


class Pipeline:
    """The stages of this rank and the schedule that runs them."""

    def __init__(
        self,
        stages: list[nn.Module],
        layout: Layout,
        num_micro_batches: int,
        num_metrics: int,
        device: torch.device,
    ) -> None:
        size, rank = layout.size("pipeline"), layout.rank("pipeline")
        group = layout.group("pipeline")
        wrapped = [
            PipelineStage(stage, rank + size * turn, size * len(stages), device, group=group)
            for turn, stage in enumerate(stages)
        ]
        options: dict[str, Any] = {"loss_fn": lambda loss_and_metrics, _: loss_and_metrics[0], "scale_grads": False}
        if len(stages) == 1:
            self._schedule: Any = Schedule1F1B(wrapped[0], num_micro_batches, **options)
        else:
            self._schedule = ScheduleInterleaved1F1B(wrapped, num_micro_batches, **options)  # type: ignore[arg-type]
        self._columns = 1 + num_metrics
        self._is_first, self._is_last, self._device, self._group = rank == 0, rank == size - 1, device, group

    def step(self, batch: Batch) -> Tensor:
        """Forward and backward of all micro-batches of this rank's rows; returns their summed loss and metrics."""
        return self._run(self._schedule.step, batch, self._columns)

    def evaluate(self, batch: Batch) -> Tensor:
        """Forward only."""
        return self._run(self._schedule.eval, batch, 1)

    def _run(self, run: Callable[..., Any], batch: Batch, columns: int) -> Tensor:
        inputs = (batch.tokens,) if self._is_first else ()
        outputs = run(*inputs, **batch.tensors(), target=batch.targets if self._is_last else None)
        total = torch.zeros(columns, device=self._device)
        if self._is_last:
            total += outputs.detach().view(-1, columns).sum(0)  # those of all micro-batches, one after the other
        distributed.all_reduce(total, group=self._group)  # only the last rank has any
        return total


def sum_tied_gradients(models: list[Transformer], ends: distributed.ProcessGroup | None) -> None:
    """Add up what the first and the last pipeline rank found for the embedding they share.

    Args:
        models: the stretches of this rank.
        ends: the group of the first and the last rank; None on the ranks between.
    """
    for model in models if ends is not None else []:
        for holder in (model.embed_tokens, model.lm_head):
            weight = getattr(holder, "weight", None)
            if weight is not None and weight.grad is not None:
                local = weight.grad.to_local() if isinstance(weight.grad, DTensor) else weight.grad
                distributed.all_reduce(local, group=ends)
