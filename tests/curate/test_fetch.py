import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smollab.curate import fetch
from smollab.curate.fetch import FetchError, open_url
from smollab.curate.public_address import check_public

from .serving import Site, allow_loopback, serve


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
    allow_loopback(monkeypatch)


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


@pytest.fixture
def quick(loopback, monkeypatch):
    monkeypatch.setattr(fetch, "BACK_OFF_S", 0.001)


DATA = bytes(range(256)) * 2000


def read_all(url, **options):
    with open_url(url, **options) as stream:
        return io.BufferedReader(stream).read()


def test_a_broken_download_is_continued(quick):
    site = Site({"x": DATA}, break_after={"x": [1000, 200_000, 0, 0]})
    with serve(site):
        assert read_all(f"{site.address}/x") == DATA
    assert site.ranges == [("x", f"bytes={start}-") for start in (1000, 201_000, 201_000, 201_000)]


def test_part_of_a_file_and_its_continuation(quick):
    site = Site({"x": DATA}, break_after={"x": [10]})
    with serve(site):
        assert read_all(f"{site.address}/x", first=500, length=100) == DATA[500:600]
    assert site.ranges == [("x", "bytes=500-599"), ("x", "bytes=510-599")]


@pytest.mark.parametrize(
    ("site", "why"),
    [
        (Site({"x": DATA}, break_after={"x": [1000]}, without_ranges={"x"}), "does not serve a part"),
        (Site({"x": DATA}, break_after={"x": [1000]}, without_tag={"x"}), "does not say whether the rest would belong"),
        (Site({"x": DATA}, break_after={"x": [1000] + [0] * 9}), "broke after 1000 bytes, 5 times in a row"),
    ],
)
def test_what_came_before_a_break_is_kept_when_it_cannot_be_continued(quick, site, why):
    with serve(site), open_url(f"{site.address}/x") as stream:
        received = b""
        with pytest.raises(FetchError, match=why):
            while data := stream.read(100):
                received += data
    assert received == DATA[:1000]


def test_a_busy_server_is_asked_again(quick):
    site = Site({"x": DATA}, busy={"x": [503, 429, 500]})
    with serve(site):
        assert read_all(f"{site.address}/x") == DATA
    assert site.requests["x"] == 4


def test_a_server_that_stays_busy_is_given_up(quick):
    site = Site({"x": DATA}, busy={"x": [503] * 99})
    with serve(site), pytest.raises(FetchError, match="answered 503"):
        open_url(f"{site.address}/x")
    assert site.requests["x"] == fetch.ATTEMPTS


def test_the_server_says_how_long_to_wait(quick, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)

    def answer(handler, path):
        if site.requests[path] > 3:
            return False
        handler.send_response(429)
        handler.send_header("Retry-After", ["7", "nonsense", "Wed, 21 Oct 2015 07:28:00 GMT"][site.requests[path] - 1])
        handler.end_headers()
        return True

    site = Site({"x": DATA})
    with serve(site, answer):
        assert read_all(f"{site.address}/x") == DATA
    assert slept == [7.0, 0.002, 0.004]


def test_errors_that_will_stay_are_not_asked_again(quick):
    site = Site(busy={"x": [403] * 9})
    with serve(site):
        for path in ("x", "none"):
            with pytest.raises(FetchError, match="answered 40"):
                open_url(f"{site.address}/{path}")
    assert site.requests == {"x": 1, "none": 1}


def test_a_server_that_drips_is_given_up(quick, monkeypatch):
    monkeypatch.setattr(fetch, "SLOW_S", 0.2)
    site = Site({"x": DATA}, drip_s={"x": 0.02})
    begin = time.monotonic()
    with serve(site), pytest.raises(FetchError, match="too slow"):
        read_all(f"{site.address}/x")
    assert time.monotonic() - begin < 5


def test_a_silent_server_is_given_up(quick, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.1)

    def answer(handler, path):
        handler.send_response(200)
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        time.sleep(1)
        return True

    site = Site()
    begin = time.monotonic()
    with serve(site, answer), pytest.raises(FetchError, match="5 times in a row: timed out"):
        read_all(f"{site.address}/x")
    assert time.monotonic() - begin < 10


def test_a_part_that_is_not_served_is_an_error(quick):
    site = Site({"x": DATA}, without_ranges={"x"})
    with serve(site), pytest.raises(FetchError, match="does not serve a part of the file"):
        open_url(f"{site.address}/x", first=10, length=10)


def test_a_chunked_answer_that_ends_early_is_noticed(quick):
    def answer(handler, path):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n")
        handler.close_connection = True
        return True

    site = Site()
    with serve(site, answer), pytest.raises(FetchError, match="connection broke after 5 bytes"):
        read_all(f"{site.address}/x")
