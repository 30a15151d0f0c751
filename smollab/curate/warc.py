"""Read WARC and WET files that may be broken, in bounded memory, and say what was wrong with them.

A WARC file is a row of records, usually one gzip member each. Files met in practice are cut off, have flipped
bits, or lie about lengths. So the file is taken apart in two layers that can each find their feet again:

- `decompress` unpacks gzip members; after a corrupt one it looks for the next place where a member starts
  and unpacks to something that looks like WARC;
- `RecordSplitter` cuts the unpacked bytes into records by `Content-Length`, and when a length is wrong, by
  the next line that starts a record.

Each record is then parsed by fastwarc. Everything odd is counted in a `Problems` counter, never raised.

**Source**: ISO 28500:2017 (WARC 1.1), RFC 1952 (gzip).
"""

import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord

MAXIMUM_RECORD_BYTES = 64 * 2**20
"""Larger records are skipped; CommonCrawl cuts payloads at 1 MiB (5 MiB since 2025)."""
CHUNK_BYTES = 64 * 2**10
REMEMBERED_BYTES = 4 * 2**20
"""Of the current member, to search again when it turns out to be corrupt."""
GZIP_MAGIC = b"\x1f\x8b\x08"
RECORD_BREAK = b"\r\n\r\nWARC/1."

_CONTENT_LENGTH = re.compile(rb"(?im)^(content-length:[ \t]*)(\d+)")
_TYPE = re.compile(rb"(?im)^warc-type:[ \t]*(\w+)")

Problems = Counter[str]
"""What was wrong with a file -> how often."""


@dataclass(frozen=True, slots=True)
class WebRecord:
    """One fetched page, or the plain text of one (WET)."""

    url: str
    date: str
    status: int
    content_type: str
    """Media type without parameters, lower case."""
    charset: str
    """As declared in the HTTP header, or empty."""
    body: bytes
    record_id: str


def read_warc(stream: BinaryIO, problems: Problems, types: tuple[str, ...] = ("response",)) -> Iterator[WebRecord]:
    """Yield the records of the given types that can be read.

    Args:
        stream: an open WARC or WET file, plain or gzip.
        problems: counts what was wrong.
        types: WARC record types to yield: `response` for pages, `conversion` for WET.
    """
    wanted = {name.encode() for name in types}
    for raw in split_records(stream, problems):
        kind = _TYPE.search(raw, 0, 4096)
        if kind is None or kind[1].lower() not in wanted:
            continue
        record = _parse(raw, problems)
        if record is not None:
            yield record


def split_records(stream: BinaryIO, problems: Problems) -> Iterator[bytes]:
    """Yield the bytes of one record after the other, headers included."""
    head = stream.read(CHUNK_BYTES)
    if not head:
        problems["empty file"] += 1
        return
    splitter = RecordSplitter(problems)
    if head.startswith(GZIP_MAGIC[:2]):
        for piece in decompress(head, stream, problems):
            if piece is None:
                splitter.discard()
            else:
                yield from splitter.feed(piece) if piece else splitter.flush()
    elif head.lstrip().startswith(b"WARC/"):
        while head:
            yield from splitter.feed(head)
            head = stream.read(CHUNK_BYTES)
    else:
        problems["not a WARC file"] += 1
        return
    yield from splitter.flush()


def decompress(head: bytes, stream: BinaryIO, problems: Problems) -> Iterator[bytes | None]:
    """Yield unpacked pieces of a gzip file; `b""` where a member ends, None where one breaks off.

    After a corrupt member the search for the next one starts one byte behind the beginning of the corrupt
    one, because damaged data may have swallowed what follows.
    """
    member = bytearray(head)  # compressed bytes from the start of the current member
    while member or (member := bytearray(stream.read(CHUNK_BYTES))):
        unpacker = zlib.decompressobj(wbits=31)
        pending, broken = bytes(member), False
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(pending, 16 * CHUNK_BYTES)
            except zlib.error:
                problems["corrupt gzip member"] += 1
                broken = True
                break
            if piece:
                yield piece
            pending = unpacker.unconsumed_tail
            if not pending and not unpacker.eof:
                pending = stream.read(CHUNK_BYTES)
                if not pending:
                    problems["truncated file"] += 1
                    break
                if len(member) > REMEMBERED_BYTES:
                    member.clear()
                member += pending
        yield b"" if unpacker.eof else None
        if broken:
            member = bytearray(_find_member(bytes(member[1:]), stream))
        elif unpacker.eof:
            member = bytearray(unpacker.unused_data.lstrip(b"\0"))
            if member and not member.startswith(GZIP_MAGIC[: len(member)]):
                problems["garbage between gzip members"] += 1
                member = bytearray(_find_member(bytes(member), stream))
        else:
            return


def _find_member(data: bytes, stream: BinaryIO) -> bytes:
    """Return the bytes from the next gzip member on that unpacks to WARC; empty at the end of the file."""
    while True:
        start = data.find(GZIP_MAGIC)
        if start >= 0 and len(data) - start < 1024:
            data = data[start:] + stream.read(CHUNK_BYTES)
            start = 0
        if start < 0:
            data = data[-2:] + (more := stream.read(CHUNK_BYTES))
            if not more:
                return b""
            continue
        try:
            opening = zlib.decompressobj(wbits=31).decompress(data[start : start + CHUNK_BYTES], 64)
        except zlib.error:
            opening = b""
        if opening.lstrip().startswith(b"WARC/"):
            return data[start:]
        data = data[start + 1 :]


class RecordSplitter:
    """Cuts a stream of unpacked WARC bytes into records."""

    def __init__(self, problems: Problems):
        self.problems = problems
        self._buffer = bytearray()
        self._to_skip = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take more bytes and yield the records that are complete."""
        if self._to_skip:
            skipped = min(self._to_skip, len(piece))
            self._to_skip -= skipped
            piece = piece[skipped:]
        self._buffer += piece
        position = 0
        while (cut := self._cut(position, final=False)) is not None:
            record, position = cut
            if record:
                yield record
        del self._buffer[:position]

    def flush(self) -> Iterator[bytes]:
        """Yield what is left at the end of a file or a gzip member."""
        position = 0
        while (cut := self._cut(position, final=True)) is not None:
            record, position = cut
            if record:
                yield record
        self._buffer.clear()
        self._to_skip = 0

    def discard(self) -> None:
        """Forget what is left of a record that broke off: half a page would pass for a whole one."""
        self._buffer.clear()
        self._to_skip = 0

    def _cut(self, position: int, final: bool) -> tuple[bytes, int] | None:
        """Return the record at a position and where the next one starts; None when bytes are missing."""
        buffer = self._buffer
        while position < len(buffer) and buffer[position] in b"\r\n":
            position += 1
        if position == len(buffer):
            return None
        if not buffer.startswith(b"WARC/", position):
            start = buffer.find(b"WARC/1.", position)
            if start < 0 and not final:
                return None if len(buffer) - position < CHUNK_BYTES else (b"", len(buffer) - 8)
            self.problems["bytes that belong to no record"] += 1
            return (b"", start) if start >= 0 else None
        body = buffer.find(b"\r\n\r\n", position) + 4
        if body < 4:
            if final:
                self.problems["record cut off in its header"] += 1
            return None
        declared = _CONTENT_LENGTH.search(buffer, position, body)
        length = int(declared[2]) if declared else 0
        if length > MAXIMUM_RECORD_BYTES:
            self.problems[f"record above {MAXIMUM_RECORD_BYTES >> 20} MiB"] += 1
            end = body + length
            self._to_skip = max(0, end - len(buffer))
            return b"", min(end, len(buffer))
        end = body + length
        if end <= len(buffer) and buffer[end : end + 4] in (b"\r\n\r\n", b"") and (final or end + 4 <= len(buffer)):
            return bytes(buffer[position:end]), end
        return self._cut_by_next_record(position, body, end, final)

    def _cut_by_next_record(self, position: int, body: int, end: int, final: bool) -> tuple[bytes, int] | None:
        """Cut a record whose length is wrong, or wait when it may only be incomplete."""
        buffer = self._buffer
        if not final and end + 4 > len(buffer):
            return None
        next_ = buffer.find(RECORD_BREAK, body)
        if next_ < 0 and not final:
            return None
        true_end = next_ if next_ >= 0 else len(buffer)
        if buffer.endswith(b"\r\n\r\n", body, true_end):
            true_end -= 4
        self.problems["wrong Content-Length"] += 1
        header = _CONTENT_LENGTH.sub(rb"\g<1>%d" % (true_end - body), bytes(buffer[position:body]), count=1)
        return header + bytes(buffer[body:true_end]), true_end


def _parse(raw: bytes, problems: Problems) -> WebRecord | None:
    try:
        for record in ArchiveIterator(io.BytesIO(raw), parse_http=True, auto_decode="all"):
            return _to_web_record(record)
    except (OSError, ValueError, UnicodeDecodeError):
        pass
    problems["record that cannot be parsed"] += 1
    return None


def _to_web_record(record: WarcRecord) -> WebRecord:
    headers, http = record.headers, record.http_headers
    content_type = record.http_content_type or headers.get("Content-Type") or ""
    return WebRecord(
        url=(headers.get("WARC-Target-URI") or "").strip("<>"),
        date=headers.get("WARC-Date") or "",
        status=(http.status_code or 0) if http is not None else 200,
        content_type=content_type.partition(";")[0].strip().lower(),
        charset=record.http_charset or "",
        body=record.reader.read(),
        record_id=record.record_id or "",
    )
