"""A stream: endless training sequences from the documents of token shards, shuffled anew in every epoch.

Documents are taken in chunks of neighbors, the chunks in random order; so many chunks as hold `BLOCK_TOKENS` make a
block, whose documents are shuffled one by one, packed into sequences (`packing.py`), and the sequences shuffled again:
without that a batch would be neighboring pieces of the same long document, and its gradient a poor estimate of the
whole. What lies in memory at one time is the plan of one block, however much text there is; a corpus of less than a
block is shuffled as a whole.

The sequence of a number depends on that number alone, whoever asks and whatever was asked before. Where the block that
holds it begins is the stream's place; with it a resumed run finds its block at once.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np

from smollab.tokens.packing import Integers, Packing, PackingReport, pack
from smollab.tokens.shards import TokenShard

CHUNK_DOCUMENTS = 1024
"""Neighbors on disk that are read at about the same time, so that a disk reads in long stretches."""
BLOCK_TOKENS = 2**28
"""Shuffled at one time; 65,536 sequences of 4096."""

Row = tuple[np.ndarray, np.ndarray]
"""Token ids, and the number of each one's document: up to sequence_length + 1 of both."""


@dataclass(frozen=True)
class Place:
    """Where a stream stands: a block, and the number of the first sequence in it."""

    epoch: int = 0
    block: int = 0
    first: int = 0


class TokenStream:
    """Sequences from the documents of one or more shards, without end.

    Args:
        shards: opened shards.
        sequence_length: tokens per sequence.
        seed: of all orders.
        packing: see `smollab.tokens.packing`.

    Raises:
        ValueError: the shards hold fewer tokens than one sequence.
    """

    def __init__(
        self,
        shards: Sequence[TokenShard],
        sequence_length: int,
        seed: int,
        packing: Literal["concatenate", "best_fit"] = "concatenate",
    ) -> None:
        self.sequence_length, self.seed, self.packing = sequence_length, seed, packing
        self.shards = list(shards)
        num_tokens = sum(shard.header.num_tokens for shard in shards)
        if (packing == "concatenate" and num_tokens <= sequence_length) or num_tokens < 2:
            names = ", ".join(shard.folder.name for shard in shards)
            raise ValueError(f"{names}: {num_tokens} tokens are too few for one sequence of {sequence_length}")
        self._first_document = np.cumsum([0, *(len(shard) for shard in shards)])
        chunks = [(s, i) for s, shard in enumerate(shards) for i in range(0, len(shard), CHUNK_DOCUMENTS)]
        self._chunks = np.asarray(chunks, dtype=np.int64).reshape(-1, 2)  # shard, first document in it
        self._num_blocks = max(1, min(len(chunks), round(num_tokens / BLOCK_TOKENS)))
        self._open(Place())
        if not len(self._order) and self._num_blocks == 1:
            raise ValueError(f"{', '.join(shard.folder.name for shard in shards)}: no document has two tokens")

    def place_of(self, document: int) -> tuple[str, int]:
        """The folder of the shard that holds a document of this stream, and its number there."""
        shard = int(np.searchsorted(self._first_document, document, side="right")) - 1
        return self.shards[shard].folder.name, document - int(self._first_document[shard])

    @property
    def state(self) -> list[int]:
        """The block that was read last, from which any later sequence is found at once: epoch, block, first number."""
        return list(astuple(self._place))

    @state.setter
    def state(self, state: Sequence[int]) -> None:
        if (place := Place(*state)) != self._place:
            self._open(place)

    @property
    def sequences_per_epoch(self) -> int:
        """Sequences of the first epoch; with several blocks each of them is packed to count them."""
        return sum(len(self._pack(0, block)[1]) for block in range(self._num_blocks))

    def sequence(self, index: int) -> Row:
        """Sequence number `index` of the endless stream, and the token after it.

        Returns:
            Token ids and document numbers, each (sequence_length + 1,), or fewer where `best_fit` leaves room. With
            `concatenate` every token of a block but the first is a target once per epoch; with `best_fit` every token
            but the first of its document.
        """
        if index < self._place.first:
            self._open(Place())
        while index >= self._place.first + len(self._order):
            epoch, block = divmod(self._place.epoch * self._num_blocks + self._place.block + 1, self._num_blocks)
            self._open(Place(epoch, block, self._place.first + len(self._order)))
        tokens, documents = [], []
        for piece, start, stop in self._packing.pieces(int(self._order[index - self._place.first])):
            number = int(self._documents[piece])
            shard, local = self.locate(number)
            tokens.append(shard.document(local)[start:stop])
            documents.append(np.full(stop - start, number))
        return np.concatenate(tokens).astype(np.int64), np.concatenate(documents)

    def locate(self, document: int) -> tuple[TokenShard, int]:
        """The shard of a document, and its number there."""
        shard = int(np.searchsorted(self._first_document, document, side="right")) - 1
        return self.shards[shard], document - int(self._first_document[shard])

    def report(self) -> PackingReport:
        """What packing does to the documents of the present block."""
        return self._packing.report()

    def _open(self, place: Place) -> None:
        """Lay out a block."""
        self._documents, self._packing, self._order = self._pack(place.epoch, place.block)
        self._place = place

    def _pack(self, epoch: int, block: int) -> tuple[Integers, Packing, Integers]:
        """Documents of a block in random order, their packing, and the random order of its sequences."""
        chunks = np.random.default_rng([self.seed, epoch, self._num_blocks]).permutation(len(self._chunks))
        documents, lengths = [], []
        for shard, first in self._chunks[np.sort(np.array_split(chunks, self._num_blocks)[block])].tolist():
            starts = np.asarray(self.shards[shard].starts[first : first + CHUNK_DOCUMENTS + 1])
            lengths.append(np.diff(starts))
            documents.append(np.arange(len(starts) - 1) + self._first_document[shard] + first)
        generator = np.random.default_rng([self.seed, epoch, block] if block else [self.seed, epoch])
        order = generator.permutation(sum(map(len, documents)))
        packing = pack(self.packing, np.concatenate(lengths)[order], self.sequence_length)
        return np.concatenate(documents)[order], packing, generator.permutation(len(packing))
