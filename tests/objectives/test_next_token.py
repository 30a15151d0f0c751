"""The chunked loss against `F.cross_entropy` over all logits, in value and gradients."""

import pytest
import torch
from torch.nn import functional as F

from smollab.batch import IGNORE_INDEX
from smollab.objectives.next_token import next_token_loss, token_losses

VOCABULARY = 37


def make_case(dtype: torch.dtype = torch.float32, scale: float = 1.0) -> tuple[torch.Tensor, ...]:
    """Hidden states (3, 7, 16), unembedding and targets, some of which are missing."""
    generator = torch.Generator().manual_seed(0)
    hidden = scale * torch.randn(3, 7, 16, generator=generator, dtype=dtype)
    unembedding = torch.randn(VOCABULARY, 16, generator=generator, dtype=dtype)
    targets = torch.randint(VOCABULARY, (3, 7), generator=generator)
    targets[0, 2:5] = IGNORE_INDEX
    targets[2, 6] = IGNORE_INDEX
    return hidden.requires_grad_(), unembedding.requires_grad_(), targets


def reference(hidden: torch.Tensor, unembedding: torch.Tensor, targets: torch.Tensor, reduction: str = "mean"):
    return F.cross_entropy((hidden @ unembedding.T).flatten(0, 1), targets.flatten(), reduction=reduction)


@pytest.mark.parametrize("chunk_tokens", [1, 4, 7, 20, 21, 22, 1000])
def test_value_and_gradients_equal_cross_entropy_for_any_chunk(chunk_tokens):
    hidden, unembedding, targets = make_case()
    losses = (next_token_loss(hidden, unembedding, targets, chunk_tokens), reference(hidden, unembedding, targets))
    torch.testing.assert_close(*losses)
    gradients = [torch.autograd.grad(3 * loss, (hidden, unembedding)) for loss in losses]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_gradients_agree_with_finite_differences():
    hidden, unembedding, targets = make_case(torch.float64)
    assert torch.autograd.gradcheck(lambda h, u: next_token_loss(h, u, targets, 4), (hidden, unembedding))


def test_the_finite_differences_notice_gradients_over_all_positions():
    """The negative control: dividing by the positions instead of by those that have a target."""
    hidden, unembedding, targets = make_case(torch.float64)

    def wrong(hidden, unembedding):
        loss = next_token_loss(hidden, unembedding, targets, 4)
        scaled = loss * (targets != IGNORE_INDEX).sum() / targets.numel()
        return loss.detach() + scaled - scaled.detach()  # the right value with the wrong derivative

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(wrong, (hidden, unembedding))


def test_micro_batches_add_up_to_the_large_batch():
    hidden, unembedding, targets = make_case()
    whole = next_token_loss(hidden, unembedding, targets)
    num_targets = int((targets != IGNORE_INDEX).sum())
    rows = [slice(i, i + 1) for i in range(3)]
    parts = sum(next_token_loss(hidden[r], unembedding, targets[r], num_targets=num_targets) for r in rows)
    torch.testing.assert_close(parts, whole)
    for ours, theirs in zip(*(torch.autograd.grad(x, (hidden, unembedding)) for x in (parts, whole)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_means_of_micro_batches_would_not_add_up():
    """Rows with unequal numbers of targets: why `num_targets` exists."""
    hidden, unembedding, targets = make_case()
    means = [next_token_loss(hidden[i : i + 1], unembedding, targets[i : i + 1]) for i in range(3)]
    assert not torch.allclose(sum(means) / 3, next_token_loss(hidden, unembedding, targets), rtol=1e-4)


def test_no_targets_give_zero_loss_and_zero_gradients():
    hidden, unembedding, targets = make_case()
    loss = next_token_loss(hidden, unembedding, torch.full_like(targets, IGNORE_INDEX))
    loss.backward()
    assert loss == 0
    assert hidden.grad.abs().max() == 0 and unembedding.grad.abs().max() == 0


@pytest.mark.parametrize("frozen", ["hidden", "unembedding", "both"])
def test_frozen_inputs_need_no_gradients(frozen):
    hidden, unembedding, targets = make_case()
    hidden = hidden if frozen == "unembedding" else hidden.detach()
    unembedding = unembedding if frozen == "hidden" else unembedding.detach()
    loss = next_token_loss(hidden, unembedding, targets)
    torch.testing.assert_close(loss, reference(hidden, unembedding, targets))
    if frozen == "both":
        assert not loss.requires_grad
    else:
        given = hidden if frozen == "unembedding" else unembedding
        ours, theirs = (torch.autograd.grad(x, given)[0] for x in (loss, reference(hidden, unembedding, targets)))
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_extreme_logits_stay_finite():
    hidden, unembedding, targets = make_case(scale=1e4)
    loss = next_token_loss(hidden, unembedding, targets)
    loss.backward()
    torch.testing.assert_close(loss, reference(hidden, unembedding, targets))
    assert hidden.grad.isfinite().all()


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_hidden(poison):
    hidden, unembedding, targets = make_case()
    with torch.no_grad():
        hidden[1, 3, 0] = poison
    assert not next_token_loss(hidden, unembedding, targets).isfinite()


def test_low_precision_loses_no_more_than_rounding():
    hidden, unembedding, targets = (x.detach() for x in make_case())
    exact = next_token_loss(hidden, unembedding, targets)
    low = next_token_loss(hidden.bfloat16().requires_grad_(), unembedding.bfloat16(), targets)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, exact, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("chunk_tokens", [4, 1000])
def test_token_losses_are_cross_entropy_by_position(chunk_tokens):
    hidden, unembedding, targets = make_case()
    expected = reference(hidden, unembedding, targets, reduction="none").view(3, 7)
    torch.testing.assert_close(token_losses(hidden, unembedding, targets, chunk_tokens), expected.detach())
    assert token_losses(hidden, unembedding, targets)[0, 2:5].abs().max() == 0


def test_the_loss_of_the_model_is_that_of_transformers(make_model, random_tokens, tmp_path):
    """Hidden states and unembedding of the real model; transformers shifts the labels itself."""
    from transformers import AutoModelForCausalLM

    from smollab.model.huggingface import save_huggingface

    model, tokens = make_model(), random_tokens(2, 20)
    save_huggingface(model, tmp_path)
    expected = AutoModelForCausalLM.from_pretrained(tmp_path)(tokens, labels=tokens).loss
    loss = next_token_loss(model(tokens[:, :-1]), model.lm_head.weight, tokens[:, 1:])
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cap", [None, 1.5, 30.0])
@pytest.mark.parametrize("z_loss", [0.0, 0.3])
@pytest.mark.parametrize("chunk_tokens", [4, 1000])
def test_soft_cap_and_z_loss_equal_their_formulas_in_value_and_gradients(cap, z_loss, chunk_tokens):
    hidden, unembedding, targets = make_case()
    logits = (hidden @ unembedding.T).flatten(0, 1)
    logits = logits if cap is None else cap * torch.tanh(logits / cap)
    counted = targets.flatten() != IGNORE_INDEX
    z = logits.logsumexp(-1)[counted].square().mean()
    expected = F.cross_entropy(logits, targets.flatten()) + z_loss * z
    ours = next_token_loss(hidden, unembedding, targets, chunk_tokens, logit_softcap=cap, z_loss=z_loss)
    torch.testing.assert_close(ours, expected)
    for a, b in zip(*(torch.autograd.grad(loss, (hidden, unembedding)) for loss in (ours, expected)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_loss_of_each_token_is_of_capped_logits():
    hidden, unembedding, targets = make_case()
    logits = 2 * torch.tanh((hidden @ unembedding.T).flatten(0, 1) / 2)
    expected = F.cross_entropy(logits, targets.flatten(), reduction="none").view_as(targets)
    torch.testing.assert_close(token_losses(hidden, unembedding, targets, logit_softcap=2.0), expected.detach())
