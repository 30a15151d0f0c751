"""The mixture: which source each training sequence comes from, and which tokens it holds.

Both are pure functions of how many sequences were drawn before. So the whole state of the data is a small dictionary of
counts: a resumed run continues to the token, at once and on any number of ranks, and when a stage changes the mixture,
each source goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from smollab.batch import IGNORE_INDEX, Batch
from smollab.tokens.packing import PackingReport
from smollab.tokens.stream import Row

PADDING = -1
"""Document number of positions where a sequence has no token."""


class Stream(Protocol):
    """Where sequences come from: token shards (`stream.py`), or a data set as it is read (`streaming.py`)."""

    sequence_length: int

    def sequence(self, index: int) -> Row:
        """Sequence number `index`: token ids and document numbers, up to sequence_length + 1 of both."""

    def report(self) -> PackingReport:
        """What packing does to the documents that are being read."""

    @property
    def state(self) -> Any:
        """From where a resumed run finds the next sequence without going through those before; JSON."""

    @state.setter
    def state(self, state: Any) -> None: ...


class Mixture:
    """Draw sequences from several streams in given proportions.

    After n sequences each stream has given its share of them to within less than one. Random draws would have the
    right share only on average; always taking from the stream that is furthest behind strays by more than one with
    many streams. Source: Baruah et al. 1996 (proportionate fairness).

    Args:
        streams: by name.
        drawn: sequences already taken from each stream; the state of the data.
    """

    def __init__(self, streams: Mapping[str, Stream], drawn: Mapping[str, int] | None = None) -> None:
        self.streams = dict(streams)
        self.drawn = {name: (drawn or {}).get(name, 0) for name in streams}
        self._weights: dict[str, float] = {}
        self._in_stage: dict[str, int] = {}

    @property
    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, as JSON."""
        places = {name: self.streams[name].state for name, count in self.drawn.items() if count}
        return {"drawn": dict(self.drawn), "in_stage": dict(self._in_stage), "streams": places}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self.drawn = self.drawn | state["drawn"]
        self._in_stage = dict(state["in_stage"])
        for name, place in state["streams"].items():
            if name in self.streams:
                self.streams[name].state = place

    def set_weights(self, weights: Mapping[str, float], begin: bool = True) -> None:
        """Begin a stage, or continue the one whose state was restored.

        Raises:
            ValueError: a weight is negative, all are zero, or a name is not a stream.
        """
        unknown = weights.keys() - self.streams.keys()
        total = sum(weights.values())
        if unknown or total <= 0 or min(weights.values()) < 0:
            raise ValueError(f"mixture {dict(weights)}: weights must be positive and name {sorted(self.streams)}")
        self._weights = {name: weight / total for name, weight in weights.items()}
        self._in_stage = {name: 0 if begin else self._in_stage.get(name, 0) for name in weights}

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
        return make_batch(rows, self.streams[names[0]].sequence_length), names


def make_batch(rows: Sequence[Row], sequence_length: int | None = None) -> Batch:
    """Turn rows of token ids and document numbers into a batch; targets never cross documents.

    Args:
        rows: of up to sequence_length + 1 tokens each.
        sequence_length: shorter rows are padded to it; left out: all rows are equally long.
    """
    wanted = sequence_length + 1 if sequence_length else len(rows[0][0])
    padded = lambda row, filler: np.pad(row, (0, wanted - len(row)), constant_values=filler)
    tokens = torch.from_numpy(np.stack([padded(row[0], 0) for row in rows]))
    documents = torch.from_numpy(np.stack([padded(row[1], PADDING) for row in rows]))
    ignored = (documents[:, 1:] != documents[:, :-1]) | (documents[:, 1:] == PADDING)
    targets = tokens[:, 1:].masked_fill(ignored, IGNORE_INDEX)
    document_ids = documents[:, :-1].contiguous()
    index = torch.arange(document_ids.shape[1]).expand_as(document_ids)
    starts = torch.ones_like(document_ids, dtype=torch.bool)
    starts[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    positions = index - torch.where(starts, index, 0).cummax(dim=1).values
    return Batch(tokens[:, :-1].contiguous(), targets.contiguous(), positions, document_ids)
