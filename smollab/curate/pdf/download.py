"""Download one PDF file: bounded, checked while it comes, and continued where an earlier attempt broke off.

What has come is in a file beside the job, with the header of the server's answer; after a cut connection, or a killed
process, only the rest is asked for (`Range`), and only if the file is still the same (`If-Range`). A server that serves
no parts is asked for the whole file once more.

**Source**: RFC 9110, sections 13.1.5 (If-Range) and 14 (range requests).
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from smollab.curate.fetch import FetchError, LimitedStream, Manner, RangeNotServed, open_url
from smollab.curate.pdf.truncation import HEADER_BYTES, find_truncation, has_header
from smollab.curate.warc import MAXIMUM_HEADER_BYTES, MAXIMUM_RECORD_BYTES

__all__ = ["MAXIMUM_PDF_BYTES", "Answer", "download_pdf"]

MAXIMUM_PDF_BYTES = MAXIMUM_RECORD_BYTES - 2 * MAXIMUM_HEADER_BYTES
"""More would not be read from a WARC file again."""
MAXIMUM_DURATION_S = 600.0
"""Longest time spent waiting for one file (FinePDFs: 10 minutes); seconds."""
STARTS = 2
"""How often a file is asked for from its beginning."""
HOPELESS_TYPES = ("image/", "video/", "audio/", "font/")
"""Media types that no server gives a PDF file by mistake; others do not keep us from looking at the first bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave: the header of its answer, and the file."""

    url: str
    """After all redirects."""
    status: int
    """200, or 304: the copy that was asked about is still the one."""
    reason: str
    headers: list[tuple[str, str]]
    sent: list[tuple[str, str]]
    """Header fields of the request."""
    address: str
    """IP address of the server."""
    resumed: bool = False
    """Whether the file came in parts, over several processes."""
    body: bytes = field(default=b"", repr=False)
    """With the content encoding undone."""

    def header(self, name: str) -> str:
        """Return the value of a header field; empty if it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def validator(self) -> str:
        """What tells this state of the file from others, byte for byte; empty if there is nothing."""
        value = self.header("ETag") or self.header("Last-Modified")
        return "" if value.startswith("W/") else value


def download_pdf(url: str, partial: Path, manner: Manner) -> Answer:
    """Fetch a PDF file.

    Args:
        url: http:// or https://.
        partial: where to keep what has come; gone at the end, unless it can be continued another day.
        manner: how to ask; its limits are replaced by those of PDF files.

    Raises:
        FetchError: it cannot, must not, or cannot now be fetched, or is not a PDF file.
    """
    manner = replace(manner, maximum_bytes=MAXIMUM_PDF_BYTES, maximum_duration_s=MAXIMUM_DURATION_S)
    partial.parent.mkdir(parents=True, exist_ok=True)
    keep = False
    try:
        for start in range(STARTS):
            try:
                return _finish(_fetch(url, partial, manner), partial)
            except FetchError as error:
                if error.reason not in (RangeNotServed.reason, "connection broke"):
                    raise
                # A wrong Content-Length looks like a broken connection; the file itself shows that it is whole.
                answer = _load(partial)
                if answer and not find_truncation(partial.read_bytes()):
                    return _finish(answer, partial)
                if not isinstance(error, RangeNotServed) or start + 1 == STARTS:
                    raise FetchError.of(str(error), "connection broke", passing=True) from None
                _remove(partial)
        raise AssertionError("unreachable")
    except FetchError as error:
        keep = error.passing
        raise
    except BaseException:
        keep = True  # stopped from outside
        raise
    finally:
        if not keep:
            _remove(partial)


def _fetch(url: str, partial: Path, manner: Manner) -> Answer:
    """Bring the file on disk to its end."""
    known = _load(partial)
    if known is not None and known.validator:
        first, same = partial.stat().st_size, known.validator
        if known.header("Content-Length") == str(first):
            return known
    else:
        known, first, same = None, 0, ""
    with open_url(url, first=first, same=same, manner=manner) as stream:
        answer = known and replace(known, resumed=True)
        if answer is None:
            answer = _begin(stream)
            if answer.status == 304:
                return answer
            partial.unlink(missing_ok=True)
            _state(partial).write_text(json.dumps(asdict(replace(answer, body=b"")) | {"body": ""}), encoding="utf-8")
        with partial.open("ab", buffering=0) as file:
            opening = b"" if first == 0 else None
            while data := stream.read(2**16):
                file.write(data)
                if file.tell() > MAXIMUM_PDF_BYTES:
                    raise _too_large(url)
                if opening is not None and not answer.header("Content-Encoding"):
                    opening += data
                    if len(opening) >= HEADER_BYTES:
                        _check_opening(url, opening, answer)
                        opening = None
    return answer


def _begin(stream: LimitedStream) -> Answer:
    """Look at the header before anything else is read.

    Raises:
        FetchError: it announces what we do not want.
    """
    given = stream.answer
    url, response = given.url, given.response
    answer = Answer(
        url, response.status, response.reason, list(response.headers.items()), list(given.sent.items()), given.address
    )
    if response.status == 304 and ("If-None-Match" in given.sent or "If-Modified-Since" in given.sent):
        return answer
    if response.status != 200:
        raise FetchError.of(f"{url}: the server answered {response.status}", f"HTTP {response.status}")
    if stream.size is not None and stream.size > MAXIMUM_PDF_BYTES:
        raise _too_large(url)
    type_ = answer.header("Content-Type").partition(";")[0].strip().lower()
    if type_.startswith(HOPELESS_TYPES):
        raise FetchError.of(f"{url}: is of type {type_}", "not a PDF")
    return answer


def _finish(answer: Answer, partial: Path) -> Answer:
    """Take the file from disk and check it once more."""
    if answer.status == 304:
        return answer
    body = partial.read_bytes() if partial.exists() else b""
    coding = answer.header("Content-Encoding").strip().lower()
    if coding not in ("", "identity"):
        body = _decode(answer.url, body, coding)
    _check_opening(answer.url, body, answer)
    return replace(answer, body=body)


def _check_opening(url: str, opening: bytes, answer: Answer) -> None:
    if not has_header(opening):
        type_ = answer.header("Content-Type").partition(";")[0].strip().lower() or "no type"
        what = "HTML instead of a PDF" if b"<html" in opening[:HEADER_BYTES].lower() else "not a PDF"
        raise FetchError.of(f"{url}: {what} ({type_}), begins with {opening[:16]!r}", what)


def _decode(url: str, body: bytes, coding: str) -> bytes:
    """Undo a content encoding that nobody asked for, no further than a file may be large."""
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError.of(f"{url}: unknown content encoding {coding[:40]}", "unknown content encoding")
    decoded = bytearray()
    try:
        while body:
            unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, by their first bytes
            decoded += unpacker.decompress(body, MAXIMUM_PDF_BYTES + 1 - len(decoded))
            if len(decoded) > MAXIMUM_PDF_BYTES:
                raise FetchError.of(f"{url}: unpacks to more than {MAXIMUM_PDF_BYTES >> 20} MiB", "unpacks to too much")
            if not unpacker.eof:
                raise zlib.error("incomplete")
            body = unpacker.unused_data
    except zlib.error as error:
        raise FetchError.of(f"{url}: broken content encoding: {error}", "broken content encoding") from None
    return bytes(decoded)


def _too_large(url: str) -> FetchError:
    return FetchError.of(f"{url}: longer than {MAXIMUM_PDF_BYTES >> 20} MiB", "too large")


def _state(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _load(partial: Path) -> Answer | None:
    """Return the answer whose body the partial file begins; None if there is none that can be trusted."""
    try:
        values: Mapping[str, object] = json.loads(_state(partial).read_text(encoding="utf-8"))
        if not partial.stat().st_size:
            return None
        pairs = {name: [(str(k), str(v)) for k, v in values[name]] for name in ("headers", "sent")}  # type: ignore[attr-defined]
        return Answer(**{**values, **pairs, "body": b""})  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _state(partial).unlink(missing_ok=True)
