"""Open an http(s) address as a stream, and refuse to be led into a private network.

An address in a recipe, in a crawl or in a redirect could point at a machine behind the firewall. So only http and https
are spoken, and only with public addresses (`public_address`); redirects pass through the same door, and are few.

Servers fail. One that is busy (429, 5xx) is asked again, later each time or when it says; a download that breaks off
is continued by a range request, if the file is still the same. Size, silence, speed and total time are limited, also
while the header is still coming.

**Source**: RFC 9110 (HTTP), sections 10.2.3 (Retry-After), 13 (conditional requests), 14 (ranges) and 15.4 (redirects).
"""

import email.utils
import http.client
import io
import re
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

from smollab.curate.public_address import FetchError, HTTPConnection, HTTPSConnection, Patience

__all__ = ["FetchError", "LimitedStream", "Manner", "RangeNotServed", "open_url"]

MAXIMUM_BYTES = 8 * 2**30
"""A CommonCrawl WARC file is about 1 GiB."""
TIMEOUT_S = 30.0
"""Longest silence of the server; seconds."""
HEADER_S = 60.0
"""Longest time until the whole header of an answer is there; seconds."""
MAXIMUM_DURATION_S = 2 * 3600.0
"""Longest time spent waiting for one file; seconds."""
SLOW_S, SLOWEST_RATE = 60.0, 1024.0
"""After so many seconds of waiting, fewer bytes per second are too slow."""
ATTEMPTS = 5
"""In a row without a byte, before a server is given up."""
BACK_OFF_S, LONGEST_BACK_OFF_S = 0.5, 60.0
"""Before the second attempt, doubled before each further one; seconds. A server that asks for a longer pause is given
up for now: asking again before it said so would be rude."""
MAXIMUM_REDIRECTS = 8
USER_AGENT = "smollab (+research corpus builder)"

_BUSY = {429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
T = TypeVar("T")


class RangeNotServed(FetchError):
    """The server gives no part of the file, or the file is another one now."""

    reason = "no range"


class _Busy(Exception):
    """A failure that may pass."""

    def __init__(self, why: str, reason: str, wait_s: float = 0.0):
        super().__init__(why)
        self.reason, self.wait_s = reason, wait_s


def _no_ceremony(url: str) -> None:
    """Ask at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How to ask a server."""

    maximum_bytes: int = MAXIMUM_BYTES
    """Reading past this many bytes is an error."""
    maximum_duration_s: float | None = None
    """Longest time spent waiting for the file; None: `MAXIMUM_DURATION_S`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """To send, beside those that every request has."""
    before: Callable[[str], None] = _no_ceremony
    """Called with each address before it is asked, those of redirects included; may wait, or refuse by `FetchError`."""
    allow_loopback: bool = False
    """Tests fetch from a server on this machine; nothing else may."""


def open_url(
    url: str,
    maximum_bytes: int = MAXIMUM_BYTES,
    first: int = 0,
    length: int | None = None,
    *,
    same: str = "",
    manner: Manner | None = None,
) -> "LimitedStream":
    """Open an http(s) address for reading.

    Args:
        url: http:// or https://.
        maximum_bytes: reading past this many bytes raises `FetchError`.
        first: the first byte wanted.
        length: how many bytes are wanted; None: all that follow.
        same: ETag or Last-Modified of what the part asked for must belong to (If-Range); empty: any.
        manner: how to ask, where that is not said by `maximum_bytes` alone.

    Raises:
        RangeNotServed: a part was asked for and is not served.
        FetchError: another scheme, a private address, a server that does not answer, or answers with an error.
    """
    return LimitedStream(url, manner or Manner(maximum_bytes=maximum_bytes), first, length, same)


@dataclass(slots=True)
class _Answer:
    """The header of what a server sends, and the connection that the rest comes by."""

    url: str
    """After all redirects."""
    response: http.client.HTTPResponse
    address: str
    """IP address of the server."""
    sent: dict[str, str]
    """Header fields of the request."""


def _request(url: str, manner: Manner, first: int, last: int | None, same: str) -> _Answer:
    """Send one request, for a range if it does not begin at zero or has an end.

    Raises:
        FetchError: the address cannot or must not be fetched.
        _Busy: it may be possible later.
    """
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close", **manner.headers}
    if first or last is not None:
        headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        if same:
            headers["If-Range"] = same
    try:
        answer = _follow(url, manner, headers)
    except FetchError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"{url}: cannot be fetched: {error}"
        if isinstance(error, TimeoutError | ConnectionResetError | http.client.RemoteDisconnected):
            raise _Busy(why, "no answer") from None
        # A wrong certificate or address stays wrong; a name or a server may come back.
        unreachable = isinstance(error, OSError) and not isinstance(error, ssl.SSLCertVerificationError)
        raise FetchError.of(why, "unreachable" if unreachable else "cannot be fetched", passing=unreachable) from None
    response = answer.response
    if response.status >= 400 or (response.status == 304 and "Range" in headers):
        response.close()
        why, reason = f"{url}: the server answered {response.status} {response.reason}", f"HTTP {response.status}"
        if response.status in _BUSY:
            raise _Busy(why, reason, _read_retry_after(response.headers.get("Retry-After", "")))
        if response.status == 416:
            raise RangeNotServed(why)
        raise FetchError.of(why, reason)
    if "Range" in headers:
        served = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status != 206 or served is None or int(served[1]) != first:
            response.close()
            raise RangeNotServed(f"{url}: the server does not serve a part of the file, or the file has changed")
    return answer


def _follow(url: str, manner: Manner, headers: dict[str, str]) -> _Answer:
    """Ask, and go where the server says, a few times; what it sends along with a redirect is not read."""
    asked = url
    for _ in range(MAXIMUM_REDIRECTS + 1):
        answer = _ask(asked, manner, headers)
        target = answer.response.headers.get("Location", "")
        if answer.response.status not in _REDIRECTS or not target:
            return answer
        answer.response.close()
        asked = urljoin(asked, target.strip().encode("latin-1").decode("utf-8", "replace"))
    raise FetchError.of(f"{url}: more than {MAXIMUM_REDIRECTS} redirects", "too many redirects")


def _ask(url: str, manner: Manner, headers: dict[str, str]) -> _Answer:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError.of(f"{url}: only http and https addresses can be fetched", "not http")
    manner.before(url)
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    patience = Patience(HEADER_S, TIMEOUT_S)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(host, parts.port or kind.default_port, patience, manner.allow_loopback)
    target = quote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", safe="/%:=&?~+!$,;'@()*[]")
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
    except BaseException:
        connection.close()
        raise
    patience.left_s = MAXIMUM_DURATION_S if manner.maximum_duration_s is None else manner.maximum_duration_s
    return _Answer(url, response, connection.address, {"Host": parts.netloc.rpartition("@")[2], **headers})


def _read_retry_after(value: str) -> float:
    """Return the seconds that a server asks to wait, given as a number or as a date; 0 where it does not."""
    if value.isdecimal():
        return float(value[:9])
    with suppress(ValueError, TypeError):
        when = email.utils.parsedate_to_datetime(value)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


def _insist(attempt: Callable[[], T]) -> T:
    """Try again while the server is busy, later each time.

    Raises:
        FetchError: it stayed busy, or asks for a long pause.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except _Busy as error:
            last = error
            if error.wait_s > LONGEST_BACK_OFF_S:
                why = f"{error}, and asks to be left alone for {error.wait_s:.0f} s; try again after that"
                raise FetchError.of(why, error.reason, passing=True) from None
            if number + 1 < ATTEMPTS:
                time.sleep(max(min(BACK_OFF_S * 2**number, LONGEST_BACK_OFF_S), error.wait_s))
    raise FetchError.of(str(last), last.reason, passing=True)


class LimitedStream(io.RawIOBase):
    """What a server sends; goes on after an interruption, ends with a clear error when too long or too slow."""

    def __init__(self, url: str, manner: Manner, first: int, length: int | None, same: str):
        self._url, self._manner = url, manner
        self._first = first
        self._last = None if length is None else first + length - 1
        self._position = 0
        self._waited = 0.0
        self._failures = 0
        self.answer = _insist(lambda: _request(url, manner, first, self._last, same))
        """The header of the first answer; the status is 200, 206, or 304 if a conditional request was sent."""
        self._response = self.answer.response
        self.headers = self._response.headers
        self.size: int | None = None
        """Bytes that will come; None if the server does not say."""
        served = _CONTENT_RANGE.fullmatch(self.headers.get("Content-Range", ""))
        self.file_size = int(served[3]) if served and served[3] != "*" else None
        """Bytes of the whole file, where only a part was asked for and the server says so."""
        if self._response.status == 304:
            self.size = 0
        elif self.headers.get("Content-Length", "").isdecimal() and not self._response.chunked:
            self.size = int(self.headers["Content-Length"])
        self.validator = self.headers.get("ETag") or self.headers.get("Last-Modified") or ""
        """What tells this state of the file from others, byte for byte (If-Range); empty if the server does not say."""
        if self.validator.startswith("W/"):
            self.validator = ""

    def readable(self) -> bool:
        """Streams can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read what the server has sent, up to the size of the buffer; 0 at the end.

        Raises:
            FetchError: too long, too slow, or broken off for good.
        """
        while True:
            self._check_speed()
            begin = time.monotonic()
            try:
                data = self._response.read1(min(len(buffer), self._manner.maximum_bytes - self._position + 1))
                if not data and self.size is not None and self._position < self.size:
                    raise http.client.IncompleteRead(b"", self.size - self._position)
                break
            except (OSError, http.client.HTTPException) as error:
                self._continue(error)
            finally:
                self._waited += time.monotonic() - begin
        self._failures = 0 if data else self._failures
        self._position += len(data)
        if self._position > self._manner.maximum_bytes:
            raise FetchError.of(f"{self._url}: longer than the limit; raise it or fetch the file yourself", "too large")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        super().close()

    def _check_speed(self) -> None:
        limit = self._manner.maximum_duration_s
        limit = MAXIMUM_DURATION_S if limit is None else limit
        if self._waited > limit:
            raise FetchError.of(f"{self._url}: not finished after {limit:.0f} s", "too slow")
        if self._waited > SLOW_S and self._position < SLOWEST_RATE * self._waited:
            why = f"{self._url}: too slow, {self._position} bytes in {self._waited:.0f} s"
            raise FetchError.of(why, "too slow")

    def _continue(self, error: Exception) -> None:
        """Ask for the rest after the connection broke.

        Raises:
            FetchError: the server gives no rest, or nothing came any more.
        """
        why = f"{self._url}: the connection broke after {self._position} bytes"
        self._failures += 1
        self._response.close()
        if self._failures >= ATTEMPTS:
            raise FetchError.of(f"{why}, {ATTEMPTS} times in a row: {error}", "connection broke", passing=True)
        time.sleep(min(BACK_OFF_S * 2 ** (self._failures - 1), LONGEST_BACK_OFF_S))
        if self._position and not self.validator:
            raise RangeNotServed(f"{why}, and the server does not say whether the rest would belong to the same file")
        first = self._first + self._position
        try:
            self._response = _insist(
                lambda: _request(self._url, self._manner, first, self._last, self.validator)
            ).response
        except FetchError as second:
            second.args = (f"{why}, and cannot be continued: {str(second).removeprefix(self._url + ': ')}",)
            raise
