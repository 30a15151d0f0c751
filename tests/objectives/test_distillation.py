"""Distillation against plain formulas, against Hinton's limits, and in real runs."""

import math

import pytest
import torch
import torch.nn.functional as F

from smollab.batch import IGNORE_INDEX
from smollab.model.config import ModelConfig
from smollab.model.huggingface import save_huggingface
from smollab.model.transformer import Transformer
from smollab.objectives import build_objective
from smollab.objectives.distillation import find_teacher
from smollab.objectives.distilled_loss import Terms, distilled_loss
from smollab.objectives.divergences import DIVERGENCES, divergence
from smollab.recipe import Distillation, Objective

TOKENS, VOCABULARY, WIDTH, THEIRS = 50, 37, 8, 12
CONFIG = ModelConfig(
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    vocab_size=VOCABULARY,
)


def tensors(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=dtype)
    hidden, weight = draw(TOKENS, WIDTH).requires_grad_(), draw(VOCABULARY, WIDTH).requires_grad_()
    targets = torch.randint(VOCABULARY, (TOKENS,), generator=generator)
    targets[::7] = IGNORE_INDEX
    return hidden, weight, draw(TOKENS, THEIRS), draw(VOCABULARY + 3, THEIRS), targets


def plain_divergence(p, q, name, beta):
    """From probabilities, by the definitions of the papers; kl_div(a, b) is KL(b, exp(a))."""
    kl = lambda a, b: F.kl_div(b.log(), a, reduction="none").sum(-1)
    if name == "total_variation":
        return (p - q).abs().sum(-1) / 2
    if name == "jensen_shannon" and 0 < beta < 1:
        m = beta * p + (1 - beta) * q
        return beta * kl(p, m) + (1 - beta) * kl(q, m)
    return kl(q, p) if name == "reverse_kl" or (name == "jensen_shannon" and beta == 1) else kl(p, q)


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("temperature, scaled", [(1.0, True), (2.5, True), (2.5, False)])
@pytest.mark.parametrize("beta, text, cap", [(0.1, 0.0, None), (0.5, 0.7, 5.0), (1.0, 0.3, None)])
def test_loss_and_gradients_equal_the_plain_formula(name, temperature, scaled, beta, text, cap):
    hidden, weight, their_hidden, their_weight, targets = tensors()
    terms = Terms(
        divergence=name,
        beta=beta,
        temperature=temperature,
        scale_by_temperature=scaled,
        logits=0.8,
        cross_entropy=text,
        chunk_tokens=16,
    )
    loss, *parts = distilled_loss(
        hidden, weight, their_hidden, their_weight, targets, terms, logit_softcap=cap, teacher_softcap=cap
    )
    found = torch.autograd.grad(loss, (hidden, weight))

    capped = lambda x: x if cap is None else cap * torch.tanh(x / cap)
    logits, theirs = capped(hidden @ weight.T), capped(their_hidden @ their_weight[:VOCABULARY].T)
    valid = targets != IGNORE_INDEX
    p, q = (torch.softmax(x / temperature, -1) for x in (theirs, logits))
    apart = plain_divergence(p, q, name, beta)[valid].mean()
    plain_text = F.cross_entropy(logits, targets)
    plain = 0.8 * apart * (temperature**2 if scaled else 1) + text * plain_text
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(torch.stack(parts), torch.stack([apart, plain_text]))
    for ours, theirs in zip(found, torch.autograd.grad(plain, (hidden, weight)), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_hot_forward_kl_is_half_the_mean_square_of_centered_logits():
    """Hinton et al. 2015, section 2.1."""
    generator = torch.Generator().manual_seed(1)
    z, v = torch.randn(2, 6, VOCABULARY, generator=generator, dtype=torch.float64)
    hot = divergence(z, v, "forward_kl", temperature=300.0).double() * 300.0**2
    center = lambda x: x - x.mean(-1, keepdim=True)
    torch.testing.assert_close(hot, (center(z) - center(v)).square().mean(-1) / 2, rtol=0.02, atol=0.0)


def test_chunks_do_not_matter_and_gradient_shares_add_up():
    hidden, weight, *others = tensors(torch.float32)
    losses = [
        distilled_loss(hidden, weight, *others, Terms(chunk_tokens=size, cross_entropy=1.0))[0] for size in (7, 50)
    ]
    torch.testing.assert_close(*losses)
    their_hidden, their_weight, targets = others
    count = int((targets != IGNORE_INDEX).sum())
    halves = [
        distilled_loss(
            hidden[part], weight, their_hidden[part], their_weight, targets[part], Terms(cross_entropy=1.0), count
        )[0]
        for part in (slice(0, 20), slice(20, None))
    ]
    torch.testing.assert_close(sum(halves), losses[0])


@pytest.fixture
def teacher(tmp_path):
    folder = tmp_path / "teacher"
    save_huggingface(Transformer(CONFIG, seed=5), folder)
    return folder


def settings(teacher, **changes) -> Objective:
    return Objective(name="distillation", distillation=Distillation(teacher=str(teacher), **changes))


def test_a_student_that_is_the_teacher_has_nothing_to_learn(teacher):
    from smollab.objectives import Recorder
    from smollab.tokens.mixture import make_batch

    objective, student = build_objective(settings(teacher), CONFIG), Transformer(CONFIG, seed=5)
    assert not list(objective.parameters())  # the teacher's are not trained
    rows = torch.randint(VOCABULARY, (2, 2, 33), generator=torch.Generator().manual_seed(0)).numpy()
    batch = objective.extend(make_batch([(row[0], row[1] * 0) for row in rows]))
    with Recorder(student, objective) as recorder:
        hidden = student(batch.tokens, batch.document_ids, batch.positions)
    loss, metrics = objective(recorder.states(hidden), batch, 64)
    loss.backward()
    assert abs(loss) < 1e-6 and metrics["cross_entropy"] == pytest.approx(math.log(VOCABULARY), rel=0.05)
    assert max(p.grad.abs().max() for p in student.parameters()) < 1e-7


def test_bad_teachers_are_refused(teacher, tmp_path):
    with pytest.raises(ValueError, match=r"neither a folder with config\.json nor a run"):
        find_teacher("no-such-run")
    with pytest.raises(ValueError, match=r"37 vocabulary entries, the student 64"):
        build_objective(settings(teacher), ModelConfig(**{**vars(CONFIG), "vocab_size": 64}))
    with pytest.raises(ValueError, match=r"needs a table"):
        build_objective(Objective(name="distillation"), CONFIG)
    for bad in ({"temperature": 0.0}, {"temperature": -1.0}, {"beta": 1.5}, {"logits": 0.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Distillation(teacher="x", **bad)
