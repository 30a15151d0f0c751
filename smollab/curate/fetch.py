"""Open an http(s) address as a stream, and refuse to be led into a private network.

An address in a recipe, or a redirect, could point at a machine behind the firewall. So only http and https
are spoken; the name is resolved once, every address it resolves to must be public, and the connection goes to
that very address (checking first and connecting later would let the name change in between); redirects pass
through the same door. Size and time are limited.
"""

import http.client
import io
import ipaddress
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

MAXIMUM_BYTES = 8 * 2**30
"""A CommonCrawl WARC file is about 1 GiB."""
TIMEOUT_S = 30.0
"""Longest silence of the server; seconds."""
MAXIMUM_DURATION_S = 2 * 3600.0
"""Longest time for one file; seconds."""
ALLOW_LOOPBACK = "SMOLLAB_ALLOW_LOOPBACK"
"""Environment variable; `1` lets tests fetch from a server on this machine."""


class FetchError(OSError):
    """An address that cannot or must not be fetched."""


def open_url(url: str, maximum_bytes: int = MAXIMUM_BYTES) -> "LimitedStream":
    """Open an http(s) address for reading.

    Args:
        url: http:// or https://.
        maximum_bytes: reading past this many bytes raises `FetchError`.

    Raises:
        FetchError: another scheme, a private address, a server that does not answer or answers with an error.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise FetchError(f"{url}: only http and https addresses can be fetched")
    request = urllib.request.Request(url, headers={"User-Agent": "smollab (+research corpus builder)"})
    try:
        response = _OPENER.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        raise FetchError(f"{url}: the server answered {error.code} {error.reason}") from None
    except FetchError:
        raise
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FetchError):
            raise reason from None
        raise FetchError(f"{url}: cannot be fetched: {reason}") from None
    return LimitedStream(response, url, maximum_bytes)


class LimitedStream(io.RawIOBase):
    """A response that ends with a clear error when it is too long or too slow."""

    def __init__(self, response: http.client.HTTPResponse, url: str, maximum_bytes: int):
        self._response = response
        self._url = url
        self._left = maximum_bytes
        self._deadline = time.monotonic() + MAXIMUM_DURATION_S

    def readable(self) -> bool:
        """Streams can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        if time.monotonic() > self._deadline:
            raise FetchError(f"{self._url}: not finished after {MAXIMUM_DURATION_S:.0f} s")
        try:
            data = self._response.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        except http.client.IncompleteRead as error:
            data = error.partial
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(f"{self._url}: the connection broke: {error}") from None
        self._left -= len(data)
        if self._left < 0:
            raise FetchError(f"{self._url}: longer than the limit; raise it or fetch the file yourself")
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        super().close()


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
