"""Token shards: what a source looks like to the training loop.

A shard is a folder of four files:

    tokens.bin      token ids, little-endian uint16 (uint32 where the vocabulary needs it)
    documents.bin   where each document starts, little-endian int64, and at last the number of tokens
    checksums.bin   xxh3-64, little-endian uint64, of each MiB of tokens.bin, and at last of documents.bin
    header.json     dtype, counts, hash of the tokenizer, checksum, number of text bytes

The arrays are memory-mapped: opening a shard of any size is instant and costs no memory. A torn or short shard is seen
when it is opened. A changed byte is found before it is trained on: in shards of up to `VERIFIED_AT_OPEN` bytes before
training begins; in larger ones, of which a single reading would take minutes, when its MiB is read for the first time.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xxhash

PIECE = 2**20
"""Bytes under one checksum."""
VERIFIED_AT_OPEN = 2**28
"""Bytes of tokens; read in about a tenth of a second from memory, in half a second from a local disk."""


class ShardError(ValueError):
    """A shard that is torn, short or changed; the message names the file and the way out."""


@dataclass(frozen=True, kw_only=True)
class ShardHeader:
    """What header.json holds."""

    dtype: str
    num_tokens: int
    num_documents: int
    num_bytes: int
    """UTF-8 bytes of the text: the denominator of bits per byte."""
    tokenizer_hash: str
    checksum: str
    """xxh3-128 of tokens.bin and then documents.bin."""


class TokenShard:
    """A shard opened for reading.

    Raises:
        ShardError: a file is missing or its size is not what the header says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.header = ShardHeader(**json.loads((folder / "header.json").read_text(encoding="utf-8")))
            path, dtype = folder / "tokens.bin", self.header.dtype
            # An empty file cannot be mapped.
            self.tokens = np.memmap(path, dtype, mode="r") if path.stat().st_size else np.empty(0, dtype)
            self.starts = np.memmap(folder / "documents.bin", "<i8", mode="r")
        except (OSError, ValueError, TypeError) as error:
            raise ShardError(f"{folder}: not a token shard ({error}); delete it and run `smollab tokenize`") from None
        if len(self.tokens) != self.header.num_tokens or len(self.starts) != self.header.num_documents + 1:
            raise ShardError(f"{folder}: shorter or longer than its header says; delete it and run `smollab tokenize`")
        if self.starts[0] != 0 or self.starts[-1] != self.header.num_tokens:
            raise ShardError(f"{folder}: documents.bin is of other tokens; delete it and run `smollab tokenize`")
        self._checksums: np.ndarray | None = None
        self._unverified = np.zeros(0, dtype=bool)

    def __len__(self) -> int:
        """Documents."""
        return self.header.num_documents

    def document(self, index: int) -> np.ndarray:
        """Token ids of one document.

        Raises:
            ShardError: they are not what was written (only found here after `verify_when_read`).
        """
        start, stop = int(self.starts[index]), int(self.starts[index + 1])
        if self._checksums is not None:
            width = self.tokens.itemsize
            for piece in range(start * width // PIECE, -(-stop * width // PIECE)):
                if self._unverified[piece]:
                    self._verify_piece(piece)
        return self.tokens[start:stop]

    def check(self) -> None:
        """Verify all at once, or large shards as they are read.

        Raises:
            ShardError: the tokens, or where documents start, are not what was written.
        """
        if self.tokens.nbytes <= VERIFIED_AT_OPEN:
            self.verify()
        else:
            self.verify_when_read()

    def verify(self) -> None:
        """Read everything and compare the checksum.

        Raises:
            ShardError: the tokens, or where documents start, are not what was written.
        """
        checksum = xxhash.xxh3_128(self.tokens.data)
        checksum.update(self.starts.data)
        if checksum.hexdigest() != self.header.checksum:
            raise ShardError(f"{self.folder}: checksum differs; delete it and run `smollab tokenize`")

    def verify_when_read(self) -> None:
        """From now on compare the checksum of each MiB when a document in it is first read.

        Raises:
            ShardError: where documents start is not what was written, or there are no checksums by the MiB.
        """
        path = self.folder / "checksums.bin"
        checksums = np.fromfile(path, dtype="<u8") if path.exists() else np.empty(0, dtype="<u8")
        if len(checksums) != -(-self.tokens.nbytes // PIECE) + 1 or _checksum(self.starts.data) != checksums[-1]:
            raise ShardError(f"{path}: missing, or documents.bin has changed; delete the shard and tokenize again")
        self._checksums, self._unverified = checksums, np.ones(len(checksums) - 1, dtype=bool)

    def _verify_piece(self, piece: int) -> None:
        assert self._checksums is not None
        if _checksum(self.tokens.view(np.uint8)[piece * PIECE : (piece + 1) * PIECE].data) != self._checksums[piece]:
            raise ShardError(
                f"{self.folder}/tokens.bin: checksum of MiB {piece} differs; delete it and run `smollab tokenize`"
            )
        self._unverified[piece] = False


def _checksum(data: memoryview) -> int:
    return xxhash.xxh3_64_intdigest(data)


def write_shard(
    folder: Path, documents: Iterable[tuple[list[int], int]], vocab_size: int, tokenizer_hash: str
) -> ShardHeader:
    """Write tokenized documents; the header comes last, so that a killed write is never taken for a shard.

    Args:
        folder: made if missing; an older shard there is replaced.
        documents: token ids of each document and the UTF-8 bytes of its text.
        vocab_size: decides between 2 and 4 bytes a token.
        tokenizer_hash: stored, so that a shard is never read with another tokenizer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "header.json").unlink(missing_ok=True)
    dtype = np.dtype("<u2" if vocab_size <= 2**16 else "<u4")
    starts, num_bytes = [0], 0
    checksum, pieces = xxhash.xxh3_128(), _PieceChecksums()
    with (folder / "tokens.bin").open("wb") as file:
        for tokens, text_bytes in documents:
            data = np.asarray(tokens, dtype=dtype).tobytes()
            checksum.update(data)
            pieces.update(data)
            file.write(data)
            starts.append(starts[-1] + len(tokens))
            num_bytes += text_bytes
    offsets = np.asarray(starts, dtype="<i8")
    checksum.update(offsets.data)
    offsets.tofile(folder / "documents.bin")
    np.asarray([*pieces.finish(), _checksum(offsets.data)], dtype="<u8").tofile(folder / "checksums.bin")
    header = ShardHeader(
        dtype=dtype.str,
        num_tokens=starts[-1],
        num_documents=len(starts) - 1,
        num_bytes=num_bytes,
        tokenizer_hash=tokenizer_hash,
        checksum=checksum.hexdigest(),
    )
    (folder / "header.json").write_text(json.dumps(asdict(header), indent=2) + "\n", encoding="utf-8")
    return header


class _PieceChecksums:
    """Checksums of each MiB of what is written."""

    def __init__(self) -> None:
        self._done: list[int] = []
        self._now, self._room = xxhash.xxh3_64(), PIECE

    def update(self, data: bytes) -> None:
        """Go on with what was written."""
        while len(data) >= self._room:
            self._now.update(data[: self._room])
            self._done.append(self._now.intdigest())
            data, self._now, self._room = data[self._room :], xxhash.xxh3_64(), PIECE
        self._now.update(data)
        self._room -= len(data)

    def finish(self) -> list[int]:
        """All of them; the last MiB may not be full."""
        return self._done + ([self._now.intdigest()] if self._room < PIECE else [])
