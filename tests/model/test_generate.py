"""Sampling: temperature, nucleus, seeds, the end of a text."""

import pytest
import torch

from smollab.model.generate import generate, sample

LOGITS = torch.tensor([0.1, 0.5, 0.25, 0.15]).log()


def draw_counts(temperature: float, top_p: float, draws: int = 4000) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.stack([sample(LOGITS, temperature, top_p, generator) for _ in range(draws)])
    return torch.bincount(tokens, minlength=4) / draws


def test_temperature_zero_takes_the_likeliest():
    assert int(sample(LOGITS, temperature=0, top_p=1.0)) == 1


def test_temperature_one_draws_from_the_models_distribution():
    torch.testing.assert_close(draw_counts(1.0, 1.0), LOGITS.exp(), rtol=0, atol=0.03)


def test_a_low_temperature_sharpens_and_a_high_one_flattens():
    expected = {t: torch.softmax(LOGITS / t, 0) for t in (0.5, 3.0)}
    for temperature, probabilities in expected.items():
        torch.testing.assert_close(draw_counts(temperature, 1.0), probabilities, rtol=0, atol=0.03)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.3, [1]), (0.5, [1]), (0.51, [1, 2]), (0.75, [1, 2]), (0.8, [1, 2, 3]), (0.95, [0, 1, 2, 3])],
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p, kept):
    counts = draw_counts(1.0, top_p)
    expected = torch.zeros(4)
    expected[kept] = LOGITS.exp()[kept] / LOGITS.exp()[kept].sum()
    torch.testing.assert_close(counts, expected, rtol=0, atol=0.03)
    assert counts.nonzero().flatten().tolist() == kept


def test_the_seed_decides_the_text(make_model, random_tokens):
    model, prompt = make_model(), random_tokens(4)
    texts = [list(generate(model, prompt, 30, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_generation_stops_before_the_end_token(make_model, random_tokens):
    model, prompt = make_model(), random_tokens(4)
    free = list(generate(model, prompt, 30, seed=3))
    stopped = list(generate(model, prompt, 30, seed=3, eos_token_id=free[10]))
    assert stopped == free[: free.index(free[10])]


def test_tokens_come_one_at_a_time(make_model, random_tokens):
    stream = generate(make_model(), random_tokens(4), 5)
    assert len([next(stream), next(stream)]) == 2
    assert list(generate(make_model(), random_tokens(4), 0)) == []


@pytest.mark.parametrize(
    ("prompt", "settings"),
    [
        (torch.tensor([], dtype=torch.int64), {}),
        (torch.zeros(2, 3, dtype=torch.int64), {}),
        (torch.tensor([1]), {"temperature": -1.0}),
        (torch.tensor([1]), {"top_p": 0.0}),
        (torch.tensor([1]), {"top_p": 1.5}),
        (torch.tensor([1]), {"temperature": float("nan")}),
        (torch.tensor([1]), {"max_new_tokens": -1}),
        (torch.tensor([97]), {}),
    ],
    ids=["empty", "two rows", "temperature", "top_p 0", "top_p 1.5", "nan", "negative count", "token out of range"],
)
def test_senseless_requests_are_refused(make_model, prompt, settings):
    with pytest.raises(ValueError):
        list(generate(make_model(), prompt, **{"max_new_tokens": 5} | settings))
