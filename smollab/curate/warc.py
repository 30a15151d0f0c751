"""Read WARC and WET files that may be broken, in bounded memory, and say what was wrong with them.

A WARC file is a row of records, usually one gzip member each. Files met in practice are cut off, have flipped
bits, or lie about lengths. So the file is taken apart in two layers that can each find their feet again:

- `compressed.unpack` unpacks members; after a corrupt one it looks for the next place where a member starts
  and unpacks to something that looks like WARC;
- `RecordSplitter` cuts the unpacked bytes into records by `Content-Length`, and when a length is wrong, by
  the next line that starts a record.

Each record is then parsed by fastwarc. Everything odd is counted in a `Problems` counter, never raised.

**Source**: ISO 28500:2017 (WARC 1.1).
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord

from smollab.curate.compressed import CHUNK_BYTES, Problems, unpack

__all__ = ["MAXIMUM_RECORD_BYTES", "RecordSplitter", "WebRecord", "read_warc", "split_records"]

MAXIMUM_RECORD_BYTES = 64 * 2**20
"""Larger records are skipped, before or after their HTTP content encoding is undone; CommonCrawl cuts payloads at
1 MiB (5 MiB since 2025)."""
MAXIMUM_HEADER_BYTES = 64 * 2**10
RECORD_BREAK = b"\r\n\r\nWARC/1."

_CONTENT_LENGTH = re.compile(rb"(?im)^(content-length:[ \t]*)(\d{1,18})[ \t]*\r?$")
_BLANKS = re.compile(rb"[\r\n]*")
_TYPE = re.compile(rb"(?im)^warc-type:[ \t]*(\w+)")


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
    truncated: str = ""
    """Why the crawler cut the body off (WARC-Truncated); empty if it did not, or does not say."""
    declared_length: int = -1
    """Bytes of the body that the server announced; -1 where it did not, or announced packed bytes."""
    detected_type: str = ""
    """Media type that the crawler saw in the first bytes (WARC-Identified-Payload-Type); empty if unknown."""
    offset: int = -1
    """Byte of the file where the record, or the gzip member that holds it, starts; -1 where unknown (zstd)."""


def read_warc(stream: BinaryIO, problems: Problems, types: tuple[str, ...] = ("response",)) -> Iterator[WebRecord]:
    """Yield the records of the given types that can be read.

    Args:
        stream: an open WARC or WET file, plain, gzip or zstd.
        problems: counts what was wrong.
        types: WARC record types to yield: `response` for pages, `conversion` for WET.

    Raises:
        OSError: the stream itself cannot be read.
    """
    wanted = {name.encode() for name in types}
    for offset, raw in split_records(stream, problems):
        kind = _TYPE.search(raw, 0, 4096)
        if kind is None or kind[1].lower() not in wanted:
            continue
        record = _parse(raw, offset, problems)
        if record is not None:
            yield record


def split_records(stream: BinaryIO, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of one record after the other, headers included."""
    splitter = RecordSplitter(problems)
    for piece in unpack(stream, problems, _starts_record):
        if piece.kind == "plain" and piece.offset == 0 and not _starts_record(piece.data):
            problems["not a WARC file"] += 1
            return
        if piece.end == "broken":
            splitter.discard()
        elif piece.end:
            yield from splitter.flush()
        else:
            yield from splitter.feed(piece.data, piece.offset, addressable=piece.kind == "plain")
    yield from splitter.flush()


def _starts_record(opening: bytes) -> bool:
    return opening.lstrip().startswith(b"WARC/")


class RecordSplitter:
    """Cuts a stream of unpacked WARC bytes into records; holds no more than one record and a piece."""

    def __init__(self, problems: Problems):
        self.problems = problems
        self._buffer = bytearray()
        self._to_skip = 0
        self._searched = 0  # bytes of the buffer in which the end of a record was looked for in vain
        self._origin = 0
        self._addressable = False

    def feed(self, piece: bytes, offset: int = 0, addressable: bool = False) -> Iterator[tuple[int, bytes]]:
        """Take more bytes and yield the records that are complete.

        Args:
            piece: unpacked bytes.
            offset: of the piece in a plain file, else of the member that it comes from.
            addressable: whether each byte of the piece has an offset of its own.
        """
        if self._to_skip:
            skipped = min(self._to_skip, len(piece))
            self._to_skip -= skipped
            piece = piece[skipped:]
            offset += skipped if addressable else 0
        if not self._buffer:
            self._origin = offset
        self._addressable = addressable
        self._buffer += piece
        yield from self._cut_all(final=False)

    def flush(self) -> Iterator[tuple[int, bytes]]:
        """Yield what is left at the end of a file or a gzip member."""
        yield from self._cut_all(final=True)
        if self._to_skip:
            self.problems["wrong Content-Length"] += 1
        self.discard()

    def discard(self) -> None:
        """Forget what is left of a record that broke off: half a page would pass for a whole one."""
        self._buffer.clear()
        self._to_skip = self._searched = 0

    def _cut_all(self, final: bool) -> Iterator[tuple[int, bytes]]:
        position = 0
        while (cut := self._cut(position, final)) is not None:
            start, record, position = cut
            self._searched = 0
            if record:
                yield self._origin + (start if self._addressable else 0), record
        del self._buffer[:position]
        self._searched = max(0, self._searched - position)
        if self._addressable:
            self._origin += position

    def _cut(self, position: int, final: bool) -> tuple[int, bytes, int] | None:
        """Return where the record at a position starts, the record, and where the next one starts.

        The record is empty when there is something else to pass over; None when bytes are missing.
        """
        buffer = self._buffer
        start = _BLANKS.match(buffer, position).end()  # type: ignore[union-attr]  # matches nothing at least
        if start == len(buffer):
            return (start, b"", start) if start > position else None
        position = start
        if not buffer.startswith(b"WARC/", position):
            return self._pass_over(position, final, "bytes that belong to no record")
        body = buffer.find(b"\r\n\r\n", position, position + MAXIMUM_HEADER_BYTES) + 4
        if body < 4:
            if not final and len(buffer) - position < MAXIMUM_HEADER_BYTES:
                return None
            return self._pass_over(position + 1, final, "record cut off in its header")
        declared = _CONTENT_LENGTH.search(buffer, position, body)
        length = int(declared[2]) if declared else 0
        end = body + length
        if length > MAXIMUM_RECORD_BYTES:
            self.problems[f"record above {MAXIMUM_RECORD_BYTES >> 20} MiB"] += 1
            self._to_skip = max(0, end - len(buffer))
            return position, b"", min(end, len(buffer))
        if end <= len(buffer) and buffer[end : end + 4] in (b"\r\n\r\n", b"") and (final or end + 4 <= len(buffer)):
            return position, bytes(buffer[position:end]), end
        return self._cut_by_next_record(position, body, end, final)

    def _pass_over(self, position: int, final: bool, why: str) -> tuple[int, bytes, int] | None:
        """Go to the next record, or as far as none can have been missed."""
        buffer = self._buffer
        start = buffer.find(b"WARC/1.", position)
        if start < 0 and not final:
            if len(buffer) - position < CHUNK_BYTES:
                return None
            start = len(buffer) - 8
        else:
            self.problems[why] += 1
        return (position, b"", start) if start >= 0 else None

    def _cut_by_next_record(self, position: int, body: int, end: int, final: bool) -> tuple[int, bytes, int] | None:
        """Cut a record whose length is wrong, or wait when it may only be incomplete."""
        buffer = self._buffer
        if not final and end + 4 > len(buffer):
            return None
        next_ = buffer.find(RECORD_BREAK, max(body, self._searched))
        if next_ < 0 and not final:
            self._searched = max(body, len(buffer) - len(RECORD_BREAK))
            if len(buffer) - body <= MAXIMUM_RECORD_BYTES:
                return None
            self.problems[f"record above {MAXIMUM_RECORD_BYTES >> 20} MiB"] += 1
            return position, b"", len(buffer) - len(RECORD_BREAK)
        true_end = next_ if next_ >= 0 else len(buffer)
        if buffer.endswith(b"\r\n\r\n", body, true_end):
            true_end -= 4
        self.problems["wrong Content-Length"] += 1
        header = _CONTENT_LENGTH.sub(rb"\g<1>%d\r" % (true_end - body), bytes(buffer[position:body]), count=1)
        return position, header + bytes(buffer[body:true_end]), true_end


def _parse(raw: bytes, offset: int, problems: Problems) -> WebRecord | None:
    try:
        for record in ArchiveIterator(io.BytesIO(raw), parse_http=True, auto_decode="all"):
            return _to_web_record(record, offset, problems)
    except (OSError, ValueError):
        pass
    problems["record that cannot be parsed"] += 1
    return None


def _to_web_record(record: WarcRecord, offset: int, problems: Problems) -> WebRecord | None:
    headers, http = record.headers, record.http_headers
    content_type = record.http_content_type or headers.get("Content-Type") or ""
    body = record.reader.read(MAXIMUM_RECORD_BYTES + 1)
    if len(body) > MAXIMUM_RECORD_BYTES:
        problems[f"record that unpacks to more than {MAXIMUM_RECORD_BYTES >> 20} MiB"] += 1
        return None
    return WebRecord(
        url=(headers.get("WARC-Target-URI") or "").strip("<>"),
        date=headers.get("WARC-Date") or "",
        status=(http.status_code or 0) if http is not None else 200,
        content_type=content_type.partition(";")[0].strip().lower(),
        charset=record.http_charset or "",
        body=body,
        record_id=record.record_id or "",
        truncated=(headers.get("WARC-Truncated") or "").strip().lower(),
        declared_length=_declared_length(http),
        detected_type=(headers.get("WARC-Identified-Payload-Type") or "").strip().lower(),
        offset=offset,
    )


def _declared_length(http: Any) -> int:
    """CommonCrawl writes the length as stored, and that which the server gave as `X-Crawl-Content-Length`."""
    if http is None or http.get("X-Crawl-Content-Encoding") or http.get("Content-Encoding"):
        return -1
    value = (http.get("X-Crawl-Content-Length") or http.get("Content-Length") or "").strip()
    return int(value[:18]) if value.isdecimal() else -1
