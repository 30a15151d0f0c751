import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smollab.curate import fetch
from smollab.curate.fetch import ALLOW_LOOPBACK, FetchError, check_public, open_url


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/to="):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to="))
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"0123456789" * 100)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def loopback(monkeypatch):
    monkeypatch.setenv(ALLOW_LOOPBACK, "1")


def test_loopback_is_refused_unless_a_test_allows_it(server):
    with pytest.raises(FetchError, match="private network: refused"):
        open_url(server)


def test_fetches_and_follows_redirects(server, loopback):
    with open_url(f"{server}/to={server}/file") as stream:
        assert stream.read(10) == b"0123456789"
        assert len(stream.read()) == 990


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[fd00::1]/"])
def test_redirects_into_a_private_network_are_refused(server, loopback, target):
    with pytest.raises(FetchError, match="refused"):
        open_url(f"{server}/to={target}")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/x", "data:text/plain,hello"])
def test_redirects_to_other_schemes_are_refused(server, loopback, target):
    with pytest.raises(FetchError):
        open_url(f"{server}/to={target}")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x", "no address"])
def test_only_http(url):
    with pytest.raises(FetchError, match="only http and https"):
        open_url(url)


def test_size_limit_and_server_errors(server, loopback):
    with open_url(server, maximum_bytes=500) as stream, pytest.raises(FetchError, match="longer than the limit"):
        while stream.read(100):
            pass
    with pytest.raises(FetchError, match="answered 404"):
        open_url(f"{server}/missing")


def test_a_server_that_is_not_there(loopback):
    with pytest.raises(FetchError, match="cannot be fetched"):
        open_url("http://127.0.0.1:9/")


def test_time_limit(server, loopback, monkeypatch):
    monkeypatch.setattr(fetch, "MAXIMUM_DURATION_S", -1.0)
    with open_url(server) as stream, pytest.raises(FetchError, match="not finished"):
        stream.read(10)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0",
     "::ffff:10.0.0.1", "100.64.0.1", "2002:0a00:0001::1"],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    with pytest.raises(FetchError):
        check_public(address, "host")


def test_public_addresses_pass():
    check_public("8.8.8.8", "host")
    check_public("2606:4700::1111", "host")
