"""Connect to public addresses only, and wait for a server no longer than one is willing to.

A name is resolved once, every address it resolves to must be public, and the connection goes to one of these very
addresses: checking first and connecting later would let the name change in between (DNS rebinding).

**Source**: the IANA registries of special addresses (RFC 6890), as Python's `ipaddress` knows them.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

__all__ = ["FetchError", "HTTPConnection", "HTTPSConnection", "Patience", "check_public"]

METADATA_SERVERS = {"168.63.129.16"}
"""Public addresses at which a cloud (Azure) answers its own machines only."""
MAXIMUM_TRIES = 4
"""Addresses of one name that are tried."""


class FetchError(OSError):
    """An address that cannot or must not be fetched."""

    reason = "cannot be fetched"
    """In general words, for counting."""
    passing = False
    """Whether it may be possible another day."""

    @classmethod
    def of(cls, text: str, reason: str, passing: bool = False) -> "FetchError":
        """Build an error that can be counted by its reason."""
        error = cls(text)
        error.reason, error.passing = reason, passing
        return error


def check_public(address: str, host: str, allow_loopback: bool = False) -> None:
    """Refuse an IP address that is not on the public internet.

    Raises:
        FetchError: private, loopback, link-local, multicast, reserved, or the metadata server of a cloud.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_loopback and allow_loopback:
        return
    # Reserved are, among others, IPv6 addresses that hide an IPv4 address: `::10.0.0.1`, `64:ff9b::10.0.0.1` (NAT64).
    hidden = ip.is_reserved or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)
    if not ip.is_global or ip.is_multicast or hidden or str(ip) in METADATA_SERVERS:
        raise FetchError.of(f"{host} is {ip}, an address inside a private network: refused", "private address")


class Patience:
    """Seconds that may still be spent waiting for a server, whose bytes may come one by one."""

    def __init__(self, seconds: float, silence_s: float):
        """Be ready to wait.

        Args:
            seconds: in all, until this is set anew.
            silence_s: at a time, without a byte.
        """
        self.left_s, self.silence_s = seconds, silence_s

    def receive(self, connection: socket.socket, receive: Callable[[], int]) -> int:
        """Receive something in the time left.

        Raises:
            TimeoutError: nothing came.
        """
        begin = time.monotonic()
        if self.left_s <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(min(self.silence_s, self.left_s))
        try:
            return receive()
        finally:
            self.left_s -= time.monotonic() - begin


class _Socket(socket.socket):
    patience: Patience

    def recv_into(self, *arguments: Any) -> int:  # type: ignore[override]
        return self.patience.receive(self, lambda: super(_Socket, self).recv_into(*arguments))


class _SSLSocket(ssl.SSLSocket):
    patience: Patience

    def recv_into(self, *arguments: Any) -> int:  # type: ignore[override]
        return self.patience.receive(self, lambda: super(_SSLSocket, self).recv_into(*arguments))


def _connect(host: str, port: int, patience: Patience, allow_loopback: bool) -> _Socket:
    """Resolve, check and connect, so that the addresses checked are the addresses used."""
    problem: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        check_public(str(address[0]), host, allow_loopback)
    for family, kind, protocol, _, address in found[:MAXIMUM_TRIES]:
        connection = _Socket(family, kind, protocol)
        connection.patience = patience
        connection.settimeout(patience.silence_s)
        try:
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            problem = error
    raise problem or FetchError(f"{host}: no address")


class HTTPConnection(http.client.HTTPConnection):
    """A connection to a public address."""

    def __init__(self, host: str, port: int, patience: Patience, allow_loopback: bool):
        super().__init__(host, port, timeout=patience.silence_s)
        self._patience, self._allow_loopback = patience, allow_loopback
        self.address = ""
        """IP address of the server, once connected."""

    def connect(self) -> None:
        """Connect."""
        self.sock: socket.socket = _connect(self.host, self.port, self._patience, self._allow_loopback)
        self.address = str(self.sock.getpeername()[0])


class HTTPSConnection(HTTPConnection):
    """A connection to a public address whose certificate is checked."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect, and agree on keys."""
        super().connect()
        context = ssl.create_default_context()
        context.sslsocket_class = _SSLSocket
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.patience = self._patience  # type: ignore[attr-defined]
