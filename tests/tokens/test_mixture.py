"""The order of the data: exact shares, exact resume, every token once per epoch, targets within documents."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smollab.batch import IGNORE_INDEX
from smollab.tokens.mixture import Mixture, make_batch
from smollab.tokens.shards import TokenShard, write_shard
from smollab.tokens.stream import TokenStream

LENGTH = 8
SIZES = [5, 1, 12, 27, 2, 7, 3]
"""Tokens of the documents; 57 in all, so that seven sequences of eight and the last target are an epoch."""
EPOCH = 7


def make_shard(folder, sizes, first: int = 0) -> TokenShard:
    """A shard whose tokens are all different: `first`, `first` + 1, ..."""
    numbers = iter(range(first, 10**6))
    write_shard(folder, [([next(numbers) for _ in range(size)], size) for size in sizes], 10**5, "hash")
    return TokenShard(folder)


@pytest.fixture
def shard(tmp_path):
    return make_shard(tmp_path / "a", SIZES)


def pairs(stream: TokenStream, start: int, stop: int) -> list[tuple[int, int]]:
    """(token, target) of every position that has a target, in the sequences from `start` to `stop`."""
    batch = make_batch([stream.sequence(i) for i in range(start, stop)])
    keep = batch.targets != IGNORE_INDEX
    return list(zip(batch.tokens[keep].tolist(), batch.targets[keep].tolist(), strict=True))


def test_every_token_but_the_first_of_each_document_is_a_target_once_per_epoch(shard):
    stream = TokenStream([shard], LENGTH, seed=1)
    firsts = set(shard.starts[:-1].tolist())
    for epoch in range(3):
        targets = Counter(target for _, target in pairs(stream, epoch * EPOCH, (epoch + 1) * EPOCH))
        assert targets == {token: 1 for token in range(57) if token not in firsts}


def test_what_does_not_fill_a_sequence_is_left_out_for_an_epoch_and_nothing_comes_twice(shard):
    stream = TokenStream([shard], 10, seed=1)
    epochs = [Counter(target for _, target in pairs(stream, 5 * epoch, 5 * epoch + 5)) for epoch in range(4)]
    assert all(set(targets.values()) == {1} for targets in epochs)
    assert len({frozenset(targets) for targets in epochs}) > 1  # another end is left out each time


def test_targets_are_the_next_token_of_the_same_document(shard):
    stream = TokenStream([shard], LENGTH, seed=1)
    document_of = np.repeat(np.arange(len(SIZES)), SIZES)
    for token, target in pairs(stream, 0, 3 * EPOCH):
        assert target == token + 1
        assert document_of[token] == document_of[target]


def test_document_ids_and_positions_restart_with_each_document(shard):
    stream = TokenStream([shard], LENGTH, seed=1)
    document_of = np.repeat(np.arange(len(SIZES)), SIZES)
    batch = make_batch([stream.sequence(i) for i in range(30)])
    for tokens, ids, positions in zip(batch.tokens, batch.document_ids, batch.positions, strict=True):
        expected = 0
        for i, token in enumerate(tokens.tolist()):
            new = i == 0 or token != tokens[i - 1] + 1 or document_of[token] != document_of[tokens[i - 1]]
            assert bool(i > 0 and ids[i] == ids[i - 1]) == (not new)
            expected = 0 if new else expected + 1
            assert positions[i] == expected


def test_epochs_are_shuffled_anew_and_the_seed_decides(shard):
    def firsts(seed: int, epoch: int) -> list[int]:
        stream = TokenStream([shard], LENGTH, seed)
        return [int(stream.sequence(EPOCH * epoch + i)[0][0]) for i in range(EPOCH)]

    assert firsts(1, 0) == firsts(1, 0)
    assert firsts(1, 0) != firsts(1, 1)
    assert firsts(1, 0) != firsts(2, 0)


def test_a_batch_is_not_made_of_neighboring_pieces_of_one_document(tmp_path):
    stream = TokenStream([make_shard(tmp_path / "one", [1001])], 10, seed=1)
    firsts = np.array([stream.sequence(i)[0][0] for i in range(100)])
    assert sorted(firsts) == list(range(0, 1000, 10))
    assert np.mean(np.diff(firsts) == 10) < 0.1


def test_a_sequence_depends_on_its_number_alone(shard):
    stream = TokenStream([shard], LENGTH, seed=1)
    in_order = [stream.sequence(i) for i in range(40)]
    for i in np.random.default_rng(0).permutation(40):
        for ours, expected in zip(stream.sequence(int(i)), in_order[i], strict=True):
            assert np.array_equal(ours, expected)


def test_several_shards_are_one_stream(tmp_path):
    shards = [make_shard(tmp_path / "a", [5, 9]), make_shard(tmp_path / "b", [10, 7], first=14)]
    targets = Counter(target for _, target in pairs(TokenStream(shards, 10, seed=3), 0, 3))
    assert targets == {token: 1 for token in range(31) if token not in (0, 5, 14, 24)}


def test_too_few_tokens_are_refused_by_name(tmp_path):
    shard = make_shard(tmp_path / "pdf-fr", [8])
    with pytest.raises(ValueError, match=r"pdf-fr: 8 tokens.*sequence of 8"):
        TokenStream([shard], 8, seed=1)
    TokenStream([shard], 7, seed=1).sequence(0)


class Numbers:
    """A stand-in for a stream, whose sequences are their own numbers."""

    sequence_length, state = 2, None

    def __init__(self, first: int) -> None:
        self.first = first

    def sequence(self, index: int):
        return np.full(3, self.first + index), np.zeros(3, dtype=np.int64)


def make_mixture(names, drawn=None) -> Mixture:
    return Mixture({name: Numbers(1000 * i) for i, name in enumerate(names)}, drawn)


@settings(deadline=None, max_examples=60)
@given(weights=st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=30))
def test_shares_are_right_to_within_one_sequence_at_every_moment(weights):
    names = [f"source {i}" for i in range(len(weights))]
    mixture = make_mixture(names)
    mixture.set_weights(dict(zip(names, weights, strict=True)))
    total = sum(weights)
    for count in range(1, 200):
        mixture.next_batch(1)
        for name, weight in zip(names, weights, strict=True):
            assert abs(mixture.drawn[name] - count * weight / total) < 1 + 1e-9


def test_taking_from_the_furthest_behind_would_stray_by_more_than_one():
    """The negative control: the simple rule breaks the promise of the test above."""
    weights = np.array([40, 21, 16, 9.5, 7, 3, 1.5, 1, 0.6, 0.4, 0.3, 0.2])
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(300):
        shares = rng.permuted(weights * rng.random(12))
        shares /= shares.sum()
        given_ = np.zeros(12)
        for count in range(1, 300):
            given_[np.argmax(shares * count - given_)] += 1
            worst = max(worst, np.abs(shares * count - given_).max())
    assert worst > 1


def test_weights_need_not_sum_to_one_and_may_be_zero():
    mixture = make_mixture(["a", "b", "c"])
    mixture.set_weights({"a": 6, "b": 2, "c": 0})
    _, names = mixture.next_batch(80)
    assert Counter(names) == {"a": 60, "b": 20}


@settings(deadline=None, max_examples=40)
@given(stop=st.integers(0, 40), batch=st.integers(1, 7))
def test_a_resumed_mixture_goes_on_as_if_it_had_never_stopped(stop, batch):
    stages = [({"a": 0.7, "b": 0.3}, 17), ({"a": 0.2, "b": 0.5, "c": 0.3}, 40)]

    def draw(mixture, begin: int, end: int) -> list[tuple[list[str], list[int]]]:
        drawn, first = [], 0
        for weights, last in stages:
            if begin < last and first < end:
                mixture.set_weights(weights, begin=begin <= first)
                for _ in range(max(begin, first), min(end, last)):
                    rows, names = mixture.next_batch(batch)
                    drawn.append((names, rows.tokens[:, 0].tolist()))
            first = last
        return drawn

    whole = draw(make_mixture("abc"), 0, 40)
    first = make_mixture("abc")
    before = draw(first, 0, stop)
    second = make_mixture("abc")
    second.state = json.loads(json.dumps(first.state))
    assert before + draw(second, stop, 40) == whole


def test_a_stage_is_resumed_after_a_trillion_sequences_as_fast_as_after_one():
    mixture = make_mixture(["a", "b"])
    counts = {"a": 7 * 10**11, "b": 3 * 10**11}
    mixture.state = {"drawn": counts, "in_stage": counts, "streams": {}}
    mixture.set_weights({"a": 0.7, "b": 0.3}, begin=False)
    batch, names = mixture.next_batch(10)
    assert Counter(names) == {"a": 7, "b": 3}
    assert batch.tokens[0, 0] in (7 * 10**11, 1000 + 3 * 10**11)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_the_order_is_that_of_the_whole_batch_however_many_ranks_read_it(shard, ranks):
    """Resumed on another number of ranks, a run goes on with the same sequences."""

    def begun() -> Mixture:
        mixture = Mixture({"web": TokenStream([shard], LENGTH, seed=1)})
        mixture.set_weights({"web": 1.0})
        return mixture

    alone = begun()
    expected = torch.cat([alone.next_batch(8)[0].tokens for _ in range(3)])
    writer = begun()
    writer.next_batch(8, slice(0, 4))  # the first of two ranks, whose state is saved
    state = json.loads(json.dumps(writer.state))
    found: list[list[torch.Tensor]] = []
    for rank in range(ranks):
        mixture = Mixture({"web": TokenStream([shard], LENGTH, seed=1)})
        mixture.state = state
        mixture.set_weights({"web": 1.0}, begin=False)
        rows = slice(rank * 8 // ranks, (rank + 1) * 8 // ranks)
        found.append([mixture.next_batch(8, rows)[0].tokens for _ in range(2)])
    assert torch.equal(torch.cat([part[step] for step in range(2) for part in found]), expected[8:])


def test_a_new_stage_goes_on_in_each_source_where_the_last_one_stopped():
    mixture = make_mixture(["a", "b"])
    seen = []
    for weights in ({"a": 1.0}, {"a": 0.5, "b": 0.5}, {"b": 1.0, "a": 1e-9}):
        mixture.set_weights(weights)
        seen += mixture.next_batch(10)[0].tokens[:, 0].tolist()
    assert sorted(seen) == [*range(15), *range(1000, 1015)]


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": 1.0, "b": -0.5}, {"nothing": 1.0}], ids=str)
def test_senseless_weights_are_refused(weights):
    with pytest.raises(ValueError, match="mixture"):
        make_mixture(["a", "b"]).set_weights(weights)


def test_rows_and_devices_of_a_batch(shard):
    batch = make_batch([TokenStream([shard], LENGTH, seed=1).sequence(i) for i in range(4)])
    assert torch.equal(batch.rows(1, 3).targets, batch.targets[1:3])
    assert torch.equal(batch.to(torch.device("cpu")).positions, batch.positions)
