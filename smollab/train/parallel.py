"""From a model and a layout to a model spread over processes.

The order matters: pipeline ranks first drop the layers that are not theirs, tensor parallelism splits what is left,
context parallelism puts its exchanges around attention, and FSDP slices the weights last. The model is built without
memory (on PyTorch's `meta` device); each rank then draws only its own slices, and these are slices of the very same
weights whatever the layout.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.func import functional_call

from smollab.batch import IGNORE_INDEX, Batch
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer, divide_documents, initial_values
from smollab.objectives import Objective, Recorder, States, cross_entropy
from smollab.recipe import Parallel, Train
from smollab.train.blocks import check_blocks, prepare_blocks
from smollab.train.context_parallel import METHODS
from smollab.train.mesh import Layout, sum_over_data
from smollab.train.pipeline import Absent, Pipeline, keep_stretch, stretches, sum_tied_gradients
from smollab.train.precision import Precision, check_parallel_precision, fsdp_policy, settled
from smollab.train.tensor_parallel import apply_tensor_parallel, check_tensor_parallel


class Stretch(nn.Module):
    """Layers of a model that follow one another, with the embedding before the first and the loss after the last.

    FSDP gathers a module's weights for its forward pass, and the loss uses the unembedding: so the loss is inside.
    """

    def __init__(self, model: Transformer, layout: Layout, context_method: str) -> None:
        super().__init__()
        self.model, self.layout = model, layout
        exchange = METHODS[context_method]
        self.exchange = exchange(model, layout.sequences["context"]) if layout.size("context") > 1 else None
        self.num_targets = 1
        """Of the whole batch, over all ranks and micro-batches; the loss is divided by it."""

    def forward(
        self, x: Tensor, tokens: Tensor, document_ids: Tensor, positions: Tensor, targets: Tensor, **extra: Tensor
    ) -> Tensor:
        """Map (batch, seq) tokens, or hidden states (tokens, hidden), to hidden states, or to loss and metrics."""
        attended = positions if self.exchange is None else self.exchange.begin(positions)
        model, documents = self.model, divide_documents(document_ids)
        x = x if x.is_floating_point() else model.embed(x)
        if isinstance(model.lm_head, Absent):
            return model.run_layers(x, attended, documents)
        with Recorder(model, self.objective) as recorder:
            hidden = model.finish(model.run_layers(x, attended, documents))
        states = recorder.states(hidden, self._gather)
        return self.loss(states, Batch(tokens, targets, positions, document_ids, extra))

    @property
    def objective(self) -> Objective:
        """What this model is trained to predict; the last stretch has it."""
        objective = self.model.objective
        assert isinstance(objective, Objective)
        return objective

    def loss(self, states: States, batch: Batch) -> Tensor:
        """This rank's part of loss and metrics, (1 + metrics,), times the ranks over which FSDP takes the mean."""
        if not self.training:
            loss = cross_entropy(states.hidden, states, batch.targets, self.num_targets)
            return loss[None] * self.layout.data_size
        # Its modules are whole on every tensor rank.
        weights = {
            name: weight.to_local(grad_placements=[Replicate()])
            for name, weight in self.objective.named_parameters()
            if isinstance(weight, DTensor)
        }
        loss, metrics = functional_call(self.objective, weights, (states, batch, self.num_targets))
        return torch.stack([loss, *(metrics[name].detach() for name in self.objective.metrics)]) * self.layout.data_size

    def _gather(self, x: Tensor, dim: int) -> Tensor:
        """Bring the tensor ranks' slices together; all then compute the same with the whole, gradients too."""
        if self.layout.size("tensor") == 1:
            return x
        slices = DTensor.from_local(x, self.layout.mesh["tensor"], [Shard(dim)], run_check=False)
        return slices.redistribute(placements=[Replicate()]).to_local(grad_placements=[Replicate()])


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
        train: Train | None = None,
    ) -> None:
        """Build it.

        Args:
            config: of the model.
            parallel: the layout's settings.
            layout: this process's place.
            objective: the loss, its own modules with their first weights.
            seed: of the model's first weights.
            device: of this process.
            train: its precision, compilation and checkpointing; left out: plain float32.

        Raises:
            ValueError: the model does not divide by the layout.
            RecipeError: these do not go together with the layout.
        """
        super().__init__()
        check_layout(config, parallel, objective)
        train = train or Train()
        precision = settled(train.precision)
        check_blocks(train, parallel)
        check_parallel_precision(precision, parallel)
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
            values = {}
            if not isinstance(model.lm_head, Absent):
                values = {f"objective.{name}": value.clone() for name, value in objective.state_dict().items()}
                if layout.size("tensor") > 1:
                    replicate(objective, layout.mesh["tensor"])
                model.objective = objective
            prepare_blocks(model, train)
            stretch = Stretch(model, layout, parallel.context_method)
            apply_fsdp(stretch, layout, precision)
            stretch.to_empty(device=device)
            initialize(model, seed, device)
            place(values, dict(model.named_parameters()) | dict(model.named_buffers()))
            self._held.append(stretch)
        self.metrics = objective.metrics
        """Names of the numbers that `forward_backward` returns after the loss."""
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
            That loss and the objective's metrics, (1 + metrics,), the same on every rank.
        """
        num_targets = sum_over_data((self.layout.columns(batch).targets != IGNORE_INDEX).sum(), self.layout)
        for stretch in self.stretches:
            stretch.num_targets = int(num_targets)
        if self.layout.size("pipeline") > 1:
            total = self._pipeline(batch, micro_batch).step(self._rows_for_objective(batch))
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
            total = self._pipeline(mine, 1).evaluate(mine)[0]
        else:
            (stretch,) = self.stretches
            total = stretch(mine.tokens, **mine.tensors()).squeeze()
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
        total = torch.zeros(1 + len(stretch.objective.metrics), device=self.device)
        rows = batch.tokens.shape[0]
        for start in range(0, rows, micro_batch):
            part = self._rows_for_objective(batch.rows(start, start + micro_batch))
            assert isinstance(stretch, FSDPModule)
            stretch.set_requires_gradient_sync(start + micro_batch >= rows)
            loss_and_metrics = stretch(part.tokens, **part.tensors())
            loss_and_metrics[0].backward()
            total += loss_and_metrics.detach()
        return total

    def _rows_for_objective(self, batch: Batch) -> Batch:
        """Some rows with what the objective adds to them, and of these this context rank's slice."""
        last = self.stretches[-1]
        if not isinstance(last.model.lm_head, Absent):
            batch = last.objective.extend(batch)
        return self.layout.columns(batch)

    def _pipeline(self, batch: Batch, micro_batch: int) -> "Pipeline":
        """The schedule for batches of this shape; another stage of the run may have another."""
        shape = (*batch.tokens.shape, micro_batch)
        if shape not in self._pipelines:
            num_micro_batches = batch.tokens.shape[0] // micro_batch
            self._pipelines[shape] = Pipeline(
                list(self.stretches), self.layout, num_micro_batches, len(self.metrics), self.device
            )
        return self._pipelines[shape]

    def gradient_norm(self) -> Tensor:
        """Norm of the gradients of all ranks; the embedding that two pipeline ranks share counts once."""
        counted = []
        first = self.layout.rank("pipeline") == 0
        for name, parameter in self.named_parameters():
            copy = self.config.tie_word_embeddings and name == "lm_head.weight" and not first
            if parameter.grad is not None and not copy:
                counted.append(parameter.grad)
        norm = torch.nn.utils.get_total_norm(counted)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        if self.layout.size("pipeline") > 1:
            squared = norm.square()
            distributed.all_reduce(squared, group=self.layout.group("pipeline"))
            norm = squared.sqrt()
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


def check_layout(config: ModelConfig, parallel: Parallel, objective: Objective | None = None) -> None:
    """Refuse, before anything is built, a model that cannot be divided as asked.

    Raises:
        ValueError: naming the setting and what it must divide.
    """
    if parallel.tensor > 1:
        check_tensor_parallel(config, parallel.tensor)
    if parallel.context_method == "ulysses":
        check_heads(config, parallel)
    if objective is not None and objective.needs_whole_model and parallel.pipeline > 1:
        raise ValueError(
            f"parallel.pipeline = {parallel.pipeline}: this objective looks into layers that other pipeline ranks "
            "hold; share the model with parallel.shard or parallel.tensor instead"
        )
    if config.norm == "batchnorm" and parallel.num_ranks > 1:
        raise ValueError("model.norm = 'batchnorm' takes statistics over the whole batch: train it in one process")


def check_heads(config: ModelConfig, parallel: Parallel) -> None:
    """Refuse heads that Ulysses cannot deal to the context ranks.

    Raises:
        ValueError: naming the numbers and the way out.
    """
    heads, ranks = config.num_attention_heads // parallel.tensor, parallel.context
    other = '; parallel.context_method = "all_gather" does with any number of heads'
    if heads % ranks:
        raise ValueError(
            f"parallel.context = {ranks} does not divide the {heads} query heads of each tensor rank{other}"
        )
    key_value_heads = config.num_key_value_heads // parallel.tensor
    if key_value_heads % ranks and ranks % key_value_heads:
        raise ValueError(
            f"parallel.context = {ranks} neither divides the {key_value_heads} key-value heads of each tensor rank nor "
            f"is a multiple of them{other}"
        )


def apply_fsdp(stretch: Stretch, layout: Layout, precision: Precision) -> None:
    """Slice every weight over the ranks that see different tokens; replicas hold the same slices (FSDP2, HSDP)."""
    options: dict[str, Any] = {"mesh": layout.weights, "mp_policy": fsdp_policy(precision)}
    for layer in stretch.model.layers:
        if not isinstance(layer, Absent):
            fully_shard(layer, **options)
    fully_shard(stretch, **options)


def replicate(module: nn.Module, mesh: DeviceMesh) -> None:
    """Have the same weights on all ranks of a mesh, as DTensors like those of the model that is split over them."""
    for child in module.modules():
        for name, parameter in list(child.named_parameters(recurse=False)):
            value = distribute_tensor(parameter.detach(), mesh, [Replicate()], src_data_rank=None)
            child.register_parameter(name, nn.Parameter(value))


@torch.no_grad()
def place(values: dict[str, Tensor], kept: Mapping[str, Tensor]) -> None:
    """Copy whole tensors, by name, into this rank's slices of them."""
    for name, value in values.items():
        target = kept[name]
        value = value.to(target.device)
        if isinstance(target, DTensor):
            value = distribute_tensor(value, target.device_mesh, target.placements, src_data_rank=None)
        target.copy_(value)


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
            place({name: value}, kept)
