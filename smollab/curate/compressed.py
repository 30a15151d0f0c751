"""Unpack gzip and zstd files that may be broken or hostile, in bounded memory; plain files pass through.

A gzip file is a row of *members*, in a WARC file usually one per record. After a corrupt member the search goes on
for the next place where a member starts and unpacks to something of the right kind. What a file is, is told by its
first bytes, not by its name. Everything odd is counted, never raised.

**Source**: RFC 1952 (gzip), RFC 8878 (Zstandard).
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal, NamedTuple

__all__ = ["CHUNK_BYTES", "Piece", "Problems", "read_lines", "unpack"]

CHUNK_BYTES = 64 * 2**10
REMEMBERED_BYTES = 4 * 2**20
"""Of the current member, to search again when it turns out to be corrupt."""
BOMB_BYTES, BOMB_RATIO = 256 * 2**20, 200
"""A member that unpacks to more than this, and to so many times its size, ends the file. Text shrinks 3 to 20 times;
gzip's limit is 1032."""
PROBE_BYTES = 1024
GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + i]) + b"\x2a\x4d\x18" for i in range(16)))
"""Of a frame, and of a frame to be skipped."""

Problems = Counter[str]
"""What was wrong with a file -> how often."""


class Piece(NamedTuple):
    """Some unpacked bytes."""

    offset: int
    """Where the member starts that they come from; of a plain file, where they start; -1 where unknown (zstd)."""
    data: bytes
    kind: Literal["plain", "gzip", "zstd"]
    end: Literal["", "sound", "broken"] = ""
    """Whether a member ends here, and how; such a piece holds no data."""


def unpack(stream: BinaryIO, problems: Problems, begins: Callable[[bytes], bool]) -> Iterator[Piece]:
    """Yield a file's bytes, unpacked, in pieces of at most 1 MiB.

    Args:
        stream: the file, at its start.
        problems: counts what was wrong.
        begins: tells from its first bytes whether unpacked data is of the kind looked for; used to find the way
            back after a corrupt member.

    Raises:
        OSError: the stream itself cannot be read.
    """
    head = stream.read(CHUNK_BYTES)
    while 0 < len(head) < 16 and (more := stream.read(CHUNK_BYTES)):
        head += more
    if not head:
        problems["empty file"] += 1
    elif head.startswith(GZIP_MAGIC[:2]):
        yield from _unpack_gzip(bytearray(head), stream, problems, begins)
    elif head.startswith(ZSTD_MAGICS):
        yield from _unpack_zstd(head, stream, problems)
    else:
        offset = 0
        while head:
            yield Piece(offset, head, "plain")
            offset += len(head)
            head = stream.read(CHUNK_BYTES)


def read_lines(
    stream: BinaryIO, problems: Problems, begins: Callable[[bytes], bool], maximum_bytes: int
) -> Iterator[bytes]:
    """Yield a file's lines, without their ends; longer ones than allowed are counted and skipped.

    A line that a corrupt member tears apart is skipped too.
    """
    line = bytearray()
    skipping = False
    for piece in unpack(stream, problems, begins):
        if piece.end == "broken":
            line.clear()
            skipping = False
            continue
        first, *others = piece.data.split(b"\n")
        if not skipping:
            line += first
        for other in others:
            if skipping or len(line) > maximum_bytes:
                problems[f"line above {maximum_bytes >> 20} MiB"] += 1
            else:
                yield bytes(line)
            line[:] = other
            skipping = False
        if len(line) > maximum_bytes:
            line.clear()
            skipping = True
    if skipping:
        problems[f"line above {maximum_bytes >> 20} MiB"] += 1
    elif line:
        yield bytes(line)


def _unpack_gzip(
    kept: bytearray, stream: BinaryIO, problems: Problems, begins: Callable[[bytes], bool]
) -> Iterator[Piece]:
    """Yield the pieces of a gzip file.

    After a corrupt member the search for the next one starts one byte behind the beginning of the corrupt one,
    because damaged data may have swallowed what follows.
    """
    start = 0  # `kept` holds the compressed bytes from this place of the file on
    while kept or (kept := bytearray(stream.read(CHUNK_BYTES))):
        if not kept.startswith(GZIP_MAGIC[: len(kept)]):
            padding = len(kept) - len(kept.lstrip(b"\0"))
            start += padding
            del kept[:padding]
            if kept and not kept.startswith(GZIP_MAGIC[: len(kept)]):
                problems["garbage between gzip members"] += 1
                start = _find_member(kept, 0, start, stream, begins)
            continue
        unpacker = zlib.decompressobj(wbits=31)
        member, unpacked, pending = start, 0, bytes(kept)
        broken = False
        while not unpacker.eof:
            try:
                data = unpacker.decompress(pending, 16 * CHUNK_BYTES)
            except zlib.error:
                problems["corrupt gzip member"] += 1
                broken = True
                break
            if data:
                unpacked += len(data)
                yield Piece(member, data, "gzip")
                if unpacked > max(BOMB_BYTES, BOMB_RATIO * (start + len(kept) - member)):
                    problems["gzip bomb: the rest of the file is not read"] += 1
                    yield Piece(member, b"", "gzip", "broken")
                    return
            pending = unpacker.unconsumed_tail
            if not pending and not unpacker.eof:
                pending = stream.read(CHUNK_BYTES)
                if not pending:
                    problems["truncated file"] += 1
                    break
                if len(kept) > REMEMBERED_BYTES:
                    start += len(kept)
                    kept.clear()
                kept += pending
        yield Piece(member, b"", "gzip", "sound" if unpacker.eof else "broken")
        if broken:
            start = _find_member(kept, 1, start, stream, begins)
        elif unpacker.eof:
            start += len(kept) - len(unpacker.unused_data)
            kept = bytearray(unpacker.unused_data)
        else:
            return


def _find_member(kept: bytearray, position: int, start: int, stream: BinaryIO, begins: Callable[[bytes], bool]) -> int:
    """Remove what comes before the next member that unpacks to the right kind; empty the bytes if there is none.

    Returns:
        Where in the file the bytes start now.
    """
    while True:
        found = kept.find(GZIP_MAGIC, position)
        enough = found >= 0 and len(kept) - found >= PROBE_BYTES
        if not enough:
            done = found if found >= 0 else max(len(kept) - len(GZIP_MAGIC) + 1, 0)
            more = stream.read(CHUNK_BYTES)
            if more:
                start += done
                del kept[:done]
                kept += more
                position = 0
                continue
            if found < 0:
                start += len(kept)
                kept.clear()
                return start
        try:
            opening = zlib.decompressobj(wbits=31).decompress(bytes(kept[found : found + PROBE_BYTES]), 64)
        except zlib.error:
            opening = b""
        if begins(opening):
            del kept[:found]
            return start + found
        position = found + 1


def _unpack_zstd(head: bytes, stream: BinaryIO, problems: Problems) -> Iterator[Piece]:
    import pyarrow as pa

    source = _Counted(head, stream)
    unpacked, broken = 0, True
    try:
        with pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd") as reader:
            while data := reader.read(CHUNK_BYTES // 4):  # what one reading holds is lost where the data breaks
                unpacked += len(data)
                yield Piece(-1, data, "zstd")
                if unpacked > max(BOMB_BYTES, BOMB_RATIO * source.count):
                    problems["zstd bomb: the rest of the file is not read"] += 1
                    break
            else:
                broken = False
    except OSError as error:
        if source.error is not None:
            raise source.error from None
        truncated = "truncated" in str(error).lower() or "ended" in str(error).lower()
        problems["truncated file" if truncated else "corrupt zstd data: the rest of the file is not read"] += 1
    yield Piece(-1, b"", "zstd", "broken" if broken else "sound")


class _Counted:
    """A file that counts what is read of it, and keeps its own errors apart from those of unpacking."""

    closed = False

    def __init__(self, head: bytes, stream: BinaryIO):
        self._head, self._stream = head, stream
        self.count = 0
        self.error: OSError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data, self._head = (self._head[:size], self._head[size:]) if self._head else (self._stream.read(size), b"")
        except OSError as error:
            self.error = error
            raise
        self.count += len(data)
        return data

    def tell(self) -> int:
        return self.count

    def close(self) -> None:
        self.closed = True
