"""Cross-entropy of the next token as an objective, and for objectives that contain it."""

from pathlib import Path

from torch import Tensor
from torch.distributed.tensor import DTensor

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.objectives.next_token import next_token_loss
from smollab.objectives.objective import Objective, States
from smollab.objectives.vocab_parallel import vocab_parallel_loss
from smollab.recipe import Objective as Settings


class NextToken(Objective):
    """Cross-entropy of the next token, and nothing else: the default."""

    def __init__(self, settings: Settings, config: ModelConfig, tokens: Path | None = None) -> None:
        super().__init__()
        self.terms = (settings.chunk_tokens, settings.z_loss)

    def forward(self, states: States, batch: Batch, num_targets: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss; no metrics."""
        return cross_entropy(states.hidden, states, batch.targets, num_targets, *self.terms), {}


def cross_entropy(
    hidden: Tensor,
    states: States,
    targets: Tensor,
    num_targets: int,
    chunk_tokens: int = 1024,
    z_loss: float = 0.0,
) -> Tensor:
    """Summed cross-entropy in nats over `num_targets`, whether the unembedding is whole or split over ranks.

    Args:
        hidden: (tokens, hidden), of the model or of an objective's own head.
        states: whose unembedding scores them.
        targets: as many, `IGNORE_INDEX` where there is none.
        num_targets: what to divide by.
        chunk_tokens: tokens whose logits exist at one time.
        z_loss: weight of log(Z)^2.
    """
    weight, terms = states.unembedding, (chunk_tokens, num_targets, states.logit_softcap, z_loss)
    if isinstance(weight, DTensor):
        return vocab_parallel_loss(hidden, weight, targets.flatten(), *terms)
    return next_token_loss(hidden.to(weight.dtype), weight, targets, *terms)
