"""QK-clip: after it the same batch gives min(S, threshold) for every head, whatever the layers and the sharing."""

import math

import pytest
import torch

from smollab.optim import MuonClip
from smollab.optim.attention_logits import largest_logits
from smollab.optim.muonclip import clip_factors

LOUD = 6.0


def loud_model(make_model, **shape):
    """Some heads with large logits, none by chance at the threshold."""
    model = make_model(**shape)
    generator = torch.Generator().manual_seed(5)
    for layer in model.layers:
        attention = layer.self_attn
        for projection in (attention.q_proj, attention.k_proj):
            with torch.no_grad():
                heads = projection.weight.view(-1, attention.head_dim, projection.weight.shape[1])
                heads.mul_(8 + LOUD * torch.rand(len(heads), 1, 1, generator=generator))
                if projection.bias is not None:
                    projection.bias.normal_(generator=generator)
    return model


def batch(model, rows=3, length=150):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(model.config.vocab_size, (rows, length), generator=generator)
    ids = torch.sort(torch.randint(0, 3, (rows, length), generator=generator)).values
    return tokens, ids


def run(model, optimizer, seen):
    optimizer.logits.forget()
    model(*seen)
    return optimizer.logits.take()


def clip_only(model, groups, threshold):
    """MuonClip whose own update moves nothing."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "proj" in n]
    return MuonClip(matrices, model, threshold=threshold, groups=groups, lr=0.0, weight_decay=0.0)


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_every_head_ends_at_the_threshold_or_where_it_was(make_model, key_heads, bias):
    model = loud_model(make_model, num_key_value_heads=key_heads, num_attention_heads=4, attention_bias=bias)
    seen = batch(model)
    optimizer = clip_only(model, "exact", 1.0)
    for layer in range(len(model.layers)):  # each sees other inputs once those below it are clipped
        before = run(model, optimizer, seen)[layer]
        optimizer.threshold = before.median().item()
        assert (before > optimizer.threshold).any()
        largest = torch.full_like(optimizer.logits.take(), -1.0)
        largest[layer] = before
        optimizer.largest = largest
        optimizer.step()
        after = run(model, optimizer, seen)[layer]
        torch.testing.assert_close(after, before.clamp(max=optimizer.threshold), rtol=1e-4, atol=1e-4)


def test_largest_logits_are_those_of_the_whole_matrix():
    generator = torch.Generator().manual_seed(0)
    lengths = [130, 1, 300]
    q, k = (torch.randn(431, h, 8, generator=generator) for h in (4, 2))
    for window in (None, 7, 200):
        expected = torch.full((4,), -math.inf)
        start = 0
        for n in lengths:
            s = (
                torch.einsum("ihd,jhd->hij", q[start : start + n], k[start : start + n].repeat_interleave(2, dim=1))
                / 8**0.5
            )
            i, j = torch.arange(n)[:, None], torch.arange(n)[None]
            visible = (j <= i) & ((i - j < window) if window else True)
            expected = torch.maximum(expected, s.masked_fill(~visible, -math.inf).amax(dim=(1, 2)))
            start += n
        torch.testing.assert_close(largest_logits(q, k, lengths, window), expected)


def test_factors():
    largest = torch.tensor([200.0, 50.0, -3.0, 400.0])
    query, key = clip_factors(largest, 100.0, 2, "exact")
    torch.testing.assert_close(query * key.repeat_interleave(2), torch.tensor([0.5, 1.0, 1.0, 0.25]))
    query, key = clip_factors(largest, 100.0, 2, "group")
    torch.testing.assert_close(query, torch.tensor([0.5, 0.5, 0.25, 0.25]).sqrt())
    torch.testing.assert_close(key, torch.tensor([0.5, 0.25]).sqrt())


def test_qk_norm_is_refused(make_model):
    with pytest.raises(ValueError, match=r"qk_norm"):
        clip_only(make_model(qk_norm=True), "exact", 100.0)
