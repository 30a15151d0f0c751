"""Streaming: training sequences straight from a data set of the `datasets` library, without token shards on disk.

Documents are read in the order of the data set, tokenized as they come, and shuffled and packed by the block
(`BLOCK_BYTES`), as `stream.py` does. Where the data set stands when a block begins is its own `state_dict`, so a
resumed run reads one block again and none before it.

Every rank reads and tokenizes the whole stream and trains on its rows: the order does not depend on their number, but
the work of reading does not shrink with it either. That is little up to some dozens of ranks; beyond, tokenize first.

Fails when: the data set's files are sorted, by language say. Then a block holds one language, and shards, which are
shuffled as a whole, are needed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from smollab.documents import Document
from smollab.tokens.packing import PackingReport, pack
from smollab.tokens.stream import Row
from smollab.tokens.tokenize import encode

if TYPE_CHECKING:
    from datasets import IterableDataset
    from tokenizers import Tokenizer

BLOCK_BYTES = 2**22
"""Text that is shuffled at one time, about a million tokens; a second or two of tokenizing before the first batch."""
TEXT_COLUMNS = ("text", "content")
"""Columns that a document's text may be in."""


class StreamingError(ValueError):
    """A data set that cannot be streamed; the message names it and the way out."""


class DatasetStream:
    """Sequences from a data set, without end: after its last document it begins anew, in other orders.

    Args:
        address: `hub:NAME[:CONFIG[:SPLIT]]`, or `parquet:PLACE` or `jsonl:PLACE` (a file or a pattern).
        tokenizer: of the model.
        sequence_length: tokens per sequence.
        seed: of the orders within blocks.
        packing: see `smollab.tokens.packing`.

    Raises:
        StreamingError: the data set cannot be opened or read.
    """

    def __init__(
        self,
        address: str,
        tokenizer: "Tokenizer",
        sequence_length: int,
        seed: int,
        packing: Literal["concatenate", "best_fit"] = "concatenate",
    ) -> None:
        self.address, self.sequence_length, self.seed, self.packing = address, sequence_length, seed, packing
        self._tokenizer = tokenizer
        self._start({"epoch": 0, "block": 0, "first": 0, "document": 0, "data": None})

    @property
    def state(self) -> dict[str, Any]:
        """Where the data set stood when the block was begun that the last sequence was in; JSON."""
        return self._begin

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        if state != self._begin:
            self._start(state)

    def sequence(self, index: int) -> Row:
        """Sequence number `index`: token ids and document numbers, up to sequence_length + 1 of both."""
        if index < self._begin["first"]:
            self._start({"epoch": 0, "block": 0, "first": 0, "document": 0, "data": None})
        while index >= self._begin["first"] + len(self._order):
            document = self._begin["document"] + len(self._documents)
            self._read_block(self._begin["first"] + len(self._order), document, self._data.state_dict())
        tokens, documents = [], []
        for piece, start, stop in self._packed.pieces(int(self._order[index - self._begin["first"]])):
            number = int(self._shuffled[piece])
            tokens.append(self._documents[number][start:stop])
            documents.append(np.full(stop - start, self._begin["document"] + number))
        return np.concatenate(tokens), np.concatenate(documents)

    def report(self) -> PackingReport:
        """What packing does to the documents of the present block."""
        return self._packed.report()

    def _start(self, begin: dict[str, Any]) -> None:
        """Open the data set where a block begins, and read the block."""
        self._epoch, self._block, self._epoch_first = begin["epoch"], begin["block"], begin["first"]
        self._data = open_dataset(self.address)
        if begin["data"] is not None:
            self._data.load_state_dict(begin["data"])
        self._rows = iter(self._data)
        self._read_block(begin["first"], begin["document"], begin["data"])

    def _read_block(self, first: int, document: int, data: dict[str, Any] | None) -> None:
        """Read, tokenize and lay out the next block.

        Args:
            first: number of its first sequence.
            document: number of its first document.
            data: state of the data set; None at its beginning.
        """
        documents = self._next_documents()
        if not documents:  # the data set is at its end
            if first == self._epoch_first:
                raise StreamingError(
                    f"{self.address}: its columns `text` or `content` hold too little for one sequence"
                )
            self._epoch, self._block, self._epoch_first, data = self._epoch + 1, 0, first, None
            self._data = open_dataset(self.address)
            self._rows = iter(self._data)
            documents = self._next_documents()
        self._begin = {"epoch": self._epoch, "block": self._block, "first": first, "document": document, "data": data}
        generator = np.random.default_rng([self.seed, self._epoch, self._block])
        self._documents, self._shuffled = documents, generator.permutation(len(documents))
        lengths = np.asarray([len(tokens) for tokens in documents], dtype=np.int64)
        self._packed = pack(self.packing, lengths[self._shuffled], self.sequence_length)
        self._order = generator.permutation(len(self._packed))
        self._block += 1

    def _next_documents(self) -> list[np.ndarray]:
        """Token ids of the documents of a block, or of what is left of the data set."""
        return [np.asarray(tokens, dtype=np.int64) for tokens, _ in encode(self._tokenizer, self._next_texts())]

    def _next_texts(self) -> Iterator[Document]:
        """Documents up to the one that completes a block."""
        num_bytes = 0
        try:
            while num_bytes < BLOCK_BYTES and (row := next(self._rows, None)) is not None:
                text = next((row[name] for name in TEXT_COLUMNS if isinstance(row.get(name), str)), "")
                if text:
                    num_bytes += len(text.encode())
                    yield Document("", text, "")
        except Exception as error:  # the library raises errors of many others
            reason = (str(error).splitlines() or [""])[0]
            raise StreamingError(f"{self.address}: {type(error).__name__}: {reason}") from error


def open_dataset(address: str) -> "IterableDataset":
    """Open a data set for streaming.

    Raises:
        StreamingError: its kind is none that can be streamed, there is no such data set, or no network.
    """
    import datasets

    kind, _, place = address.partition(":")
    name, _, rest = place.partition(":")
    config, _, split = rest.partition(":")
    try:
        if kind == "hub":
            return datasets.load_dataset(name, config or None, split=split or "train", streaming=True)
        if kind in ("parquet", "jsonl"):
            form = "json" if kind == "jsonl" else kind
            return datasets.load_dataset(form, data_files=place, split="train", streaming=True)
    except Exception as error:  # the library raises errors of many others
        reason = (str(error).splitlines() or [""])[0]
        raise StreamingError(f"{address}: {type(error).__name__}: {reason}; check the name and the network") from error
    raise StreamingError(f"{address}: only hub, parquet and jsonl can be streamed; curate and tokenize this source")
