"""Minimal pairs: log-probabilities against transformers, the choice, and Wilson's interval."""

import json

import pytest
import torch

from smollab.evaluate.minimal_pairs import (
    Accuracy,
    MinimalPair,
    minimal_pair_accuracy,
    read_minimal_pairs,
    sentence_losses,
)

PAIR = {"id": "1", "language": "en", "phenomenon": "agreement", "good": "The dogs bark.", "bad": "The dogs barks."}


@torch.inference_mode()
def reference_loss(theirs, ids: list[int]) -> float:
    log_probabilities = theirs(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return -sum(float(log_probabilities[i, token]) for i, token in enumerate(ids[1:]))


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_sentences_lose_what_transformers_says(model, theirs, tokenizer, texts, batch_size):
    sentences = [*texts[:7], "x"]
    expected = [reference_loss(theirs, tokenizer.encode(sentence).ids) for sentence in sentences]
    assert sentence_losses(model, tokenizer, sentences, batch_size) == pytest.approx(expected, rel=1e-5)


def test_the_likelier_sentence_is_chosen_and_languages_are_counted(model, tokenizer, texts):
    losses = sentence_losses(model, tokenizer, texts[:20])
    pairs = [
        MinimalPair(id=str(i), language="en" if i < 6 else "fr", phenomenon="", good=texts[2 * i], bad=texts[2 * i + 1])
        for i in range(10)
    ]
    right = [losses[2 * i] < losses[2 * i + 1] for i in range(10)]
    assert 0 < sum(right) < 10
    assert minimal_pair_accuracy(model, tokenizer, pairs) == {
        "all": Accuracy(sum(right), 10),
        "en": Accuracy(sum(right[:6]), 6),
        "fr": Accuracy(sum(right[6:]), 4),
    }


def test_equal_sentences_are_not_counted_as_right(model, tokenizer):
    pairs = [MinimalPair(id="1", language="en", phenomenon="", good="ba ne", bad="ba ne")]
    assert minimal_pair_accuracy(model, tokenizer, pairs)["all"].correct == 0


@pytest.mark.parametrize(
    ("correct", "count", "interval"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilsons_interval_is_that_of_newcombe_1998_table_1(correct, count, interval):
    assert Accuracy(correct, count).interval == pytest.approx(interval, abs=1e-4)


def test_pairs_are_read(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n" + json.dumps(PAIR | {"good": "Tiếng Việt"}, ensure_ascii=False) + "\n")
    assert [pair.good for pair in read_minimal_pairs(path)] == ["The dogs bark.", "Tiếng Việt"]


@pytest.mark.parametrize("line", ['{"id": "2"}', "not json", "[1]", json.dumps(PAIR | {"extra": 1})])
def test_a_line_that_is_no_pair_is_named(tmp_path, line):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n" + line + "\n")
    with pytest.raises(ValueError, match=r"pairs\.jsonl, line 2"):
        read_minimal_pairs(path)


def test_a_file_without_pairs_is_refused(tmp_path):
    (tmp_path / "pairs.jsonl").touch()
    with pytest.raises(ValueError, match=r"pairs\.jsonl"):
        read_minimal_pairs(tmp_path / "pairs.jsonl")
