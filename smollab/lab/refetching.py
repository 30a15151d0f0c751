"""A truncated PDF fetched again, from a server inside this process: `smollab curate refetch` in small.

The job is the real one. Only that it may ask this machine, which no other job may, is said by an explicit argument.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from smollab.curate.pdf.refetch import Refetch
from smollab.curate.pdf.truncation import find_truncation
from smollab.curate.warc import read_warc
from smollab.curate.warc_writer import new_record_id, payload_digest

__all__ = ["Refetched", "cut_off", "refetch_here"]

NAME = "manual.pdf"


class Refetched:
    """What came of it."""

    def __init__(self, outcomes: list[str], asked: list[str], body: bytes):
        self.outcomes = outcomes
        """Such as `extends`."""
        self.asked = asked
        """Paths that the server was asked for, in order."""
        self.body = body
        """The new copy; empty if there is none."""


def cut_off(pdf: bytes, size: int) -> tuple[bytes, tuple[str, ...]]:
    """Return the beginning of a PDF, as a crawl keeps it, and the signs by which that is seen."""
    piece = pdf[:size]
    return piece, find_truncation(piece, "length", len(pdf))


@contextmanager
def _serve(pdf: bytes, robots: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a PDF and a robots.txt on this machine; yields the address and the paths asked for."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            body, kind = (robots.encode(), "text/plain") if self.path == "/robots.txt" else (pdf, "application/pdf")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a notebook shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refetch_here(pdf: bytes, size: int, robots: str = "") -> Refetched:
    """Put a truncated copy into a WARC file, and fetch the whole one from a server on this machine.

    Args:
        pdf: the whole file, as its origin has it.
        size: bytes that the crawl kept.
        robots: the server's robots.txt.
    """
    with tempfile.TemporaryDirectory() as temporary, _serve(pdf, robots) as (address, requests):
        folder = Path(temporary)
        (folder / "crawl.warc").write_bytes(_record(f"{address}/{NAME}", pdf[:size]))
        job = Refetch(folder / "refetched", delay_s=0.0, allow_loopback=True)
        try:
            job.scan(f"warc:{folder / 'crawl.warc'}")
            job.run()
            outcomes = [": ".join(filter(None, key)) for key in job.summary().outcomes]
        finally:
            job.close()
        return Refetched(outcomes, list(requests), _read_copy(folder / "refetched"))


def _read_copy(folder: Path) -> bytes:
    from collections import Counter

    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in read_warc(stream, Counter(), ("response",)):
                return record.body
    return b""


def _record(address: str, body: bytes) -> bytes:
    """Return a WARC record as a crawl writes it for a body that it has cut off."""
    payload = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: {new_record_id()}\r\nWARC-Target-URI: {address}\r\n"
        f"WARC-Date: 2024-05-01T00:00:00Z\r\nWARC-Truncated: length\r\nWARC-Payload-Digest: {payload_digest(body)}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"
