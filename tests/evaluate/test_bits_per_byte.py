"""Bits per byte against transformers, document by document, and against closed forms."""

import math

import numpy as np
import pytest
import torch

from smollab.evaluate.bits_per_byte import bits_per_byte, token_bytes
from smollab.tokens.stream import TokenStream

SPECIAL = 3
"""BOS, EOS and PAD are the first three ids."""


@torch.inference_mode()
def nats_of(theirs, ids: list[int]) -> float:
    """-ln p of the tokens after the first, special ones left out, by transformers."""
    log_probabilities = theirs(torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)
    return -sum(float(log_probabilities[i, token]) for i, token in enumerate(ids[1:]) if token >= SPECIAL)


def test_whole_documents_are_what_transformers_says(model, theirs, shard, tokenizer, texts):
    nats = sum(nats_of(theirs, shard.document(i).tolist()) for i in range(len(shard)))
    expected = nats / math.log(2) / sum(len(text.encode()) for text in texts[:12])
    ours = bits_per_byte(model, shard, token_bytes(tokenizer), maximum_tokens=10**9, sequence_length=10**9)
    assert ours == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("length", "batch_size"), [(16, 1), (16, 5), (50, 8)])
def test_where_sequences_cut_documents_the_pieces_are_what_transformers_says(
    model, theirs, shard, tokenizer, length, batch_size
):
    lengths = token_bytes(tokenizer)
    nats, num_bytes, stream = 0.0, 0, TokenStream([shard], length, seed=0)
    for i in range(stream.sequences_per_epoch):
        tokens, documents = stream.sequence(i)
        for piece in np.split(tokens, np.flatnonzero(np.diff(documents)) + 1):
            if len(piece) > 1:
                nats += nats_of(theirs, piece.tolist())
                num_bytes += int(lengths[torch.from_numpy(piece[1:])].sum())
    ours = bits_per_byte(model, shard, lengths, 10**9, length, batch_size)
    assert ours == pytest.approx(nats / math.log(2) / num_bytes, rel=1e-5)


def test_a_uniform_model_needs_the_logarithm_of_the_vocabulary_for_each_token(model, shard, tokenizer):
    torch.nn.init.zeros_(model.lm_head.weight)
    tokens, num_bytes = shard.header.num_tokens - 2 * len(shard), shard.header.num_bytes
    ours = bits_per_byte(model, shard, token_bytes(tokenizer), 10**9, 10**9)
    assert ours == pytest.approx(math.log2(400) * tokens / num_bytes, rel=1e-6)


def test_fewer_tokens_are_measured_when_asked_for(model, shard, tokenizer, monkeypatch):
    measured = []
    monkeypatch.setattr(
        "smollab.evaluate.bits_per_byte.token_losses",
        lambda h, w, t, **settings: measured.append(t.numel()) or torch.zeros(t.shape),
    )
    for maximum in (0, 40, 100, 10**9):
        measured.clear()
        bits_per_byte(model, shard, token_bytes(tokenizer), maximum, sequence_length=20)
        available = (shard.header.num_tokens - 1) // 20 * 20
        assert sum(measured) == min(max(20, maximum // 20 * 20), available)


def test_bytes_of_tokens_add_up_to_the_text(texts, tokenizer):
    lengths = token_bytes(tokenizer)
    assert lengths[:SPECIAL].tolist() == [0, 0, 0]
    for text in [*texts, "日本語 👩‍👩‍👧‍👦 \x00\n", ""]:
        assert int(lengths[tokenizer.encode(text).ids].sum()) == len(text.encode())


def test_a_shard_of_two_tokens_is_measured(model, tokenizer, tmp_path):
    from smollab.tokens.shards import TokenShard, write_shard

    write_shard(tmp_path / "two", [([0, 70], 1)], 400, "hash")
    assert bits_per_byte(model, TokenShard(tmp_path / "two"), token_bytes(tokenizer)) > 0
