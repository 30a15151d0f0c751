import datetime
import gzip
import importlib.util
import json
import os
import sys
import threading
import types
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smollab.curate import rows as rows_module
from smollab.curate.errors import CurationError
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Source

from .making import REPOSITORY, SAMPLES, pack, page, record, write_warc
from .serving import Site, allow_loopback, serve


def read(address, **options):
    report = Report()
    shards = list_shards("web", Source(address=address, **options))
    return [d for shard in shards for d in read_shard(shard, report)], report


def problems(report):
    return {file: dict(counts) for file, counts in report.problems.items()}


def test_a_folder_of_warc_files_is_a_shard_each_and_in_order(tmp_path):
    write_warc(tmp_path / "b.warc.gz", {"http://b/": "b"})
    write_warc(tmp_path / "sub" / "a.warc.gz", {"http://a/": "a", "http://a/2": "a"})
    (tmp_path / ".hidden").mkdir()
    write_warc(tmp_path / ".hidden" / "c.warc.gz", {"http://c/": "c"})
    documents, report = read(f"warc:{tmp_path}")
    assert [d.id for d in documents] == ["http://b/", "http://a/", "http://a/2"]
    assert documents[0].raw == page("b") and documents[0].metadata["url"] == "http://b/"
    assert len(list_shards("web", Source(address=f"warc:{tmp_path}"))) == 2
    assert not report.problems


def test_what_is_no_page_is_counted(tmp_path):
    records = [
        record("http://a/", b"\x89PNG", content_type="image/png"),
        record("http://b/", page("moved"), status="301 Moved"),
        record("http://c/", page("here")),
    ]
    (tmp_path / "x.warc.gz").write_bytes(pack(records))
    documents, report = read(f"warc:{tmp_path}/x.warc.gz")
    assert [d.id for d in documents] == ["http://c/"]
    assert report.skipped == {"content type image/png": 1, "HTTP status 301": 1}


def test_the_limit_counts_over_files(tmp_path):
    for name in "abc":
        write_warc(tmp_path / f"{name}.warc.gz", {f"http://{name}/{i}": "x" for i in range(3)})
    documents, _ = read(f"warc:{tmp_path}", limit=5)
    assert [d.id for d in documents] == ["http://a/0", "http://a/1", "http://a/2", "http://b/0", "http://b/1"]


def test_a_remote_warc_is_streamed(tmp_path, monkeypatch):
    write_warc(tmp_path / "x.warc.gz", {f"http://a/{i}": "text" for i in range(20)})

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"warc:http://127.0.0.1:{server.server_port}/x.warc.gz"
        documents, report = read(address)
        assert documents == [] and "refused" in str(problems(report))
        allow_loopback(monkeypatch)
        documents, report = read(address)
        assert len(documents) == 20 and not report.problems
        documents, report = read(address.replace("x.warc", "none.warc"))
        assert documents == [] and "404" in str(problems(report))
        server.shutdown()


def test_wet_html_pdf_text_and_code(tmp_path):
    (tmp_path / "x.wet.gz").write_bytes(pack([record("http://w/", "größer".encode(), kind="conversion")]))
    (tmp_path / "p.html").write_bytes(b"<p>x")
    (tmp_path / "d.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "t.txt").write_bytes("caf\u00e9".encode("latin-1"))
    (tmp_path / "c.py").write_text("print(1)\n")
    (wet,), _ = read(f"wet:{tmp_path}")
    assert (wet.id, wet.text) == ("http://w/", "größer")
    (html,), _ = read(f"html:{tmp_path}")
    assert (html.id, html.text, html.raw) == ("p.html", "", b"<p>x")
    (pdf,), _ = read(f"pdf:{tmp_path}/d.pdf")
    assert (pdf.id, pdf.raw) == ("d.pdf", b"%PDF-1.4")
    (text,), _ = read(f"text:{tmp_path}", language="fr")
    assert (text.id, text.text, text.language) == ("t.txt", "café", "fr")
    (code,), _ = read(f"code:{tmp_path}")
    assert (code.text, code.language, code.metadata["programming_language"]) == ("print(1)\n", "code", "python")


def test_jsonl_with_broken_lines(tmp_path):
    lines = ['{"text": "one", "id": "x", "language": "de"}', "{broken", '{"no": 1}', '"text"', "", '{"text": " "}']
    lines += ['{"text": "two", "url": "http://u/"}', "[" * 100_000]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "three"}\n' * 3000)[:-20])
    documents, report = read(f"jsonl:{tmp_path}")
    assert [(d.id, d.text, d.language) for d in documents[:2]] == [("x", "one", "de"), ("http://u/", "two", "")]
    assert documents[2].id == "b.jsonl.gz:1"
    counted = problems(report)
    assert counted["a.jsonl"] == {"line without a JSON object with `text`": 4, "empty text": 1}
    assert counted["b.jsonl.gz"] == {"truncated file": 1}


def test_parquet(tmp_path):
    pq.write_table(pa.table({"text": ["one", None, "two"], "url": ["u1", "u2", None]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    documents, report = read(f"parquet:{tmp_path}")
    assert [(d.id, d.text) for d in documents] == [("u1", "one"), ("a.parquet:3", "two")]
    assert problems(report)["a.parquet"] == {"empty text": 1}
    assert problems(report)["b.parquet"] == {"no column `text`": 1}
    assert any("broken Parquet" in what for what in problems(report)["c.parquet"])


def test_small_files_are_gathered(tmp_path):
    for i in range(450):
        (tmp_path / f"{i:03d}.txt").write_text("text")
    shards = list_shards("books", Source(address=f"text:{tmp_path}"))
    assert [len(shard.files) for shard in shards] == [200, 200, 50]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("wrac:data", "unknown kind 'wrac'"),
        ("warc:no/such/place", "no/such/place does not exist"),
        ("pdf:{empty}", "holds no .pdf file"),
    ],
)
def test_places_that_are_not_there(address, message, tmp_path):
    with pytest.raises(CurationError, match=r"data\.sources\.web: ") as error:
        list_shards("web", Source(address=address.format(empty=tmp_path)))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_relative_places_are_found_beside_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (shard, *_) = list_shards("web", Source(address="warc:data_samples/web"))
    assert shard.root == str(REPOSITORY / "data_samples" / "web")


def test_the_broken_samples_are_read_without_an_exception():
    for kind, expected in [("warc", 1), ("pdf", 3), ("html", 1), ("text", 2)]:
        documents, report = read(f"{kind}:{SAMPLES / 'broken'}")
        assert len(documents) >= expected, kind
        assert json.dumps(problems(report))


def test_a_data_set_is_streamed_by_the_real_client(tmp_path):
    pq.write_table(pa.table({"text": ["un", "deux", "trois"], "url": ["a", "b", "c"]}), tmp_path / "train.parquet")
    documents, report = read(f"hub:{tmp_path}", limit=2, language="fr")
    assert [(d.text, d.metadata["url"], d.language) for d in documents] == [("un", "a", "fr"), ("deux", "b", "fr")]
    assert not report.problems


def test_the_hub_is_streamed(monkeypatch):
    asked = []

    def load_dataset(name, config, split, streaming):
        asked.append((name, config, split, streaming))
        if name == "none/such":
            raise FileNotFoundError("no such data set\nwith a long story")
        return iter([{"text": "one", "id": "a"}, {"text": ""}, {"text": "two", "url": "u"}, {"text": "three"}])

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    documents, report = read("hub:org/name:part:test", limit=3, language="en")
    assert [(d.id, d.text, d.language) for d in documents] == [
        ("a", "one", "en"),
        ("u", "two", "en"),
        ("org/name:part:test:4", "three", "en"),
    ]
    assert problems(report) == {"org/name:part:test": {"empty text": 1}}
    read("hub:org/name")
    assert asked == [("org/name", "part", "test", True), ("org/name", None, "train", True)]
    reason = r"hub:none/such: FileNotFoundError: no such data set; check the name and the network$"
    with pytest.raises(CurationError, match=reason):
        read("hub:none/such")


def test_files_folders_and_patterns_of_a_store(tmp_path):
    store = fsspec.filesystem("memory")
    with store.open("/bucket/b.warc.gz", "wb") as file:
        file.write(pack([record("http://b/", page("b"))]))
    with store.open("/bucket/sub/a.warc.gz", "wb") as file:
        file.write(pack([record("http://a/", page("a"))]))
    with store.open("/bucket/rows.jsonl", "wb") as file:
        file.write(b'{"text": "one"}\n')
    with store.open("/bucket/rows.parquet", "wb") as file:
        pq.write_table(pa.table({"text": ["two"]}), file)
    try:
        for place, urls in [
            ("memory://bucket", ["http://b/", "http://a/"]),
            ("memory://bucket/b.warc.gz", ["http://b/"]),
            ("memory://bucket/*/a*.gz", ["http://a/"]),
        ]:
            documents, report = read(f"warc:{place}")
            assert [d.id for d in documents] == urls and not report.problems
        assert documents[0].metadata["file"] == "memory:///bucket/sub/a.warc.gz"
        assert [d.text for d in read("jsonl:memory://bucket/rows.jsonl")[0]] == ["one"]
        assert [d.text for d in read("parquet:memory://bucket/rows.parquet")[0]] == ["two"]
        (tmp_path / "x.txt").write_text("here")
        assert [d.text for d in read(f"text:file://{tmp_path}")[0]] == ["here"]
    finally:
        store.rm("/bucket", recursive=True)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("warc:memory://none", "does not exist"),
        ("warc:sftp://10.0.0.1/x.warc.gz", "not an address that can be read; known: http://"),
        ("warc:simplecache::http://10.0.0.1/x.warc.gz", "not an address that can be read"),
        ("warc:s3://bucket/x.warc.gz", "needs the package s3fs: pip install s3fs"),
        ("warc:ftp://a/x", "not an address"),
    ],
)
def test_addresses_that_cannot_be_read(address, why):
    if "s3fs" in why and importlib.util.find_spec("s3fs"):
        pytest.skip("s3fs is installed")
    with pytest.raises(CurationError, match=rf"data\.sources\.web: .*{why}"):
        list_shards("web", Source(address=address))


def test_parquet_behind_a_server_is_read_by_ranges(monkeypatch, tmp_path):
    allow_loopback(monkeypatch)
    texts = [f"text {number} " * 2000 for number in range(400)]
    pq.write_table(pa.table({"text": texts, "bulk": texts[::-1]}), tmp_path / "x.parquet", compression="none")
    data = (tmp_path / "x.parquet").read_bytes()
    with serve(Site({"x.parquet": data, "y.parquet": data}, without_ranges={"y.parquet"})) as site:
        documents, report = read(f"parquet:{site.address}/x.parquet")
        assert [d.text for d in documents] == texts and not report.problems
        spans = [wanted.removeprefix("bytes=").split("-") for _, wanted in site.ranges]
        assert sum(int(last) - int(first) for first, last in spans) < 0.8 * len(data)  # `bulk` stays where it is
        documents, report = read(f"parquet:{site.address}/y.parquet")
        assert documents == [] and "does not serve a part" in str(problems(report))


def test_what_tools_call_the_fields_of_a_row(tmp_path):
    rows = [
        {"content": "a", "timestamp": "2024-01-02T03:04:05Z", "url": "http://a/"},
        {"text": "b", "metadata": {"url": "http://b/", "date": "2023", "language": "fr", "dump": "CC"}},
        {"raw_content": "c", "warc_date": 2022, "target_uri": "http://c/", "doc_id": 7, "lang": "de"},
        {"text": "d", "url": {"not": "text"}, "metadata": "not a table", "date": None},
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    documents, report = read(f"jsonl:{tmp_path}")
    assert not report.problems
    assert [(d.id, d.language, d.metadata) for d in documents] == [
        ("http://a/", "", {"url": "http://a/", "date": "2024-01-02T03:04:05Z"}),
        ("http://b/", "fr", {"url": "http://b/", "date": "2023", "dump": "CC"}),
        ("7", "de", {"url": "http://c/", "date": "2022"}),
        ("x.jsonl:4", "", {}),
    ]
    table = pa.table({"text": ["e"], "date": [datetime.datetime(2024, 5, 6, 7)], "url": ["http://e/"]})
    pq.write_table(table, tmp_path / "x.parquet")
    (document,), _ = read(f"parquet:{tmp_path}")
    assert document.metadata == {"url": "http://e/", "date": "2024-05-06T07:00:00"}


def test_hostile_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "MAXIMUM_LINE_BYTES", 2**20)
    lines = [
        b'\xef\xbb\xbf{"text": "with a mark"}',
        b'{"text": "caf\xe9 in Latin-1"}',
        b'{"text": "lone \\ud800 surrogate", "url": "http://\\udfff/"}',
        b'{"text": "NUL \\u0000 and raw \x00 and tab \t"}',
        b'{"text": "' + b"long " * 300_000 + b'"}',
        b'{"text": 7}',
        b'{"text": ' + b"9" * 5000 + b"}",
        b"\x00\x00\x00",
        b'{"text": "last"}',
    ]
    for name, data in [("a.jsonl", b"\r\n".join(lines)), ("b.json.gz", gzip.compress(b"\n".join(lines)))]:
        place = tmp_path / name
        place.write_bytes(data)
        documents, report = read(f"jsonl:{place}")
        texts = [d.text for d in documents]
        assert texts == ["with a mark", "café in Latin-1", "lone \ufffd surrogate", "NUL  and raw  and tab \t", "last"]
        assert all(d.id.encode() and d.text.encode() for d in documents)
        assert problems(report)[name] == {
            "line that is not UTF-8: decoded as well as possible": 1,
            "line above 1 MiB": 1,
            "empty text": 1,
            "line without a JSON object with `text`": 1,
        }


@pytest.mark.parametrize(
    ("kind", "name", "data", "why"),
    [
        ("jsonl", "x.jsonl", b"", "empty file"),
        ("jsonl", "x.jsonl.gz", b'{"text": "plain, whatever its name"}', None),
        ("jsonl", "x.jsonl", gzip.compress(b'{"text": "packed, whatever its name"}', mtime=0), None),
        ("jsonl", "x.json", b'[{"text": "a"},\n{"text": "b"}]', "a JSON array, not JSON lines"),
        ("jsonl", "x.jsonl", '{"text": "a"}'.encode("utf-16"), "UTF-16, not UTF-8: convert it"),
        ("jsonl", "x.jsonl", b"\x89PNG" + bytes(10_000), "line without a JSON object with `text`"),
        ("warc", "x.warc", gzip.compress(record("http://a/", page("a")), mtime=0), None),
        ("warc", "x.warc.gz", record("http://a/", page("a")), None),
        ("warc", "x.warc.gz", b'{"text": "a"}', "not a WARC file"),
        ("wet", "x.wet.gz", b"", "empty file"),
        ("parquet", "x.parquet", b"", "broken Parquet"),
        ("parquet", "x.parquet", b"PAR1" + bytes(100) + b"PAR1", "cannot be read"),
        ("text", "x.txt", bytes(1000), "no text"),
    ],
)
def test_files_that_are_not_what_their_name_says(tmp_path, kind, name, data, why):
    (tmp_path / name).write_bytes(data)
    documents, report = read(f"{kind}:{tmp_path}")
    found = "; ".join(what for counts in report.problems.values() for what in counts)
    assert (why in found and not documents) if why else (len(documents) == 1 and not found)


def test_a_wet_record_of_one_long_line_with_mixed_encodings(tmp_path):
    text = "größer ".encode() * 700_000 + "größer ".encode("latin-1") * 700_000
    (tmp_path / "x.wet.gz").write_bytes(pack([record("http://w/", text, kind="conversion")]))
    (document,), report = read(f"wet:{tmp_path}")
    assert len(document.text) > 9_000_000 and "\n" not in document.text and not report.problems
    assert document.metadata["content_type"] == "text/plain" and document.metadata["warc_offset"] == 0


def test_an_interrupted_download_keeps_what_came(tmp_path, monkeypatch):
    allow_loopback(monkeypatch)
    data = pack([record(f"http://a/{number}", page(f"{number} " * 500)) for number in range(200)])
    cut = len(data) // 2
    with serve(Site({"x.warc.gz": data}, break_after={"x.warc.gz": [cut]}, without_tag={"x.warc.gz"})) as site:
        documents, report = read(f"warc:{site.address}/x.warc.gz")
    assert 80 < len(documents) < 120
    assert "the connection broke after" in str(problems(report))


def test_names_from_strangers_do_not_fill_the_memory(tmp_path):
    records = [record(f"http://a/{n}", b"x", content_type=f"image/{n}") for n in range(1000)]
    (tmp_path / "x.warc.gz").write_bytes(pack(records))
    _, report = read(f"warc:{tmp_path}")
    assert sum(report.skipped.values()) == 1000 and len(report.skipped) == 201 and report.skipped["other"] == 800


def test_what_is_no_file_is_counted_and_never_waited_for(tmp_path):
    (tmp_path / "good.html").write_bytes(page("words"))
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "circle.html").symlink_to(tmp_path / "circle.html")
    (tmp_path / "endless.html").symlink_to("/dev/zero")
    (tmp_path / "nowhere.html").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe.html")
    documents, report = read(f"html:{tmp_path}")
    assert [d.id for d in documents] == ["good.html"]
    reasons = {file: list(counts) for file, counts in problems(report).items()}
    assert list(reasons) == ["circle.html", "endless.html", "nowhere.html", "pipe.html"]
    assert reasons["endless.html"] == reasons["pipe.html"] == ["cannot be read: not a regular file"]
    assert reasons["nowhere.html"] == ["cannot be read: No such file or directory"]
    assert "symbolic links" in reasons["circle.html"][0]


def test_a_folder_that_cannot_be_listed_is_counted(tmp_path, monkeypatch):
    (tmp_path / "good.html").write_bytes(page("words"))
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "x.html").write_bytes(page("words"))
    list_folder = os.scandir

    def refuse(folder="."):  # a test may run as root, whom nothing is closed to
        if os.fspath(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(folder))
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    documents, report = read(f"html:{tmp_path}")
    assert [d.id for d in documents] == ["good.html"]
    assert problems(report) == {"closed": {"cannot be read: Permission denied": 1}}


def test_a_file_name_that_is_no_utf8_is_read_under_a_name_that_can_be_written(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("Water comes from wells.")
    (shard,) = list_shards("web", Source(address=f"text:{tmp_path}"))
    (document,) = read_shard(shard, Report())
    assert document.id == document.metadata["file"] == r"caf\xe9.txt"
