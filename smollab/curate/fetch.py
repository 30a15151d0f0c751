"""Open an http(s) address as a stream, and refuse to be led into a private network.

An address in a recipe, or a redirect, could point at a machine behind the firewall. So only http and https
are spoken; the name is resolved once, every address it resolves to must be public, and the connection goes to
that very address (checking first and connecting later would let the name change in between); redirects pass
through the same door.

Servers fail. One that is busy (429, 5xx) is asked again, later each time or when it says; a download that breaks off
is continued by a range request, if the file is still the same. Size, silence, speed and total time are limited.
"""

import http.client
import io
import ipaddress
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

MAXIMUM_BYTES = 8 * 2**30
"""A CommonCrawl WARC file is about 1 GiB."""
TIMEOUT_S = 30.0
"""Longest silence of the server; seconds."""
MAXIMUM_DURATION_S = 2 * 3600.0
"""Longest time spent waiting for one file; seconds."""
SLOW_S, SLOWEST_RATE = 60.0, 1024.0
"""After so many seconds of waiting, fewer bytes per second are too slow."""
ATTEMPTS = 5
"""In a row without a byte, before a server is given up."""
BACK_OFF_S, LONGEST_BACK_OFF_S = 0.5, 60.0
"""Before the second attempt, doubled before each further one; seconds."""
ALLOW_LOOPBACK = "SMOLLAB_ALLOW_LOOPBACK"
"""Environment variable; `1` lets tests fetch from a server on this machine."""
USER_AGENT = "smollab (+research corpus builder)"

_BUSY = {429, 500, 502, 503, 504}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
T = TypeVar("T")


class FetchError(OSError):
    """An address that cannot or must not be fetched."""


class _Busy(Exception):
    """A failure that may pass."""

    def __init__(self, why: str, wait_s: float = 0.0):
        super().__init__(why)
        self.wait_s = wait_s


def open_url(
    url: str, maximum_bytes: int = MAXIMUM_BYTES, first: int = 0, length: int | None = None
) -> "LimitedStream":
    """Open an http(s) address for reading.

    Args:
        url: http:// or https://.
        maximum_bytes: reading past this many bytes raises `FetchError`.
        first: the first byte wanted.
        length: how many bytes are wanted; None: all that follow.

    Raises:
        FetchError: another scheme, a private address, a server that does not answer, answers with an error, or
            does not serve the range asked for.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise FetchError(f"{url}: only http and https addresses can be fetched")
    return LimitedStream(url, maximum_bytes, first, length)


def _request(url: str, first: int, last: int | None, same: str) -> http.client.HTTPResponse:
    """Send one request, for a range if it does not begin at zero or has an end.

    Raises:
        FetchError: the address cannot or must not be fetched.
        _Busy: it may be possible later.
    """
    headers = {"User-Agent": USER_AGENT}
    if first or last is not None:
        headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        if same:
            headers["If-Range"] = same
    try:
        response = _OPENER.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        answer = f"{url}: the server answered {error.code} {error.reason}"
        if error.code in _BUSY:
            wait = error.headers.get("Retry-After", "")
            raise _Busy(answer, float(wait) if wait.isdecimal() else 0.0) from None
        raise FetchError(answer) from None
    except FetchError:
        raise
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FetchError):
            raise reason from None
        answer = f"{url}: cannot be fetched: {reason}"
        if isinstance(reason, TimeoutError | ConnectionResetError | http.client.RemoteDisconnected):
            raise _Busy(answer) from None
        raise FetchError(answer) from None
    if "Range" in headers:
        served = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status != 206 or served is None or int(served[1]) != first:
            response.close()
            raise FetchError(f"{url}: the server does not serve a part of the file, or the file has changed")
    return response


def _insist(attempt: Callable[[], T]) -> T:
    """Try again while the server is busy, later each time.

    Raises:
        FetchError: it stayed busy.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except _Busy as error:
            last = error
            if number + 1 < ATTEMPTS:
                time.sleep(min(max(BACK_OFF_S * 2**number, error.wait_s), LONGEST_BACK_OFF_S))
    raise FetchError(str(last))


class LimitedStream(io.RawIOBase):
    """What a server sends; goes on after an interruption, ends with a clear error when too long or too slow."""

    def __init__(self, url: str, maximum_bytes: int, first: int, length: int | None):
        self._url = url
        self._maximum = maximum_bytes
        self._first = first
        self._last = None if length is None else first + length - 1
        self._position = 0
        self._waited = 0.0
        self._failures = 0
        self._response = _insist(lambda: _request(url, first, self._last, ""))
        headers = self._response.headers
        self.size: int | None = None
        """Bytes that will come; None if the server does not say."""
        served = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        self.file_size = int(served[3]) if served and served[3] != "*" else None
        """Bytes of the whole file, where only a part was asked for and the server says so."""
        if headers.get("Content-Length", "").isdecimal() and not self._response.chunked:
            self.size = int(headers["Content-Length"])
        self._same = headers.get("ETag") or headers.get("Last-Modified") or ""
        if self._same.startswith("W/"):
            self._same = ""

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
                data = self._response.read1(min(len(buffer), self._maximum - self._position + 1))
                if not data and self.size is not None and self._position < self.size:
                    raise http.client.IncompleteRead(b"", self.size - self._position)
                break
            except (OSError, http.client.HTTPException) as error:
                self._continue(error)
            finally:
                self._waited += time.monotonic() - begin
        self._failures = 0 if data else self._failures
        self._position += len(data)
        if self._position > self._maximum:
            raise FetchError(f"{self._url}: longer than the limit; raise it or fetch the file yourself")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        super().close()

    def _check_speed(self) -> None:
        if self._waited > MAXIMUM_DURATION_S:
            raise FetchError(f"{self._url}: not finished after {MAXIMUM_DURATION_S:.0f} s")
        if self._waited > SLOW_S and self._position < SLOWEST_RATE * self._waited:
            raise FetchError(f"{self._url}: too slow, {self._position} bytes in {self._waited:.0f} s")

    def _continue(self, error: Exception) -> None:
        """Ask for the rest after the connection broke.

        Raises:
            FetchError: the server gives no rest, or nothing came any more.
        """
        why = f"{self._url}: the connection broke after {self._position} bytes"
        self._failures += 1
        self._response.close()
        if self._failures >= ATTEMPTS:
            raise FetchError(f"{why}, {ATTEMPTS} times in a row: {error}")
        time.sleep(min(BACK_OFF_S * 2 ** (self._failures - 1), LONGEST_BACK_OFF_S))
        if self._position and not self._same:
            raise FetchError(f"{why}, and the server does not say whether the rest would belong to the same file")
        try:
            first = self._first + self._position
            self._response = _insist(lambda: _request(self._url, first, self._last, self._same))
        except FetchError as second:
            raise FetchError(f"{why}, and cannot be continued: {str(second).removeprefix(self._url + ': ')}") from None


def check_public(address: str, host: str) -> None:
    """Refuse an IP address that is not on the public internet.

    Raises:
        FetchError: private, loopback, link-local, multicast or reserved.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_loopback and os.environ.get(ALLOW_LOOPBACK) == "1":
        return
    if not ip.is_global or ip.is_multicast:
        raise FetchError(f"{host} is {ip}, an address inside a private network: refused")


def _connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """Resolve, check and connect, so that the address checked is the address used."""
    problem: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        check_public(str(address[0]), host)
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(timeout)
        try:
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            problem = error
    raise problem or FetchError(f"{host}: no address")


class _HTTPConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = _connect(self.host, self.port, self.timeout)


class _HTTPSConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        plain = _connect(self.host, self.port, self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPConnection, request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPSConnection, request)


_OPENER = urllib.request.OpenerDirector()
# Redirects can only reach what has a handler here: no ftp, file or data addresses, and no proxies.
for _handler in (
    _HTTPHandler(),
    _HTTPSHandler(),
    urllib.request.HTTPRedirectHandler(),
    urllib.request.HTTPDefaultErrorHandler(),
    urllib.request.HTTPErrorProcessor(),
    urllib.request.UnknownHandler(),
):
    _OPENER.add_handler(_handler)
