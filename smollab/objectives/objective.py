"""What every objective is: a module that turns what a model computed on a batch into a loss.

    states = hidden states (and what else of the model the objective asked for)
    loss, metrics = objective(states, batch, num_targets)

An objective is one file of this folder and one line of its registry (`smollab/objectives/__init__.py`). It may
own modules, such as more heads or projections: while a model is trained its objective is a child of it, named
`objective`, so optimizers, clipping and checkpoints see their parameters beside the model's, and an export drops
them. It may ask for the residual stream after some layers and for the queries, keys and values of some layers
(`layers`, `attentions`), and it may add tensors of its own to a batch before the ranks of a run divide it
(`inputs`): labels further ahead, what a teacher says about the same tokens.

Loss and metrics are sums over this micro-batch divided by the targets of the whole batch, so that those of
micro-batches and ranks add up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from smollab.batch import Batch
from smollab.model.transformer import Transformer

PROJECTIONS = ("q_proj", "k_proj", "v_proj")


@dataclass(frozen=True)
class States:
    """What a model computed on a batch."""

    model: Transformer
    """The model itself; under a layout that shards it, this rank's part, its weights gathered."""
    hidden: Tensor
    """(tokens, hidden) after the final norm, what the unembedding takes; all tokens of this rank's slice."""
    layers: dict[int, Tensor] = field(default_factory=dict)
    """(tokens, hidden): the residual stream after each layer that the objective asked for."""
    attentions: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)
    """(tokens, heads * head_dim): the projected queries, keys and values of each layer asked for."""

    @property
    def unembedding(self) -> Tensor:
        """(vocab_size, hidden); a `DTensor` sharded by rows where ranks share every matrix."""
        return self.model.lm_head.weight

    @property
    def logit_softcap(self) -> float | None:
        """Of the model; None: not capped."""
        return self.model.config.logit_softcap


class Objective(nn.Module):
    """Base of all objectives; a subclass says what it needs, and how it turns states into a loss."""

    metrics: tuple[str, ...] = ()
    """Names of the numbers it reports beside the loss; the log has them per step."""
    layers: tuple[int, ...] = ()
    """Layers whose output it needs, counted from 0."""
    attentions: tuple[int, ...] = ()
    """Layers whose queries, keys and values it needs."""
    needs_whole_model = False
    """Whether it needs more than the hidden states after the last layer: then pipeline ranks cannot share the model."""

    def inputs(self, batch: Batch) -> dict[str, Tensor]:
        """Tensors (batch, seq, ...) for `batch.extra`, computed from some whole rows; nothing by default."""
        return {}

    def extend(self, batch: Batch) -> Batch:
        """The batch with those tensors."""
        return replace(batch, extra=batch.extra | self.inputs(batch))

    def forward(self, states: States, batch: Batch, num_targets: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and the metrics.

        Args:
            states: of the model on this batch.
            batch: a micro-batch, of which context ranks hold slices of tokens, targets and extra tensors.
            num_targets: of the whole batch, over all ranks and micro-batches; what to divide sums by.
        """
        raise NotImplementedError


class Recorder:
    """Keeps what an objective asked for while the model computes it.

    with Recorder(model, objective) as recorder:
        hidden = model(tokens)
    states = recorder.states(hidden)
    """

    def __init__(self, model: Transformer, objective: Objective) -> None:
        self.model = model
        self._layers: dict[int, Tensor] = {}
        self._projected: dict[int, dict[str, Tensor]] = {index: {} for index in objective.attentions}
        self._asked = objective.layers
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> "Recorder":
        """Begin to keep."""
        for index in self._asked:
            self._keep(self.model.layers[index], self._layers, index)
        for index, projected in self._projected.items():
            attention = self.model.layers[index].self_attn
            for name in PROJECTIONS:
                self._keep(getattr(attention, name), projected, name)
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the model."""
        for hook in self._hooks:
            hook.remove()

    def _keep(self, module: nn.Module, place: dict[Any, Tensor], key: int | str) -> None:
        self._hooks.append(module.register_forward_hook(lambda _, __, output: place.__setitem__(key, output)))

    def states(self, hidden: Tensor, gather: Callable[[Tensor, int], Tensor] = lambda x, dim: x) -> States:
        """What was kept, with the hidden states after the final norm.

        Args:
            hidden: (..., hidden).
            gather: brings the slices of the ranks that share every matrix together, along a dimension.
        """
        attentions = {
            index: tuple(gather(projected[name], 1) for name in PROJECTIONS)
            for index, projected in self._projected.items()
        }
        layers = {index: gather(x, 0) for index, x in self._layers.items()}
        return States(self.model, gather(hidden.reshape(-1, hidden.shape[-1]), 0), layers, attentions)
