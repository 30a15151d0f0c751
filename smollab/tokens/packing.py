"""Packing: which pieces of which documents make up each training sequence.

`concatenate` lays documents end to end and cuts the row every `sequence_length` tokens, wherever that falls: nothing is
wasted, but most sequences begin in the middle of a document whose beginning they cannot see. `best_fit` cuts only what
is longer than a sequence and puts the rest together like boxes into crates: the longest first, each into the crate
where the least room is left over. Few documents are cut, and of the sequences only a little stays empty (padding).

Source: Ding et al. 2024, "Fewer Truncations Improve Language Modeling" (best-fit decreasing, section 3.1).

Fails when: documents are few and all a little longer than half a sequence; then no two fit together, and nearly half of
every sequence is padding.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Piece = tuple[int, int, int]
"""Document, first token, token after the last."""


class Packing(Protocol):
    """Sequences made of pieces of documents; each holds up to sequence_length + 1 tokens: inputs, and a last target."""

    def __len__(self) -> int:
        """Sequences."""

    def pieces(self, sequence: int) -> list[Piece]:
        """What a sequence consists of, in order."""

    def report(self) -> "PackingReport":
        """What was cut, and what stays empty."""


@dataclass(frozen=True)
class PackingReport:
    """What a packing does to the documents."""

    documents: int
    """Packed."""
    cut: int
    """Of these, in more than one piece: what follows a cut does not see what came before it."""
    longer: int
    """Of these, longer than a sequence, so that they must be cut."""
    positions: int
    """Of all sequences together."""
    padding: int
    """Of these, without a token."""

    def __add__(self, other: "PackingReport") -> "PackingReport":
        """Of two sources together."""
        return PackingReport(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        """In words."""
        return (
            f"{self.cut / max(self.documents, 1):.1%} of the documents are cut "
            f"({self.longer / max(self.documents, 1):.1%} are longer than a sequence), "
            f"{self.padding / max(self.positions, 1):.2%} of the positions are padding"
        )


def pack(method: Literal["concatenate", "best_fit"], lengths: Integers, sequence_length: int) -> Packing:
    """Pack documents of these lengths, in tokens, in the order given."""
    return Concatenated(lengths, sequence_length) if method == "concatenate" else BestFit(lengths, sequence_length)


class Concatenated:
    """Documents end to end, cut into sequences; what does not fill the last sequence is left out.

    Neighboring sequences share a token: the last target of one is the first input of the next.
    """

    def __init__(self, lengths: Integers, sequence_length: int) -> None:
        self._length, self._ends = sequence_length, np.cumsum(lengths)
        self._tokens = int(self._ends[-1]) if len(lengths) else 0

    def __len__(self) -> int:
        """Sequences."""
        return max(0, (self._tokens - 1) // self._length)

    def pieces(self, sequence: int) -> list[Piece]:
        """What a sequence consists of, in order."""
        position, wanted = sequence * self._length, self._length + 1
        document = int(np.searchsorted(self._ends, position, side="right"))
        pieces = []
        while wanted > 0:
            begin = int(self._ends[document - 1]) if document else 0
            start, stop = position - begin, min(int(self._ends[document]) - begin, position - begin + wanted)
            if stop > start:
                pieces.append((document, start, stop))
            position, wanted, document = position + stop - start, wanted - (stop - start), document + 1
        return pieces

    def report(self) -> PackingReport:
        """What was cut; nothing stays empty."""
        lengths = np.diff(self._ends, prepend=0)
        begins = self._ends - lengths
        cut = self._ends - begins // self._length * self._length > self._length + 1
        return PackingReport(
            len(lengths), int(cut.sum()), int((lengths > self._length + 1).sum()), len(self) * self._length, 0
        )


class BestFit:
    """Documents in whole, where they fit, by best-fit decreasing.

    A document with more than one sequence's tokens gives full sequences and a rest; rests and short documents are
    packed. All of equal length are placed at once, so the time depends on the lengths there are, not on the documents.
    A document of one token has nothing to predict and is left out.
    """

    def __init__(self, lengths: Integers, sequence_length: int) -> None:
        self._length, self._documents = sequence_length, len(lengths)
        lengths = np.asarray(lengths)
        full, rest = np.divmod(np.maximum(lengths - 1, 0), sequence_length)  # targets; each needs the token before
        self._cut = int(((full > 1) | ((full == 1) & (rest > 0))).sum())
        self._longer = int((lengths > sequence_length + 1).sum())
        rests = np.flatnonzero(rest)
        bins = fill_bins(rest[rests] + 1, sequence_length + 1)
        whole = np.repeat(np.arange(len(lengths)), full)
        counted = np.arange(len(whole)) - np.repeat(np.cumsum(full) - full, full)  # 0, 1, ... within each document
        num_bins = int(bins.max()) + 1 if len(bins) else 0
        order = np.argsort(bins, kind="stable")
        documents = np.concatenate([whole, rests[order]])
        starts = np.concatenate([counted, full[rests[order]]]) * sequence_length
        stops = np.minimum(starts + sequence_length + 1, lengths[documents])
        per_sequence = np.concatenate([np.ones(len(whole), np.int64), np.bincount(bins, minlength=num_bins)])
        self._pieces = np.stack([documents, starts, stops], axis=1)
        self._first = np.concatenate([[0], np.cumsum(per_sequence)])
        self._tokens = int((stops - starts).sum())

    def __len__(self) -> int:
        """Sequences."""
        return len(self._first) - 1

    def pieces(self, sequence: int) -> list[Piece]:
        """What a sequence consists of, in order."""
        rows = self._pieces[self._first[sequence] : self._first[sequence + 1]].tolist()
        return [(document, start, stop) for document, start, stop in rows]

    def report(self) -> PackingReport:
        """What was cut, and what stays empty."""
        positions = len(self) * (self._length + 1)
        return PackingReport(self._documents, self._cut, self._longer, positions, positions - self._tokens)


def fill_bins(sizes: Integers | Sequence[int], capacity: int) -> Integers:
    """Best-fit decreasing: the bin of each item, such that the items of a bin sum to at most its capacity.

    Items of equal size go together: the bin with the least sufficient room takes as many as fit, which is what placing
    them one by one would do.

    Args:
        sizes: of the items, from 1 to `capacity`.
        capacity: of every bin.

    Returns:
        (items,) numbers of bins, from 0.
    """
    sizes = np.asarray(sizes, dtype=np.int64)
    result, num_bins = np.empty(len(sizes), np.int64), 0
    rooms: dict[int, Integers] = {}
    """Bins by the room left in them."""
    filled = 0
    """The same as a set of bits, so that the smallest room of at least a size is found at once."""
    order = np.argsort(-sizes, kind="stable")
    distinct, counts = np.unique(sizes, return_counts=True)
    place = 0
    for size, count in zip(distinct[::-1].tolist(), counts[::-1].tolist(), strict=True):
        items, place = order[place : place + count], place + count
        while len(items):
            if fitting := filled >> size:
                room = size + (fitting & -fitting).bit_length() - 1
                bins = rooms.pop(room)
                filled ^= 1 << room
            else:
                room, needed = capacity, -(-len(items) // (capacity // size))
                bins = np.arange(num_bins, num_bins + needed)
                num_bins += needed
            each = room // size
            taken = np.repeat(bins, each)[: len(items)]
            result[items[: len(taken)]] = taken
            whole, left = divmod(len(taken), each)
            items = items[len(taken) :]
            for touched, remaining in (
                (bins[:whole], room - each * size),
                (bins[whole : whole + 1] if left else bins[:0], room - left * size),
                (bins[whole + (left > 0) :], room),
            ):
                if len(touched):
                    rooms[remaining] = np.concatenate([rooms[remaining], touched]) if remaining in rooms else touched
                    filled |= 1 << remaining
    return result
