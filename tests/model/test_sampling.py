"""How a distribution is shaped: `transformers`' own processors are the judge, probability for probability."""

import pytest
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from smollab.model.sampling import (
    FREE,
    GREEDY,
    Sampling,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize,
    sample,
    shape_distribution,
    shape_logits,
)

LOGITS = torch.tensor([[0.1, 0.5, 0.25, 0.15]]).log()


def random_logits(seed=0, ties=False):
    logits = 3 * torch.randn(6, 97, generator=torch.Generator().manual_seed(seed))
    return logits.round() if ties else logits


def seen_tokens(ids):
    return torch.zeros(len(ids), 97, dtype=torch.bool).scatter(1, ids, True)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda logits, seen: keep_top_k(logits, 5), TopKLogitsWarper(5)),
        (lambda logits, seen: keep_top_p(logits, 0.7), TopPLogitsWarper(0.7)),
        (lambda logits, seen: keep_top_p(logits, 0.001), TopPLogitsWarper(0.001)),
        (lambda logits, seen: keep_min_p(logits, 0.1), MinPLogitsWarper(0.1)),
        (lambda logits, seen: keep_min_p(logits, 1.0), MinPLogitsWarper(1.0)),
        (lambda logits, seen: penalize(logits, seen, 1.3), RepetitionPenaltyLogitsProcessor(1.3)),
        (lambda logits, seen: penalize(logits, seen, 0.5), RepetitionPenaltyLogitsProcessor(0.5)),
    ],
    ids=["top-k", "top-p", "top-p tiny", "min-p", "min-p 1", "penalty", "reward"],
)
def test_each_step_is_that_of_transformers(ours, theirs, ties):
    logits, ids = random_logits(ties=ties), torch.randint(97, (6, 30), generator=torch.Generator().manual_seed(1))
    if ties and isinstance(theirs, MinPLogitsWarper) and theirs.min_p == 1:
        pytest.skip("transformers keeps one of equally likely tokens at min_p = 1, by its order of sorting")
    assert torch.equal(ours(logits, seen_tokens(ids)), theirs(ids, logits))


@pytest.mark.parametrize(
    "sampling",
    [
        FREE,
        Sampling(0.7, 0.9),
        Sampling(1.5, 0.8, top_k=20, min_p=0.05, repetition_penalty=1.2),
        Sampling(0.3, min_p=0.2, repetition_penalty=1.5),
        Sampling(2.0, 0.5, top_k=97),
    ],
    ids=str,
)
def test_all_steps_in_order_give_the_probabilities_of_transformers(sampling):
    logits, ids = random_logits(3), torch.randint(97, (6, 10), generator=torch.Generator().manual_seed(4))
    # The order of `transformers.GenerationMixin._get_logits_processor`.
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)])
    processors.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        processors.append(TopKLogitsWarper(sampling.top_k))
    processors += [TopPLogitsWarper(sampling.top_p)] if sampling.top_p < 1 else []
    processors += [MinPLogitsWarper(sampling.min_p)] if sampling.min_p else []
    expected = processors(ids, logits).softmax(-1)
    assert torch.equal(shape_distribution(logits, sampling, seen_tokens(ids)), expected)


def test_temperature_zero_takes_the_likeliest_after_the_penalty():
    assert sample(LOGITS, GREEDY, []).tolist() == [1]
    seen = torch.tensor([[False, True, False, False]])
    assert sample(LOGITS, Sampling(0.0, repetition_penalty=3.0), [], seen).tolist() == [2]
    assert shape_distribution(LOGITS, GREEDY).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("sampling", [FREE, Sampling(0.5), Sampling(3.0), Sampling(1.0, 0.8), Sampling(top_k=2)])
def test_draws_follow_the_shaped_distribution(sampling):
    generators, logits = [torch.Generator().manual_seed(0)] * 4000, LOGITS.expand(4000, -1)
    frequencies = torch.bincount(sample(logits, sampling, generators), minlength=4) / 4000
    expected = shape_distribution(LOGITS, sampling)[0]
    torch.testing.assert_close(frequencies, expected, rtol=0, atol=0.03)
    assert torch.equal(frequencies > 0, expected > 0)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.3, [1]), (0.49, [1]), (0.51, [1, 2]), (0.8, [1, 2, 3]), (0.95, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p, kept):
    assert shape_logits(LOGITS, Sampling(top_p=top_p)).isfinite()[0].nonzero().flatten().tolist() == kept


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": 1e-42},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_k": -1},
        {"min_p": 1.1},
        {"min_p": -0.1},
        {"repetition_penalty": 0.0},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused_by_name(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Sampling(**settings)
