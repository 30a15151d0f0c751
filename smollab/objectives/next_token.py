"""Next-token prediction: the cross-entropy of what really comes next, without ever holding all logits.

The logits of a batch are (tokens, vocab_size): at 8192 tokens and SmolLM3's 128256 entries, 4 GB. But the loss is
a sum over tokens, and its derivative with respect to the logits is known as soon as they are:

    d loss / d logits = softmax(logits) - one_hot(target)

So the forward pass takes some tokens at a time, computes their logits, their loss, and at once their share of the
gradients of the hidden states and of the unembedding; then the logits are forgotten. Peak memory falls from
tokens * vocab_size to chunk * vocab_size, and nothing is computed twice.

Two terms may be added. A soft-cap changes the logits to c = cap * tanh(logits / cap), whose derivative is
1 - (c / cap)^2. The z-loss adds weight * log(Z)^2, with Z the sum of exp(logits): the softmax does not depend on Z, so
without it logits may drift until low precision hurts. Its derivative is 2 * weight * log(Z) * softmax(logits).

Source: the idea is common to Cut Cross-Entropy (Wijmans et al. 2024) and Liger kernels (Hsu et al. 2024); z-loss: PaLM
(Chowdhery et al. 2022), section 5; soft-cap: Gemma 2 (2024), section 2.
"""

import torch
from torch import Tensor

from smollab.batch import IGNORE_INDEX
from smollab.model.softcap import softcap


def next_token_loss(
    hidden: Tensor,
    unembedding: Tensor,
    targets: Tensor,
    chunk_tokens: int = 1024,
    num_targets: int | None = None,
    logit_softcap: float | None = None,
    z_loss: float = 0.0,
) -> Tensor:
    """Mean cross-entropy in nats over the positions that have a target.

    Args:
        hidden: (batch, seq, hidden) states after the final norm.
        unembedding: (vocab_size, hidden).
        targets: (batch, seq) next tokens; `IGNORE_INDEX` where there is none.
        chunk_tokens: tokens whose logits exist at one time.
        num_targets: what to divide by; left out, the number of targets here. With gradient accumulation: the
            number in the whole batch, so that micro-batch losses add up to the loss of the large batch.
        logit_softcap: of the model; None: not capped.
        z_loss: weight of log(Z)^2, which is part of the loss returned.
    """
    targets = targets.flatten()
    valid = targets != IGNORE_INDEX
    count = int(valid.sum()) if num_targets is None else num_targets
    states, device = hidden.reshape(-1, hidden.shape[-1]), hidden.device.type
    if torch.is_autocast_enabled(device):  # the logits' products are in its type, their sums in float32
        states = states.to(torch.get_autocast_dtype(device))
    with torch.autocast(device, enabled=False):
        loss: Tensor = _ChunkedCrossEntropy.apply(
            states, unembedding, targets, chunk_tokens, max(count, 1), logit_softcap, z_loss
        )
    return loss


def token_losses(
    hidden: Tensor,
    unembedding: Tensor,
    targets: Tensor,
    chunk_tokens: int = 1024,
    logit_softcap: float | None = None,
) -> Tensor:
    """Cross-entropy of each position in nats, (batch, seq), zero where there is no target; no gradients."""
    states, flat = hidden.detach().reshape(-1, hidden.shape[-1]), targets.flatten()
    losses = [
        torch.nn.functional.cross_entropy(
            softcap((states[start : start + chunk_tokens] @ unembedding.detach().T).float(), logit_softcap),
            flat[start : start + chunk_tokens],
            ignore_index=IGNORE_INDEX,
            reduction="none",
        )
        for start in range(0, len(flat), chunk_tokens)
    ]
    return torch.cat(losses).view_as(targets)


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states, unembedding, targets, chunk_tokens, count, cap, z_loss):  # type: ignore[no-untyped-def]
        needs_gradients = any(ctx.needs_input_grad[:2])
        grad_states = torch.empty_like(states) if needs_gradients else None
        dtype = torch.promote_types(states.dtype, torch.float32)
        grad_unembedding = torch.zeros_like(unembedding, dtype=dtype) if needs_gradients else None
        ctx.dtype = unembedding.dtype
        unembedding = unembedding.to(states.dtype)
        total = torch.zeros((), dtype=dtype, device=states.device)
        for start in range(0, len(targets), chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            valid = (targets[chunk] != IGNORE_INDEX)[:, None]
            target = targets[chunk].clamp(min=0)[:, None]
            # One block of numbers, changed in place: logits, their exponentials, their gradients.
            block = (states[chunk] @ unembedding.T).to(dtype)
            slope = None
            if cap is not None:
                block.div_(cap).tanh_()
                slope = 1 - block.square() if needs_gradients else None
                block.mul_(cap)
            largest = block.amax(dim=-1, keepdim=True)
            block -= largest
            target_logit = block.gather(1, target)
            normalizer = block.exp_().sum(dim=-1, keepdim=True)
            total += ((normalizer.log() - target_logit) * valid).sum()
            if z_loss:
                log_z = normalizer.log() + largest
                total += z_loss * (log_z.square() * valid).sum()
            if grad_states is not None and grad_unembedding is not None:
                # softmax - one_hot, for the positions that have a target, over the number of targets
                weight = valid.to(dtype) / count
                of_softmax = weight / normalizer
                block *= of_softmax * (1 + 2 * z_loss * log_z) if z_loss else of_softmax
                block.scatter_add_(1, target, -weight)
                if slope is not None:
                    block *= slope
                grad_logits = block.to(states.dtype)
                torch.mm(grad_logits, unembedding, out=grad_states[chunk])
                if states.dtype == dtype:
                    grad_unembedding.addmm_(grad_logits.T, states[chunk])
                else:  # chunks add up in float32
                    grad_unembedding += grad_logits.T @ states[chunk]
                del grad_logits
            del block  # before the next one is made
        ctx.save_for_backward(grad_states, grad_unembedding)
        return total / count

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        grad_states, grad_unembedding = ctx.saved_tensors
        return grad_states * grad, (grad_unembedding * grad).to(ctx.dtype), None, None, None, None, None
