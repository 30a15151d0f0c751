"""From a model and a layout to a model spread over processes.

The order matters: pipeline ranks first drop the layers that are not theirs, tensor parallelism splits what is left,
context parallelism puts its exchanges around attention, and FSDP slices the weights last. The model is built without
memory (on PyTorch's `meta` device); each rank then draws only its own slices, and these are slices of the very same
weights whatever the layout.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

from smollab.batch import IGNORE_INDEX, Batch
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer, divide_documents, initial_values
from smollab.objectives.next_token import next_token_loss
from smollab.objectives.vocab_parallel import vocab_parallel_loss
from smollab.recipe import Objective, Parallel
from smollab.train.context_parallel import Exchange
from smollab.train.mesh import Layout, sum_over_data
from smollab.train.pipeline import Absent, Pipeline, keep_stretch, stretches, sum_tied_gradients
from smollab.train.tensor_parallel import TOKENS, apply_tensor_parallel, check_tensor_parallel


class Stretch(nn.Module):
    """Layers of a model that follow one another, with the embedding before the first and the loss after the last.

    FSDP gathers a module's weights for its forward pass, and the loss uses the unembedding: so the loss is inside.
    """

    def __init__(self, model: Transformer, objective: Objective, layout: Layout) -> None:
        super().__init__()
        self.model, self.objective, self.layout = model, objective, layout
        self.exchange = Exchange(model, layout.sequences["context"]) if layout.size("context") > 1 else None
        self.num_targets = 1
        """Of the whole batch, over all ranks and micro-batches; the loss is divided by it."""

    def forward(self, x: Tensor, document_ids: Tensor, positions: Tensor, targets: Tensor) -> Tensor:
        """Map (batch, seq) tokens, or hidden states (tokens, hidden), to hidden states, or to the loss (1,)."""
        if self.exchange is not None:
            self.exchange.batch = positions.shape[0]
        model = self.model
        x = model.embed_tokens(x if x.is_floating_point() else x.flatten())
        x = model.norm(model.run_layers(x, positions, divide_documents(document_ids)))
        return x if isinstance(model.lm_head, Absent) else torch.stack([self.loss(x, targets.flatten())])

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """This rank's part of the loss, times the number of ranks over which FSDP takes the mean of the gradients."""
        weight, settings = self.model.lm_head.weight, self.objective
        terms = (
            settings.chunk_tokens,
            self.num_targets,
            self.model.config.logit_softcap,
            settings.z_loss if self.training else 0.0,
        )
        if isinstance(weight, DTensor):
            mesh = self.layout.mesh["tensor"]
            slices = DTensor.from_local(hidden, mesh, [Shard(TOKENS)], run_check=False)
            gathered = slices.redistribute(placements=[Replicate()]).to_local(grad_placements=[Replicate()])
            loss = vocab_parallel_loss(gathered, weight, targets, *terms)
        else:
            loss = next_token_loss(hidden, weight, targets, *terms)
        return loss * self.layout.data_size


class ParallelModel(nn.Module):
    """This rank's part of a model, trained together with the other ranks'."""

    def __init__(
        self,
        config: ModelConfig,
        parallel: Parallel,
        layout: Layout,
        objective: Objective,
        seed: int,
        device: torch.device,
    ) -> None:
        """Build it.

        Args:
            config: of the model.
            parallel: the layout's settings.
            layout: this process's place.
            objective: the loss.
            seed: of the initial weights.
            device: of this process.

        Raises:
            ValueError: the model does not divide by the layout.
        """
        super().__init__()
        check_layout(config, parallel)
        self.layout, self.device = layout, device
        size, rank = layout.size("pipeline"), layout.rank("pipeline")
        parts = stretches(config.num_hidden_layers, size * parallel.stages_per_rank)
        self._held = nn.ModuleList()
        for layers in parts[rank::size]:
            with torch.device("meta"):
                model = Transformer(config, seed)
            if size > 1:
                keep_stretch(model, layers)
            if layout.size("tensor") > 1:
                apply_tensor_parallel(model, layout.mesh["tensor"])
            stretch = Stretch(model, objective, layout)
            apply_fsdp(stretch, layout, device)
            stretch.to_empty(device=device)
            initialize(model, seed, device)
            self._held.append(stretch)
        self._pipelines: dict[tuple[int, ...], Pipeline] = {}
        self._ends = self._group_of_ends() if size > 1 and config.tie_word_embeddings else None

    @property
    def stretches(self) -> list[Stretch]:
        """Of this rank, in the order of the layers."""
        return list(self._held)  # type: ignore[arg-type]

    def named_parameters(self, *_: Any, **__: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """This rank's parameters, under the names they have in the whole model."""
        for stretch in self.stretches:
            yield from stretch.model.named_parameters()

    def forward_backward(self, batch: Batch, micro_batch: int) -> Tensor:
        """Gradients of the mean loss of the whole batch, which all ranks share.

        Args:
            batch: this rank's rows.
            micro_batch: sequences per forward pass.

        Returns:
            That loss, the same on every rank.
        """
        batch = self.layout.columns(batch)
        num_targets = sum_over_data((batch.targets != IGNORE_INDEX).sum(), self.layout)
        for stretch in self.stretches:
            stretch.num_targets = int(num_targets)
        if self.layout.size("pipeline") > 1:
            total = self._pipeline(batch, micro_batch).step(batch)
            sum_tied_gradients([stretch.model for stretch in self.stretches], self._ends)
        else:
            total = self._accumulate(batch, micro_batch)
        return sum_over_data(total / self.layout.data_size, self.layout)

    @torch.no_grad()
    def summed_loss(self, batch: Batch) -> float:
        """Cross-entropy in nats, summed over the targets of a batch that every rank has whole."""
        # Every rank needs equally many rows, and a pipeline as many micro-batches of one row as it has stretches.
        ranks = self.layout.size("data") * self.layout.size("shard")
        stages = self.layout.size("pipeline") * len(self.stretches)
        multiple = ranks * stages
        batch = batch.padded(-(-batch.tokens.shape[0] // multiple) * multiple)
        rows = self.layout.rows(batch.tokens.shape[0])
        mine = self.layout.columns(batch.rows(rows.start, rows.stop))
        for stretch in self.stretches:
            stretch.num_targets = 1
            stretch.eval()
        if self.layout.size("pipeline") > 1:
            total = self._pipeline(mine, 1).evaluate(mine)
        else:
            (stretch,) = self.stretches
            total = stretch(mine.tokens, mine.document_ids, mine.positions, mine.targets).squeeze()
        for stretch in self.stretches:
            stretch.train()
            assert isinstance(stretch, FSDPModule)
            stretch.reshard()  # without a backward pass FSDP keeps the gathered weights
        return float(sum_over_data(total / self.layout.data_size, self.layout))

    @property
    def config(self) -> ModelConfig:
        """Of the whole model."""
        return self.stretches[0].model.config

    @config.setter
    def config(self, config: ModelConfig) -> None:
        for stretch in self.stretches:
            stretch.model.config = config

    def _accumulate(self, batch: Batch, micro_batch: int) -> Tensor:
        """Micro-batch after micro-batch; gradients are exchanged only in the last."""
        (stretch,) = self.stretches
        total = torch.zeros((), device=self.device)
        rows = batch.tokens.shape[0]
        for start in range(0, rows, micro_batch):
            part = batch.rows(start, start + micro_batch)
            assert isinstance(stretch, FSDPModule)
            stretch.set_requires_gradient_sync(start + micro_batch >= rows)
            loss = stretch(part.tokens, part.document_ids, part.positions, part.targets).squeeze()
            loss.backward()
            total += loss.detach()
        return total

    def _pipeline(self, batch: Batch, micro_batch: int) -> "Pipeline":
        """The schedule for batches of this shape; another stage of the run may have another."""
        shape = (*batch.tokens.shape, micro_batch)
        if shape not in self._pipelines:
            num_micro_batches = batch.tokens.shape[0] // micro_batch
            self._pipelines[shape] = Pipeline(list(self.stretches), self.layout, num_micro_batches, self.device)
        return self._pipelines[shape]

    def clip_gradients(self, max_norm: float) -> Tensor:
        """Scale the gradients of all ranks down to a global norm; returns the norm before.

        The embedding that the first and the last pipeline rank share counts once.
        """
        gradients, counted = [], []
        first = self.layout.rank("pipeline") == 0
        for name, parameter in self.named_parameters():
            if parameter.grad is not None:
                gradients.append(parameter.grad)
                if not (self.config.tie_word_embeddings and name == "lm_head.weight" and not first):
                    counted.append(parameter.grad)
        norm = torch.nn.utils.get_total_norm(counted)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        if self.layout.size("pipeline") > 1:
            squared = norm.square()
            distributed.all_reduce(squared, group=self.layout.group("pipeline"))
            norm = squared.sqrt()
        torch.nn.utils.clip_grads_with_norm_([p for _, p in self.named_parameters()], max_norm, norm)
        return norm

    @property
    def part(self) -> int | None:
        """The pipeline rank for which this process writes checkpoints; None if another does."""
        others = ("data", "shard", "context", "tensor")
        return None if any(self.layout.rank(axis) for axis in others) else self.layout.rank("pipeline")

    def checksum(self) -> list[float]:
        """Sum of the absolute values of each of this rank's slices: ranks that hold different slices must differ."""
        local = lambda p: p.to_local() if isinstance(p, DTensor) else p
        return [float(local(p.detach()).abs().sum()) for _, p in self.named_parameters() if p.ndim == 2]

    def _group_of_ends(self) -> distributed.ProcessGroup | None:
        """The first and the last rank of this pipeline. Every process must make every group, in the same order."""
        mine = None
        lines = self.layout.mesh.mesh.movedim(0, -1).reshape(-1, self.layout.size("pipeline"))
        for line in lines.tolist():
            group = distributed.new_group([line[0], line[-1]])
            if distributed.get_rank() in (line[0], line[-1]):
                mine = group
        return mine


def check_layout(config: ModelConfig, parallel: Parallel) -> None:
    """Refuse, before anything is built, a model that cannot be divided as asked.

    Raises:
        ValueError: naming the setting and what it must divide.
    """
    if parallel.tensor > 1:
        check_tensor_parallel(config, parallel.tensor)
    heads, ranks = config.num_attention_heads // parallel.tensor, parallel.context
    if heads % ranks:
        raise ValueError(f"parallel.context = {ranks} does not divide the {heads} query heads of each tensor rank")
    key_value_heads = config.num_key_value_heads // parallel.tensor
    if key_value_heads % ranks and ranks % key_value_heads:
        raise ValueError(
            f"parallel.context = {ranks} neither divides the {key_value_heads} key-value heads of each tensor rank nor "
            "is a multiple of them"
        )
    if config.norm == "batchnorm" and parallel.num_ranks > 1:
        raise ValueError("model.norm = 'batchnorm' takes statistics over the whole batch: train it in one process")


def apply_fsdp(stretch: Stretch, layout: Layout, device: torch.device) -> None:
    """Slice every weight over the ranks that see different tokens; replicas hold the same slices (FSDP2, HSDP).

    On accelerators matrices are multiplied in bfloat16, from weights kept and gradients reduced in float32.
    """
    options: dict[str, Any] = {"mesh": layout.weights}
    if device.type == "cuda":
        options["mp_policy"] = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for layer in stretch.model.layers:
        if not isinstance(layer, Absent):
            fully_shard(layer, **options)
    fully_shard(stretch, **options)


@torch.no_grad()
def initialize(model: Transformer, seed: int, device: torch.device) -> None:
    """Draw the weights that one process would draw, one whole matrix at a time, and keep this rank's slices."""
    kept = dict(model.named_parameters())
    if "lm_head.weight" in kept and model.config.tie_word_embeddings:  # the last of several pipeline ranks
        kept["embed_tokens.weight"] = kept["lm_head.weight"]
    with torch.device("meta"):
        whole_model = Transformer(model.config)
    for name, value in initial_values(whole_model, seed, device):
        if name in kept:
            target = kept[name]
            if isinstance(target, DTensor):
                value = distribute_tensor(value, target.device_mesh, target.placements, src_data_rank=None)
            target.copy_(value)
