"""Against a server on this machine that misbehaves in every way we know."""

import gzip
import io
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smollab import cli
from smollab.curate import fetch
from smollab.curate.fetch import FetchError
from smollab.curate.pdf import download
from smollab.curate.pdf.refetch import Refetch
from smollab.curate.politeness import Politeness
from smollab.curate.warc import read_warc
from smollab.curate.warc_writer import payload_digest

from ..making import pack, record
from ..serving import Site, serve
from .test_truncation import make_pdf

WHOLE = make_pdf(seed=3, pages=4)
CUT = WHOLE[: len(WHOLE) // 2]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(fetch, "BACK_OFF_S", 0.001)


def crawl(tmp_path, site, paths, body=CUT, name="crawl.warc.gz"):
    """A WARC file in which the PDFs of these paths are truncated."""
    records = [
        record(
            path if "://" in path else f"{site.address}/{path}", body + b"%%%d" % number, content_type="application/pdf"
        ).replace(b"WARC-Date", b"WARC-Truncated: length\r\nWARC-Date")
        for number, path in enumerate(paths)
    ]
    path = tmp_path / name
    path.write_bytes(pack(records))
    return path


def refetch(folder, *warcs, **options):
    """Run a job to its end and return outcome -> reasons."""
    options = {"delay_s": 0.0, "allow_loopback": True, **options}
    job = Refetch(folder, **options)
    try:
        for warc in warcs:
            job.scan(f"warc:{warc}")
        job.run()
        return dict(job.summary().outcomes)
    finally:
        job.close()


def one(tmp_path, site, answer=None, **options):
    """Refetch a single PDF from a site; return its outcome, reason and detail."""
    with serve(site, answer):
        warc = crawl(tmp_path, site, ["x.pdf"])
        refetch(tmp_path / "out", warc, **options)
        job = Refetch(tmp_path / "out")
        row = job.ledger._database.execute("SELECT outcome, reason, detail FROM targets").fetchone()
        job.close()
    return row


def read_output(folder, types=("response",)):
    problems = Counter()
    records = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            records += read_warc(stream, problems, types)
    assert not problems
    return records


def test_a_truncated_file_is_fetched_whole_and_recorded_with_its_provenance(tmp_path):
    from warcio.archiveiterator import ArchiveIterator

    site = Site({"x.pdf": WHOLE})
    with serve(site):
        old = record(f"{site.address}/x.pdf", CUT, content_type="application/pdf")
        (tmp_path / "crawl.warc.gz").write_bytes(pack([old]))
        assert refetch(tmp_path / "out", tmp_path / "crawl.warc.gz", contact="me@example.org") == {("extends", ""): 1}
        assert refetch(tmp_path / "out", tmp_path / "crawl.warc.gz") == {("extends", ""): 1}
    assert site.requests == {"robots.txt": 1, "x.pdf": 1}  # the second run has nothing to do
    (file,) = (tmp_path / "out").glob("*.warc.gz")
    with file.open("rb") as stream:
        records = {}
        for entry in ArchiveIterator(stream, check_digests="raise"):
            records[entry.rec_type] = (entry.rec_headers, entry.content_stream().read(), entry.http_headers)
    assert list(records) == ["warcinfo", "response", "request", "metadata"]
    headers, body, _ = records["response"]
    assert body == WHOLE
    assert headers["WARC-Target-URI"] == f"{site.address}/x.pdf"
    assert headers["WARC-IP-Address"] == "127.0.0.1"
    assert headers["WARC-Payload-Digest"] == payload_digest(WHOLE)
    about, fields, _ = records["metadata"]
    assert about["WARC-Refers-To"].startswith("<urn:uuid:") and about["WARC-Refers-To-Date"] == "2024-05-01T00:00:00Z"
    assert about["WARC-Concurrent-To"] == headers["WARC-Record-ID"]
    assert f"comparison: extends\r\nold-payload-digest: {payload_digest(CUT)}" in fields.decode()
    assert "no %%EOF" in fields.decode()
    sent = dict(records["request"][2].headers)
    assert "me@example.org" in sent["User-Agent"] and sent["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("served", "outcome"),
    [
        (CUT + b"%0" + WHOLE[len(CUT) :], ("extends", "")),
        (CUT + b"%0", ("same", "still no %%EOF")),
        (make_pdf(seed=77), ("different", "")),
    ],
)
def test_the_new_copy_is_compared_with_the_old(tmp_path, served, outcome):
    assert one(tmp_path, Site({"x.pdf": served}))[:2] == outcome
    assert [r.body for r in read_output(tmp_path / "out")] == [served]


def reply(status=200, body=b"", **headers):
    """An answer for every path but robots.txt."""

    def answer(handler, path):
        if path == "robots.txt":
            return False
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(body)
        return True

    return answer


BOMB = gzip.compress(b"%PDF-1.7\n" + b"\0" * 2**21)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason", "detail"),
    [
        (reply(404), "failed", "HTTP 404", ""),
        (reply(410), "failed", "HTTP 410", ""),
        (reply(503), "postponed", "HTTP 503", ""),
        (reply(429, Retry_After="3600"), "postponed", "HTTP 429", "asks to be left alone for 3600 s"),
        (reply(304), "failed", "HTTP 304", ""),
        (reply(206, WHOLE), "failed", "HTTP 206", ""),
        (reply(200, b"<!DOCTYPE html><html>" * 90, Content_Type="text/html"), "failed", "HTML instead of a PDF", ""),
        (reply(200, b"<html>", Content_Type="application/pdf"), "failed", "HTML instead of a PDF", "application/pdf"),
        (reply(200, b"GIF89a" * 300), "failed", "not a PDF", "no type"),
        (reply(200, WHOLE, Content_Type="image/png"), "failed", "not a PDF", "image/png"),
        (reply(200, b""), "failed", "not a PDF", ""),
        (reply(200, b"%PDF-", Content_Length=str(2**40)), "failed", "too large", "MiB"),
        (reply(200, BOMB, Content_Encoding="gzip"), "failed", "unpacks to too much", ""),
        (reply(200, BOMB[:500], Content_Encoding="gzip"), "failed", "broken content encoding", ""),
        (reply(200, WHOLE, Content_Encoding="gzip"), "failed", "broken content encoding", ""),
        (reply(200, WHOLE, Content_Encoding="br"), "failed", "unknown content encoding", ""),
        (reply(302, Location="/x.pdf"), "failed", "too many redirects", ""),
        (reply(302, Location="file:///etc/passwd"), "failed", "not http", ""),
        (reply(302, Location="gopher://example.org/"), "failed", "not http", ""),
        (reply(302, Location="http://169.254.169.254/latest/"), "failed", "private address", "169.254.169.254"),
        (reply(302, Location="http://[::ffff:10.0.0.1]/"), "failed", "private address", ""),
        (reply(302, Location="http://0x0a.1/"), "failed", "private address", "10.0.0.1"),
        (reply(302, Location="http://[bad"), "failed", "cannot be fetched", ""),
        (reply(302, Location="http://[64:ff9b::7f00:1]/"), "failed", "private address", ""),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(tmp_path, monkeypatch, answer, outcome, reason, detail):
    monkeypatch.setattr(download, "MAXIMUM_PDF_BYTES", 2**20)
    found = one(tmp_path, Site(), answer)
    assert found[:2] == (outcome, reason), found
    assert detail in found[2]
    assert read_output(tmp_path / "out") == []
    kept = [path.name for path in (tmp_path / "out" / "partial").glob("*")]
    assert not kept


def test_an_encoding_that_nobody_asked_for_is_undone(tmp_path):
    answer = reply(200, gzip.compress(WHOLE[:500]) + gzip.compress(WHOLE[500:]), Content_Encoding="gzip")
    assert one(tmp_path, Site(), answer)[0] == "different"
    (copy,) = read_output(tmp_path / "out")
    assert copy.body == WHOLE


def test_loopback_is_refused_without_the_switch(tmp_path):
    assert one(tmp_path, Site({"x.pdf": WHOLE}), allow_loopback=False)[:2] == ("failed", "private address")


def test_a_name_that_points_elsewhere_at_the_second_look_is_connected_to_where_it_was_checked(tmp_path, monkeypatch):
    import socket

    looked, connected = [], []

    def rebind(host, port, **options):
        looked.append(host)
        address = "8.8.8.8" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(self, address):
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    monkeypatch.setattr("smollab.curate.public_address._Socket.connect", connect)
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetch.open_url("http://rebind.example/x.pdf")
    with pytest.raises(FetchError, match="private network"):
        fetch.open_url("http://rebind.example/x.pdf")
    assert connected == ["8.8.8.8"]


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    import socket

    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(FetchError, match="private network"):
        fetch.open_url("http://both.example/")


@pytest.mark.parametrize("statuses", [[503], [429, 500, 502]])
def test_a_busy_server_is_asked_again(tmp_path, statuses):
    site = Site({"x.pdf": WHOLE}, busy={"x.pdf": list(statuses)})
    assert one(tmp_path, site)[0] == "different"
    assert site.requests["x.pdf"] == len(statuses) + 1


def test_a_server_that_wants_rest_is_asked_nothing_more_this_time(tmp_path):
    site = Site()
    with serve(site, reply(429, Retry_After="3600")):
        warc = crawl(tmp_path, site, [f"{n}.pdf" for n in range(9)])
        assert refetch(tmp_path / "out", warc) == {("postponed", "HTTP 429"): 1, ("postponed", "host left alone"): 8}
    assert site.requests == {"robots.txt": 1, "0.pdf": 1}
    site.files.update({f"{n}.pdf": WHOLE for n in range(9)})


@pytest.mark.parametrize(
    ("site", "requests"),
    [
        (Site({"x.pdf": WHOLE}, break_after={"x.pdf": [1500, 700]}), 3),
        (Site({"x.pdf": WHOLE}, break_after={"x.pdf": [1500]}, without_ranges={"x.pdf"}), 3),
        (Site({"x.pdf": WHOLE}, break_after={"x.pdf": [1500]}, without_tag={"x.pdf"}), 2),
    ],
)
def test_cut_connections(tmp_path, site, requests):
    assert one(tmp_path, site)[0] == "different"
    assert site.requests["x.pdf"] == requests
    assert [r.body for r in read_output(tmp_path / "out")] == [WHOLE]


def test_a_file_that_changes_during_the_download_is_not_patched_together(tmp_path):
    new = make_pdf(seed=90, pages=5)
    site = Site({"x.pdf": WHOLE})

    def answer(handler, path):
        if path == "x.pdf" and site.requests[path] == 1:
            handler.send_response(200)
            handler.send_header("ETag", '"old"')
            handler.send_header("Content-Length", str(len(WHOLE)))
            handler.end_headers()
            handler.wfile.write(WHOLE[:2000])
            site.files["x.pdf"] = new
            return True
        return False

    assert one(tmp_path, site, answer)[0] == "different"
    assert [r.body for r in read_output(tmp_path / "out")] == [new]


@pytest.mark.parametrize("too_many", [100, -100])
def test_a_wrong_content_length(tmp_path, too_many):
    outcome = one(tmp_path, Site(), reply(200, WHOLE, Content_Length=str(len(WHOLE) + too_many)))
    (copy,) = read_output(tmp_path / "out")
    if too_many > 0:  # the file shows that it is whole
        assert outcome[:2] == ("different", "") and copy.body == WHOLE
    else:
        assert outcome[:2] == ("different", "still no %%EOF") and copy.body == WHOLE[:-100]


def test_an_endless_body_ends_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MAXIMUM_PDF_BYTES", 2**20)

    def answer(handler, path):
        if path == "robots.txt":
            return False
        handler.send_response(200)
        handler.end_headers()
        try:
            handler.wfile.write(b"%PDF-1.7\n")
            while True:
                handler.wfile.write(b"%" * 2**16)
        except OSError:
            return True

    assert one(tmp_path, Site(), answer)[:2] == ("failed", "too large")


@pytest.mark.parametrize("where", ["header", "body"])
def test_a_slow_loris_is_given_up(tmp_path, monkeypatch, where):
    monkeypatch.setattr(fetch, "HEADER_S", 0.3 if where == "header" else 30.0)
    monkeypatch.setattr(fetch, "SLOW_S", 0.3)
    monkeypatch.setattr(fetch, "ATTEMPTS", 2)

    def answer(handler, path):
        if path == "robots.txt":
            return False
        try:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"\r\n%PDF-" if where == "body" else b"X-A: "))
            for _ in range(400):
                handler.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass
        return True

    begin = time.monotonic()
    outcome, reason, _ = one(tmp_path, Site(), answer)
    assert (outcome, reason) == (("postponed", "no answer") if where == "header" else ("failed", "too slow"))
    assert time.monotonic() - begin < 15


def test_a_redirect_with_an_endless_body_is_followed_without_reading_it(tmp_path):
    site = Site({"y.pdf": WHOLE})

    def answer(handler, path):
        if path != "x.pdf":
            return False
        handler.send_response(302)
        handler.send_header("Location", "/y.pdf")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 2**16)
        except OSError:
            return True

    assert one(tmp_path, site, answer)[0] == "different"
    (copy,) = read_output(tmp_path / "out")
    assert copy.url.endswith("/y.pdf")  # the record tells the truth; its metadata record names the address asked for


def test_robots_txt_is_obeyed_after_redirects_too(tmp_path):
    rules = b"User-agent: smollab\nDisallow: /private/*.pdf$\nAllow: /private/open\n\nUser-agent: *\nDisallow: /\n"
    files = dict.fromkeys(("a.pdf", "private/b.pdf", "private/open.pdf"), WHOLE)
    site = Site({"robots.txt": rules, **files}, redirect={"c.pdf": "/private/b.pdf"})
    with serve(site):
        outcomes = refetch(tmp_path / "out", crawl(tmp_path, site, [*files, "c.pdf"]))
    assert outcomes[("failed", "refused by robots.txt")] == 3
    assert outcomes[("different", "")] == 1
    assert site.requests == {"robots.txt": 1, "a.pdf": 1, "c.pdf": 1}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, ("different", "")),
        (403, ("different", "")),
        (503, ("postponed", "HTTP 503")),
        (429, ("postponed", "HTTP 429")),
    ],
)
def test_a_robots_txt_that_cannot_be_had(tmp_path, status, outcome):
    site = Site({"x.pdf": WHOLE}, busy={"robots.txt": [status] * 99})
    assert one(tmp_path, site)[:2] == outcome


def test_pauses_between_requests(monkeypatch):
    rules = b"User-agent: *\nCrawl-delay: 0.2\n"
    with serve(Site({"robots.txt": rules})) as site:
        politeness = Politeness(0.05, allow_loopback=True)
        politeness.before(f"{site.address}/a")
        begin = time.monotonic()
        threads = [threading.Thread(target=politeness.before, args=(f"{site.address}/{n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begin > 0.55
    with (
        serve(Site({"robots.txt": b"User-agent: *\nCrawl-delay: 4000\n"})) as site,
        pytest.raises(FetchError, match="asks for 4000 s"),
    ):
        Politeness(allow_loopback=True).before(f"{site.address}/a")


def test_conditional_requests_for_a_second_crawl(tmp_path):
    site = Site({"x.pdf": WHOLE})

    def answer(handler, path):
        if handler.headers.get("If-None-Match") != '"one"':
            return False
        handler.send_response(304)
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        return True

    with serve(site, answer):
        first = crawl(tmp_path, site, ["x.pdf"])
        second = tmp_path / "second.warc.gz"
        second.write_bytes(pack([record(f"{site.address}/x.pdf", WHOLE[:1000], content_type="application/pdf")]))
        refetch(tmp_path / "out", first)
        outcomes = refetch(tmp_path / "out", first, second)
    assert outcomes == {("different", ""): 1, ("extends", "not modified"): 1}
    assert len(read_output(tmp_path / "out")) == 1
    (revisit,) = read_output(tmp_path / "out", ("revisit",))
    assert revisit.status == 304


def test_equal_bytes_are_fetched_once(tmp_path, monkeypatch):
    monkeypatch.setattr("smollab.curate.pdf.refetch.SAME_BYTES", 100)
    site = Site({"x.pdf": WHOLE, "y.pdf": WHOLE})
    with serve(site):
        records = [record(f"{site.address}/{n}.pdf", CUT, content_type="application/pdf") for n in ("x", "y", "x")]
        (tmp_path / "a.warc.gz").write_bytes(pack(records))
        outcomes = refetch(tmp_path / "out", tmp_path / "a.warc.gz")
    assert outcomes == {("extends", ""): 1, ("equal", "equal bytes were refetched from another address"): 1}
    assert site.requests["x.pdf"] + site.requests["y.pdf"] == 1


def test_several_hosts_are_asked_at_the_same_time(tmp_path):
    together = threading.Barrier(2, timeout=20)

    def answer(handler, path):
        if path != "robots.txt":
            together.wait()
        return False

    site = Site({"x.pdf": WHOLE})
    with serve(site, answer):
        urls = [f"{site.address}/x.pdf", f"{site.address.replace('127.0.0.1', 'localhost')}/x.pdf"]
        assert refetch(tmp_path / "out", crawl(tmp_path, site, urls)) == {("different", ""): 2}


def test_a_download_goes_on_in_another_process(tmp_path):
    site = Site({"x.pdf": WHOLE}, break_after={"x.pdf": [3000] + [0] * 4})
    assert one(tmp_path, site)[:2] == ("postponed", "connection broke")
    (partial,) = (tmp_path / "out" / "partial").glob("*.pdf")
    assert partial.read_bytes() == WHOLE[:3000]
    site.ranges.clear()
    served = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/robots.txt":
                self.send_error(404)
                return
            served.append((self.headers.get("Range"), self.headers.get("If-Range")))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 3000-{len(WHOLE) - 1}/{len(WHOLE)}")
            self.send_header("Content-Length", str(len(WHOLE) - 3000))
            self.end_headers()
            self.wfile.write(WHOLE[3000:])

        def log_message(self, *arguments):
            pass

    port = int(site.address.rpartition(":")[2])
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        assert refetch(tmp_path / "out", tmp_path / "crawl.warc.gz") == {("different", ""): 1}
        server.shutdown()
    assert served == [("bytes=3000-", '"one"')]
    (copy,) = read_output(tmp_path / "out")
    assert copy.body == WHOLE
    assert (
        b"resumed: yes" in gzip.GzipFile(fileobj=io.BytesIO(next((tmp_path / "out").glob("*.gz")).read_bytes())).read()
    )


def test_a_killed_job_goes_on(tmp_path):
    third = threading.Event()

    def answer(handler, path):
        if path != "2.pdf" or third.is_set():
            return False
        third.set()
        with suppress(OSError):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(WHOLE[:2000])
            time.sleep(60)
        return True

    site = Site({f"{n}.pdf": WHOLE for n in range(4)})
    with serve(site, answer):
        warc = crawl(tmp_path, site, sorted(site.files))
        code = (
            "import sys; from pathlib import Path; from smollab.curate.pdf.refetch import Refetch;"
            "job = Refetch(Path(sys.argv[1]), 0.0, allow_loopback=True); job.scan('warc:' + sys.argv[2]); job.run()"
        )
        child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out"), str(warc)])
        assert third.wait(60)
        child.kill()
        child.wait()
        assert refetch(tmp_path / "out", warc) == {("different", ""): 4}
    assert site.requests == {"robots.txt": 2, "0.pdf": 1, "1.pdf": 1, "2.pdf": 2, "3.pdf": 1}
    assert [r.body for r in read_output(tmp_path / "out")] == [WHOLE] * 4


def test_the_command_tells_what_became_of_each(tmp_path, capsys):
    site = Site({"x.pdf": WHOLE})
    with serve(site):
        warc = crawl(tmp_path, site, ["x.pdf", "http://10.1.2.3/y.pdf", "ftp://example.org/z.pdf"])
    assert cli.main(["curate", "refetch", str(warc), "--to", str(tmp_path / "out")]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    for count, what in (("3", "PDF records"), ("3", "truncated"), ("2", "private address"), ("1", "not http")):
        assert [count, what] in [[first, rest.strip()] for first, *others in lines for rest in others]
    assert cli.main(["curate", "refetch", str(tmp_path / "none"), "--to", str(tmp_path / "out")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_what_was_written_but_not_noted_is_cut_off(tmp_path):
    site = Site({"x.pdf": WHOLE, "y.pdf": WHOLE})
    with serve(site):
        refetch(tmp_path / "out", crawl(tmp_path, site, ["x.pdf"]))
        (file,) = (tmp_path / "out").glob("*.warc.gz")
        sound = file.read_bytes()
        file.write_bytes(sound + sound[:1234])  # as after a kill in the middle of a record
        (tmp_path / "out" / "refetched-00001.warc.gz").write_bytes(b"half")
        refetch(tmp_path / "out", crawl(tmp_path, site, ["y.pdf"], name="more.warc.gz"))
    assert file.read_bytes().startswith(sound)
    assert len(read_output(tmp_path / "out")) == 2


def test_the_output_is_a_source(tmp_path):
    from smollab.curate.pipeline import curate
    from smollab.recipe import Curate, Data, Source

    site = Site({"x.pdf": WHOLE})
    with serve(site):
        warc = crawl(tmp_path, site, ["x.pdf"])
        refetch(tmp_path / "out", warc)
    sources = {
        "old": Source(address=f"warc:{warc}", steps=("extract_pdf",)),
        "new": Source(address=f"warc:{tmp_path / 'out'}", steps=("extract_pdf",)),
    }
    funnel = curate(Data(sources=sources), Curate(workers=1), tmp_path / "curated")
    assert funnel.sources["old"].documents_kept == 0 and funnel.sources["new"].documents_kept == 1
