"""A web server for the tests that serves files, with ranges, and misbehaves where asked to."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from smollab.curate import public_address

ETAG = '"one"'


@dataclass
class Site:
    """What is served, and how. Behaviors are by path."""

    files: dict[str, bytes] = field(default_factory=dict)
    break_after: dict[str, list[int]] = field(default_factory=dict)
    """Close the connection after so many bytes: the first request, the second, ..."""
    busy: dict[str, list[int]] = field(default_factory=dict)
    """Answer the first requests with these statuses."""
    drip_s: dict[str, float] = field(default_factory=dict)
    """Send one byte at a time, with pauses."""
    without_ranges: set[str] = field(default_factory=set)
    without_tag: set[str] = field(default_factory=set)
    redirect: dict[str, str] = field(default_factory=dict)
    requests: Counter = field(default_factory=Counter)
    ranges: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""


def allow_loopback(monkeypatch) -> None:
    """Let code that fetches deep inside reach this machine; what takes a `Manner` is told by its `allow_loopback`."""
    check = public_address.check_public
    monkeypatch.setattr(public_address, "check_public", lambda address, host, _: check(address, host, True))


@contextmanager
def serve(site: Site, answer=None) -> Iterator[Site]:
    """Serve a site on this machine; `answer(handler, path_with_query)` may take requests first."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.lstrip("/")
            site.requests[path] += 1
            if answer is not None and answer(self, path):
                return
            if path in site.redirect:
                self.send_response(302)
                self.send_header("Location", site.redirect[path])
                self.end_headers()
            elif site.busy.get(path):
                self.send_response(site.busy[path].pop(0))
                self.send_header("Retry-After", "0")
                self.end_headers()
            elif path in site.files:
                self._send(path, site.files[path])
            else:
                self.send_error(404)

        def _send(self, path, data):
            first, last = 0, len(data) - 1
            wanted = self.headers.get("Range", "")
            if wanted:
                site.ranges.append((path, wanted))
            same = self.headers.get("If-Range", ETAG) == ETAG
            if wanted and same and path not in site.without_ranges:
                begin, _, end = wanted.removeprefix("bytes=").partition("-")
                first, last = int(begin), min(int(end or last), last)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            else:
                self.send_response(200)
            if path not in site.without_tag:
                self.send_header("ETag", ETAG)
            body = data[first : last + 1]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if site.break_after.get(path):
                body = body[: site.break_after[path].pop(0)]
            try:
                if path in site.drip_s:
                    for byte in body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(site.drip_s[path])
                else:
                    self.wfile.write(body)
            except OSError:
                pass

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        site.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield site
        finally:
            server.shutdown()
