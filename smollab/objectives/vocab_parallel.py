"""The next-token loss when the unembedding is split over ranks by vocabulary entries.

Each rank has the logits of its entries only. The largest logit, the sum of exponentials and the logit of the target
are each combined over the ranks: three numbers per token on the wire instead of a whole row of logits. As in
`next_token.py` only a chunk of tokens has logits at one time, and its gradients are taken at once.

Source: Shoeybi et al. 2019 (Megatron-LM), section 3; PyTorch's `loss_parallel` does the work.
"""

from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate
from torch.distributed.tensor.parallel import loss_parallel
from torch.nn import functional as F

from smollab.batch import IGNORE_INDEX
from smollab.model.softcap import softcap


def vocab_parallel_loss(
    hidden: Tensor,
    unembedding: DTensor,
    targets: Tensor,
    chunk_tokens: int,
    num_targets: int,
    logit_softcap: float | None = None,
    z_loss: float = 0.0,
) -> Tensor:
    """Sum of the cross-entropies in nats, over `num_targets`.

    Args:
        hidden: (tokens, hidden), the same on all ranks that share the unembedding.
        unembedding: (vocab_size, hidden), sharded by rows over a mesh with one axis.
        targets: (tokens,), `IGNORE_INDEX` where there is none.
        chunk_tokens: tokens whose logits exist at one time.
        num_targets: what to divide by.
        logit_softcap: of the model; None: not capped.
        z_loss: weight of log(Z)^2, which is part of the loss returned.
    """
    loss: Tensor = _ChunkedVocabParallel.apply(
        hidden, unembedding, targets, chunk_tokens, max(num_targets, 1), logit_softcap, z_loss
    )
    return loss


class _ChunkedVocabParallel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, unembedding, targets, chunk_tokens, count, cap, z_loss):  # type: ignore[no-untyped-def]
        weight = unembedding.detach().requires_grad_()
        states = hidden.detach().requires_grad_()
        states.grad, weight.grad = torch.zeros_like(states), torch.zeros_like(weight)
        total = torch.zeros((), device=hidden.device)
        for start in range(0, len(targets), chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            # Its backward pass, too, must run under PyTorch's rule for sharded logits.
            with torch.enable_grad(), loss_parallel():
                loss = _chunk_loss(states[chunk], weight, targets[chunk], cap, z_loss) / count
                loss.backward()
            total += loss.detach().full_tensor()
        ctx.save_for_backward(states.grad)
        ctx.grad_weight = weight.grad
        return total

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (grad_states,) = ctx.saved_tensors
        return grad_states * grad, ctx.grad_weight * grad, None, None, None, None, None


def _chunk_loss(states: Tensor, weight: DTensor, targets: Tensor, cap: float | None, z_loss: float) -> DTensor:
    """Summed loss of some tokens."""
    everywhere = lambda x: DTensor.from_local(x, weight.device_mesh, [Replicate()], run_check=False)
    tokens, valid = everywhere(states), targets != IGNORE_INDEX
    logits = softcap((tokens @ weight.T).float(), cap)
    target = everywhere(targets.clamp(min=0))
    losses: Any = F.cross_entropy(logits, target, reduction="none") * everywhere(valid.float())
    if not z_loss:
        return losses.sum()
    # log(Z) is the cross-entropy plus the target's logit, which needs one row of the unembedding.
    rows: Any = F.embedding(target, weight)
    rows = rows.redistribute(placements=[Replicate()])
    log_z = losses + softcap((tokens * rows).sum(-1).float(), cap)
    return (losses + z_loss * log_z.square() * everywhere(valid.float())).sum()
