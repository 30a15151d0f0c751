"""Streams of several blocks, packed sequences as batches, and the place from which a stream goes on."""

import json
from collections import Counter

import numpy as np
import pytest

from smollab.batch import IGNORE_INDEX
from smollab.tokens import stream as module
from smollab.tokens.mixture import make_batch
from smollab.tokens.shards import TokenShard, write_shard
from smollab.tokens.stream import TokenStream

LENGTH, DOCUMENTS = 16, 400


@pytest.fixture
def shards(tmp_path) -> list[TokenShard]:
    """Two shards of documents of many lengths; all tokens are different."""
    rng, token = np.random.default_rng(0), 0
    for name in ("a", "b"):
        documents = []
        for size in rng.integers(2, 40, DOCUMENTS // 2).tolist():
            documents.append((list(range(token, token + size)), size))
            token += size
        write_shard(tmp_path / name, documents, 10**5, "hash")
    return [TokenShard(tmp_path / name) for name in ("a", "b")]


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr(module, "CHUNK_DOCUMENTS", 16)
    monkeypatch.setattr(module, "BLOCK_TOKENS", 2000)


def targets(stream: TokenStream, start: int, stop: int) -> Counter[int]:
    batch = make_batch([stream.sequence(i) for i in range(start, stop)], LENGTH)
    return Counter(batch.targets[batch.targets != IGNORE_INDEX].tolist())


def test_best_fit_reads_every_target_once_per_epoch_over_all_blocks(shards, small_blocks):
    stream = TokenStream(shards, LENGTH, 1, "best_fit")
    firsts = {int(shard.document(i)[0]) for shard in shards for i in range(len(shard))}
    everything = {token: 1 for shard in shards for token in shard.tokens.tolist() if token not in firsts}
    epoch = stream.sequences_per_epoch
    assert targets(stream, 0, epoch) == everything
    assert targets(stream, epoch, epoch + 40) <= Counter(everything)
    assert stream.state[0] == 1  # the second epoch


def test_concatenation_leaves_out_less_than_a_sequence_of_each_block(shards, small_blocks):
    stream = TokenStream(shards, LENGTH, 1)
    found = targets(stream, 0, stream.sequences_per_epoch)
    tokens = sum(len(shard.tokens) for shard in shards)
    assert set(found.values()) == {1}
    assert len(found) > tokens - DOCUMENTS - 6 * (LENGTH + 1)


def test_blocks_mix_chunks_from_everywhere(shards, small_blocks):
    stream = TokenStream(shards, LENGTH, 1)
    begin = {shard for i in range(20) for shard in {stream.locate(d)[0].folder.name for d in stream.sequence(i)[1]}}
    assert begin == {"a", "b"}


@pytest.mark.parametrize("packing", ["concatenate", "best_fit"])
def test_a_stream_goes_on_from_its_state_as_from_its_beginning(shards, small_blocks, packing):
    whole = TokenStream(shards, LENGTH, 1, packing)
    rows = [whole.sequence(i) for i in range(1200)]  # more than an epoch
    first = TokenStream(shards, LENGTH, 1, packing)
    first.sequence(1000)
    again = TokenStream(shards, LENGTH, 1, packing)
    again.state = json.loads(json.dumps(first.state))
    for i in (1000, 1001, 1199, 3):  # the last before the state: from the beginning
        for ours, expected in zip(again.sequence(i), rows[i], strict=True):
            assert np.array_equal(ours, expected)


def test_going_on_opens_one_block_only(shards, small_blocks, monkeypatch):
    first = TokenStream(shards, LENGTH, 1, "best_fit")
    first.sequence(5000)
    again, opened = TokenStream(shards, LENGTH, 1, "best_fit"), []
    monkeypatch.setattr(again, "_pack", lambda *place: opened.append(place) or TokenStream._pack(again, *place))
    again.state = first.state
    again.sequence(5000)
    assert len(opened) == 1


def test_padding_is_no_target_and_no_part_of_a_document(shards):
    stream = TokenStream(shards, LENGTH, 1, "best_fit")
    short = next(i for i in range(1000) if len(stream.sequence(i)[0]) < LENGTH)
    tokens, documents = stream.sequence(short)
    batch = make_batch([(tokens, documents)], LENGTH)
    real = len(tokens)
    assert (batch.targets[0, real - 1 :] == IGNORE_INDEX).all()
    assert not set(batch.document_ids[0, real:].tolist()) & set(documents.tolist())
    assert batch.tokens.shape == batch.targets.shape == (1, LENGTH)


def test_documents_are_found_again_by_their_number(shards):
    stream = TokenStream(shards, LENGTH, 1, "best_fit")
    tokens, documents = stream.sequence(7)
    for number in set(documents.tolist()):
        shard, local = stream.locate(number)
        assert set(tokens[documents == number]) <= set(shard.document(local).tolist())
