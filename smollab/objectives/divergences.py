"""How far a student's next-token distribution q is from a teacher's p: four divergences, with their derivatives.

    forward KL       sum p log(p / q)                 the student must cover all that the teacher finds possible
    reverse KL       sum q log(q / p)                 the student may leave out, but not invent
    Jensen-Shannon   b KL(p, m) + (1 - b) KL(q, m)    with m = b p + (1 - b) q; between the two, and bounded
    total variation  sum |p - q| / 2                  the share of probability that lies elsewhere

All are sums over the vocabulary of terms of p and q. With logits z of the student, q = softmax(z), the chain rule gives

    d/dz = s - q * sum(s),    where s = q * (derivative of the terms with respect to q)

so each divergence returns its terms and s. For the forward KL s = -p, and the derivative is the well-known q - p.

Source: Hinton et al. 2015; Gu et al. 2024 (MiniLLM, reverse KL); Agarwal et al. 2024 (GKD), section 2, with beta = 0
and 1 meaning the two KLs, as in TRL; Wen et al. 2023 (f-distill, total variation).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Divergence = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
"""(log p, log q, beta) -> the terms, and s; all (..., vocab_size)."""


def forward_kl(log_p: Tensor, log_q: Tensor, beta: float = 0.0) -> tuple[Tensor, Tensor]:
    """KL(p, q)."""
    p = log_p.exp()
    return p * (log_p - log_q), -p


def reverse_kl(log_p: Tensor, log_q: Tensor, beta: float = 1.0) -> tuple[Tensor, Tensor]:
    """KL(q, p)."""
    terms = log_q.exp() * (log_q - log_p)
    return terms, terms


def jensen_shannon(log_p: Tensor, log_q: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """The generalized Jensen-Shannon divergence; beta is the weight of p in the mixture."""
    if beta == 0:
        return forward_kl(log_p, log_q)
    if beta == 1:
        return reverse_kl(log_p, log_q)
    log_m = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    scaled = (1 - beta) * log_q.exp() * (log_q - log_m)
    return beta * log_p.exp() * (log_p - log_m) + scaled, scaled


def total_variation(log_p: Tensor, log_q: Tensor, beta: float = 0.0) -> tuple[Tensor, Tensor]:
    """Half the sum of absolute differences."""
    q = log_q.exp()
    difference = log_p.exp() - q
    return difference.abs() / 2, -q * difference.sign() / 2


DIVERGENCES: dict[str, Divergence] = {
    "forward_kl": forward_kl,
    "reverse_kl": reverse_kl,
    "jensen_shannon": jensen_shannon,
    "total_variation": total_variation,
}
"""By the recipe's name."""


def divergence(
    student_logits: Tensor,
    teacher_logits: Tensor,
    name: str = "forward_kl",
    temperature: float = 1.0,
    beta: float = 0.5,
) -> Tensor:
    """The divergence at each position, (...), in nats (total variation: a share), without the squared temperature.

    Args:
        student_logits: (..., vocab_size).
        teacher_logits: as many.
        name: of `DIVERGENCES`.
        temperature: both are divided by it.
        beta: of `jensen_shannon`.
    """
    log_p, log_q = (torch.log_softmax(x.float() / temperature, -1) for x in (teacher_logits, student_logits))
    return DIVERGENCES[name](log_p, log_q, beta)[0].sum(-1)
