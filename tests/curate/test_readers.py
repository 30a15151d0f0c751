import gzip
import json
import sys
import threading
import types
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smollab.curate.errors import CurationError
from smollab.curate.fetch import ALLOW_LOOPBACK
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Source

from .making import REPOSITORY, SAMPLES, pack, page, record, write_warc


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
        monkeypatch.setenv(ALLOW_LOOPBACK, "1")
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
