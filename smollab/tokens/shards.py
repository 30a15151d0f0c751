"""Token shards: what a source looks like to the training loop.

A shard is a folder of three files:

    tokens.bin      token ids, little-endian uint16 (uint32 where the vocabulary needs it)
    documents.bin   where each document starts, little-endian int64, and at last the number of tokens
    header.json     dtype, counts, hash of the tokenizer, checksum, number of text bytes

The arrays are memory-mapped: opening a shard of any size is instant and costs no memory.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xxhash


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
            self.starts = np.fromfile(folder / "documents.bin", dtype="<i8")
        except (OSError, ValueError, TypeError) as error:
            raise ShardError(f"{folder}: not a token shard ({error}); delete it and run `smollab tokenize`") from None
        if len(self.tokens) != self.header.num_tokens or len(self.starts) != self.header.num_documents + 1:
            raise ShardError(f"{folder}: shorter or longer than its header says; delete it and run `smollab tokenize`")

    def __len__(self) -> int:
        """Documents."""
        return self.header.num_documents

    def document(self, index: int) -> np.ndarray:
        """Token ids of one document."""
        return self.tokens[self.starts[index] : self.starts[index + 1]]

    def verify(self) -> None:
        """Read everything and compare the checksum.

        Raises:
            ShardError: the tokens, or where documents start, are not what was written.
        """
        checksum = xxhash.xxh3_128(self.tokens.data)
        checksum.update(self.starts.data)
        if checksum.hexdigest() != self.header.checksum:
            raise ShardError(f"{self.folder}: checksum differs; delete it and run `smollab tokenize`")


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
    checksum = xxhash.xxh3_128()
    with (folder / "tokens.bin").open("wb") as file:
        for tokens, text_bytes in documents:
            data = np.asarray(tokens, dtype=dtype).tobytes()
            checksum.update(data)
            file.write(data)
            starts.append(starts[-1] + len(tokens))
            num_bytes += text_bytes
    offsets = np.asarray(starts, dtype="<i8")
    checksum.update(offsets.data)
    offsets.tofile(folder / "documents.bin")
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
