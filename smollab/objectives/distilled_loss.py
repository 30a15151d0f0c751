"""The loss against a teacher's logits and against the text, without ever holding all logits of either model.

Logits are the hidden states times the unembedding, for the teacher as for the student. So what is kept of the teacher
are its hidden states, a few hundred numbers a token instead of a whole vocabulary. As in `next_token.py` some tokens at
a time get logits, of both models now; the loss, and at once its derivative:

    loss = w T^2 D(softmax(z_teacher / T), softmax(z / T)) + w' cross-entropy(softmax(z), text)
    d loss / d z = w T (s - q sum(s)) + w' (softmax(z) - one_hot(text))        with q, s of `divergences.py`

Without the factor T^2 the gradient of the divergence shrinks as 1 / T^2 (Hinton et al. 2015, section 2). As T grows,
T^2 times the forward KL tends to half the mean squared difference of the centered logits (section 2.1).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from smollab.batch import IGNORE_INDEX
from smollab.model.softcap import softcap
from smollab.objectives.divergences import DIVERGENCES
from smollab.objectives.vocabulary_slice import VocabularySlice, local_slice


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is summed over the tokens; weights of zero leave a term out."""

    divergence: str = "forward_kl"
    """Name in `DIVERGENCES`."""
    beta: float = 0.5
    """Of the Jensen-Shannon divergence."""
    temperature: float = 1.0
    """Of both models in the divergence."""
    scale_by_temperature: bool = True
    """Whether the divergence is multiplied by the squared temperature."""
    logits: float = 1.0
    """Weight of the divergence."""
    cross_entropy: float = 0.0
    """Weight of the cross-entropy."""
    chunk_tokens: int = 1024
    """Tokens whose logits exist at one time."""

    @property
    def scale(self) -> float:
        """What the divergence is multiplied by."""
        return self.logits * (self.temperature**2 if self.scale_by_temperature else 1.0)


def distilled_loss(
    hidden: Tensor,
    unembedding: Tensor,
    teacher_hidden: Tensor,
    teacher_unembedding: Tensor,
    targets: Tensor,
    terms: Terms,
    num_targets: int | None = None,
    logit_softcap: float | None = None,
    teacher_softcap: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The weighted loss; and, without gradients, the divergence and the cross-entropy, each summed over `num_targets`.

    Positions without a target count in neither term.

    Args:
        hidden: (..., hidden) of the student.
        unembedding: (vocab_size, hidden) of the student, or a DTensor sharded by rows.
        teacher_hidden: as many tokens, of the teacher's width.
        teacher_unembedding: (vocab_size or more, width); entries that only the teacher has, padding, are left out.
        targets: next tokens; `IGNORE_INDEX` where there is none.
        terms: what is computed.
        num_targets: what to divide by; left out: the number of targets here.
        logit_softcap: of the student.
        teacher_softcap: of the teacher.
    """
    targets = targets.flatten()
    count = int((targets != IGNORE_INDEX).sum()) if num_targets is None else num_targets
    states, device = hidden.reshape(-1, hidden.shape[-1]), hidden.device.type
    if torch.is_autocast_enabled(device):  # the logits' products are in its type, their sums in float32
        states = states.to(torch.get_autocast_dtype(device))
    rows, entries = local_slice(unembedding)
    theirs = teacher_hidden.reshape(-1, teacher_hidden.shape[-1]).to(teacher_unembedding.dtype)
    teacher = (theirs, teacher_unembedding[entries.start : entries.stop], teacher_softcap)
    with torch.autocast(device, enabled=False):
        result: tuple[Tensor, Tensor, Tensor] = _ChunkedDistillation.apply(
            states, rows, teacher, targets, terms, max(count, 1), logit_softcap, entries
        )
    return result


class _ChunkedDistillation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states, unembedding, teacher, targets, terms, count, cap, entries):  # type: ignore[no-untyped-def]
        theirs, their_unembedding, their_cap = teacher
        needs_gradients = any(ctx.needs_input_grad[:2])
        dtype = torch.promote_types(states.dtype, torch.float32)
        grad_states = torch.empty_like(states) if needs_gradients else None
        grad_unembedding = torch.zeros_like(unembedding, dtype=dtype) if needs_gradients else None
        ctx.dtype, unembedding = unembedding.dtype, unembedding.to(states.dtype)
        totals = torch.zeros(2, dtype=dtype, device=states.device)
        for start in range(0, len(targets), terms.chunk_tokens):
            chunk = slice(start, start + terms.chunk_tokens)
            logits = softcap((states[chunk] @ unembedding.T).to(dtype), cap)
            slope = 1 - (logits / cap).square() if cap is not None and needs_gradients else None
            their_logits = softcap((theirs[chunk] @ their_unembedding.T).to(dtype), their_cap)
            found, grad = _of_chunk(logits, their_logits, targets[chunk], terms, entries)
            totals += found
            if grad_states is not None and grad_unembedding is not None:
                grad /= count
                if slope is not None:
                    grad *= slope
                grad_logits = grad.to(states.dtype)
                torch.mm(grad_logits, unembedding, out=grad_states[chunk])
                if states.dtype == dtype:
                    grad_unembedding.addmm_(grad_logits.T, states[chunk])
                else:  # chunks add up in float32
                    grad_unembedding += grad_logits.T @ states[chunk]
                del grad_logits
            del logits, their_logits, grad, slope  # before the next ones are made
        if grad_states is not None:
            entries.add(grad_states)
        ctx.save_for_backward(grad_states, grad_unembedding)
        divergence, cross_entropy = totals / count
        loss = terms.scale * divergence + terms.cross_entropy * cross_entropy
        ctx.mark_non_differentiable(divergence, cross_entropy)
        return loss, divergence, cross_entropy

    @staticmethod
    def backward(ctx, grad, *_):  # type: ignore[no-untyped-def]
        grad_states, grad_unembedding = ctx.saved_tensors
        return grad_states * grad, (grad_unembedding * grad).to(ctx.dtype), *[None] * 6


def _of_chunk(
    logits: Tensor, their_logits: Tensor, targets: Tensor, terms: Terms, entries: VocabularySlice
) -> tuple[Tensor, Tensor]:
    """Summed divergence and cross-entropy, (2,), and the derivative of the weighted loss by the logits."""
    temperature, valid = terms.temperature, (targets != IGNORE_INDEX)[:, None]
    target = targets.clamp(min=0)[:, None]
    log_text = entries.log_softmax(logits)
    cross_entropy = -entries.add((entries.pick(log_text, target) * valid).sum())
    log_q = log_text if temperature == 1 else entries.log_softmax(logits / temperature)
    log_p = entries.log_softmax(their_logits / temperature)
    values, scaled = DIVERGENCES[terms.divergence](log_p, log_q, terms.beta)
    divergence = (entries.sum(values) * valid).sum()
    grad = (scaled - log_q.exp() * entries.sum(scaled)).mul_(terms.scale / temperature)
    if terms.cross_entropy:
        grad += terms.cross_entropy * log_text.exp()
        weight = torch.full_like(target, -terms.cross_entropy, dtype=grad.dtype)
        entries.scatter_add(grad, target, weight)
    return torch.stack([divergence, cross_entropy]), grad.mul_(valid)
