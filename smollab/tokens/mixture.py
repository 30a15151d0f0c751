"""The mixture: which source each training sequence comes from, and which tokens it holds.

Both are pure functions of how many sequences were drawn before. So the whole state of the data is one small
dictionary of counts: a resumed run continues to the token, and when a stage changes the mixture, each source goes
on where it stopped.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from smollab.batch import IGNORE_INDEX, Batch
from smollab.tokens.shards import TokenShard


class TokenStream:
    """Sequences from the documents of one or more shards, shuffled anew each epoch, without end.

    Each epoch lays the documents end to end in a random order, cuts the row into sequences, and hands these out in
    a random order too. Without the second shuffle a batch would be neighboring pieces of the same long document,
    and the gradient a poor estimate of the whole. The incomplete sequence at the row's end is left out.

    Args:
        shards: opened shards.
        sequence_length: tokens per sequence.
        seed: of both orders.

    Raises:
        ValueError: the shards hold fewer tokens than one sequence.
    """

    def __init__(self, shards: Sequence[TokenShard], sequence_length: int, seed: int) -> None:
        self.sequence_length = sequence_length
        self.seed = seed
        num_tokens = sum(shard.header.num_tokens for shard in shards)
        self.sequences_per_epoch = (num_tokens - 1) // sequence_length
        if self.sequences_per_epoch < 1:
            names = ", ".join(shard.folder.name for shard in shards)
            raise ValueError(f"{names}: {num_tokens} tokens are too few for one sequence of {sequence_length}")
        self._documents = [(shard, index) for shard in shards for index in range(len(shard))]
        self._lengths = np.concatenate([np.diff(shard.starts) for shard in shards])
        self._epoch = -1

    def sequence(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Sequence number `index` of the endless stream, and the token after it.

        Returns:
            Token ids and document numbers, each (sequence_length + 1,). Neighbors in the row overlap by one token,
            so that in each epoch every token but the first is a target once.
        """
        epoch, index = divmod(index, self.sequences_per_epoch)
        self._shuffle(epoch)
        position = int(self._sequence_order[index]) * self.sequence_length
        wanted = self.sequence_length + 1
        tokens, documents = [], []
        place = int(np.searchsorted(self._ends, position, side="right"))
        while wanted > 0:
            shard, document = self._documents[self._document_order[place]]
            piece = shard.document(document)[position - self._ends[place] :][:wanted]  # counted from its end
            tokens.append(piece)
            documents.append(np.full(len(piece), place))
            position += len(piece)
            wanted -= len(piece)
            place += 1
        return np.concatenate(tokens).astype(np.int64), np.concatenate(documents)

    def _shuffle(self, epoch: int) -> None:
        """Set both orders to those of an epoch."""
        if epoch != self._epoch:
            generator = np.random.default_rng([self.seed, epoch])
            self._document_order = generator.permutation(len(self._documents))
            self._ends = np.cumsum(self._lengths[self._document_order])
            self._sequence_order = generator.permutation(self.sequences_per_epoch)
            self._epoch = epoch


class Mixture:
    """Draw sequences from several streams in given proportions.

    After n sequences each stream has given its share of them to within less than one. Random draws would have the
    right share only on average; always taking from the stream that is furthest behind strays by more than one with
    many streams. Source: Baruah et al. 1996 (proportionate fairness).

    Args:
        streams: by name.
        drawn: sequences already taken from each stream; the state of the data.
    """

    def __init__(self, streams: Mapping[str, TokenStream], drawn: Mapping[str, int] | None = None) -> None:
        self.streams = dict(streams)
        self.drawn = {name: (drawn or {}).get(name, 0) for name in streams}
        self._weights: dict[str, float] = {}

    def set_weights(self, weights: Mapping[str, float], drawn_in_stage: int = 0) -> None:
        """Begin a stage, or continue it after `drawn_in_stage` sequences.

        Raises:
            ValueError: a weight is negative, all are zero, or a name is not a stream.
        """
        unknown = weights.keys() - self.streams.keys()
        total = sum(weights.values())
        if unknown or total <= 0 or min(weights.values()) < 0:
            raise ValueError(f"mixture {dict(weights)}: weights must be positive and name {sorted(self.streams)}")
        self._weights = {name: weight / total for name, weight in weights.items()}
        self._in_stage = dict.fromkeys(self._weights, 0)
        for _ in range(drawn_in_stage):
            self._in_stage[self._next_name()] += 1

    def _next_name(self) -> str:
        """Of the streams that have given less than their share, the one that must give soonest to stay within one."""
        weights, given = self._weights, self._in_stage
        count = sum(given.values()) + 1
        behind = [name for name in weights if weights[name] * count > given[name]]
        return min(behind, key=lambda name: (given[name] + 1) / weights[name])

    def next_batch(self, num_sequences: int, wanted: slice = slice(None)) -> tuple[Batch, list[str]]:
        """Draw the next sequences.

        Args:
            num_sequences: of the whole batch.
            wanted: which of them to read and return: the rows of this rank. All are counted as drawn.

        Returns:
            The wanted rows, and the name of the stream of each sequence of the whole batch.
        """
        names, rows = [], []
        mine = range(num_sequences)[wanted]
        for index in range(num_sequences):
            name = self._next_name()
            if index in mine:
                rows.append(self.streams[name].sequence(self.drawn[name]))
            self.drawn[name] += 1
            self._in_stage[name] += 1
            names.append(name)
        return make_batch(rows), names


def make_batch(rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> Batch:
    """Turn (token ids, document numbers) of sequence_length + 1 into a batch; targets never cross documents."""
    tokens = torch.from_numpy(np.stack([row[0] for row in rows]))
    documents = torch.from_numpy(np.stack([row[1] for row in rows]))
    targets = tokens[:, 1:].masked_fill(documents[:, 1:] != documents[:, :-1], IGNORE_INDEX)
    document_ids = documents[:, :-1].contiguous()
    index = torch.arange(document_ids.shape[1]).expand_as(document_ids)
    starts = torch.ones_like(document_ids, dtype=torch.bool)
    starts[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    positions = index - torch.where(starts, index, 0).cummax(dim=1).values
    return Batch(tokens[:, :-1].contiguous(), targets.contiguous(), positions, document_ids)
