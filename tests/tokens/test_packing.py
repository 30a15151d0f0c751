"""Packing: every token that can be a target is one, once; few documents are cut; nothing overflows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smollab.tokens.packing import BestFit, Concatenated, fill_bins, pack

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=60).map(np.asarray)


def slow_bins(sizes, capacity: int) -> list[int]:
    """Best-fit decreasing, one item at a time."""
    rooms: list[int] = []
    for size in sorted(sizes, reverse=True):
        fitting = [(room, i) for i, room in enumerate(rooms) if room >= size]
        if fitting:
            rooms[min(fitting)[1]] -= size
        else:
            rooms.append(capacity - size)
    return sorted(rooms)


@settings(deadline=None, max_examples=200)
@given(sizes=st.lists(st.integers(1, 30), max_size=120))
def test_equal_items_at_once_fill_bins_as_one_by_one(sizes):
    bins = fill_bins(sizes, 30)
    assert len(bins) == len(sizes)
    filled = np.bincount(bins, weights=sizes) if sizes else np.zeros(0)
    assert sorted(30 - filled) == slow_bins(sizes, 30)


@settings(deadline=None, max_examples=100)
@given(lengths=LENGTHS, length=st.integers(1, 20))
def test_best_fit_makes_every_token_but_the_first_of_a_document_a_target_once(lengths, length):
    packing = BestFit(lengths, length)
    targets = []
    for sequence in range(len(packing)):
        pieces = packing.pieces(sequence)
        assert 2 <= sum(stop - start for _, start, stop in pieces) <= length + 1
        assert len({document for document, _, _ in pieces}) == len(pieces)  # no document twice in a sequence
        targets += [(document, token) for document, start, stop in pieces for token in range(start + 1, stop)]
    assert sorted(targets) == [(d, t) for d, size in enumerate(lengths.tolist()) for t in range(1, size)]


@settings(deadline=None, max_examples=100)
@given(lengths=LENGTHS, length=st.integers(1, 20))
def test_reports_count_what_the_pieces_show(lengths, length):
    for packing in (BestFit(lengths, length), Concatenated(lengths, length)):
        report, parts = packing.report(), {}
        for sequence in range(len(packing)):
            for document, start, stop in packing.pieces(sequence):
                parts.setdefault(document, []).append((start, stop))
        if isinstance(packing, BestFit):  # the other also cuts what it leaves out at the end
            assert report.cut == sum(len(pieces) > 1 for pieces in parts.values()) == report.longer
            assert report.positions - report.padding == sum(b - a for pieces in parts.values() for a, b in pieces)
        assert report.documents == len(lengths)
        assert report.longer == sum(lengths > length + 1) <= report.cut


def test_concatenation_cuts_exactly_the_documents_that_cross_an_edge():
    report = Concatenated(np.asarray([4, 4, 4, 4]), 8).report()  # edges after the tokens 8 and 16, shared by one
    assert (report.cut, report.longer, report.padding) == (0, 0, 0)
    assert Concatenated(np.asarray([6, 6, 6, 6]), 8).report().cut == 2


def test_documents_of_ordinary_lengths_are_hardly_cut_and_hardly_padded():
    """Lengths as of web pages: log-normal, median about 500 tokens; sequences of 4096."""
    lengths = np.random.default_rng(0).lognormal(6.2, 1.1, 20_000).astype(int) + 2
    best, plain = (pack(method, lengths, 4096).report() for method in ("best_fit", "concatenate"))
    assert best.padding / best.positions < 0.005
    assert best.cut == best.longer < plain.cut / 4


@pytest.mark.parametrize("lengths", [[], [1], [1, 1, 1]])
def test_what_has_no_target_gives_no_sequence(lengths):
    assert len(BestFit(np.asarray(lengths, dtype=np.int64), 8)) == 0
