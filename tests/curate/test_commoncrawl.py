import gzip
import json
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smollab.curate import commoncrawl, fetch
from smollab.curate.errors import CurationError
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Source

from .making import page, prose, record
from .serving import Site, allow_loopback, serve

CRAWL = "crawl-data/CC-MAIN-2024-10/segments/1/warc"


def build():
    """Two WARC files of nine pages, and the rows of their index."""
    files, rows = {}, []
    for number in range(2):
        data = b""
        for place in range(9):
            host = ["example.org", "news.example.org", "other.example"][place % 3]
            url = f"https://{host}/{number}/{place}"
            packed = gzip.compress(record(url, page(prose(number * 100 + place))), mtime=0)
            rows.append({
                "urlkey": url, "timestamp": "20240501000000", "url": url, "mime": "text/html",
                "mime-detected": "application/pdf" if place == 4 else "text/html",
                "status": "404" if place == 3 else "200", "languages": "fra" if place == 6 else "eng,deu",
                "filename": f"{CRAWL}/{number}.warc.gz", "offset": str(len(data)), "length": str(len(packed)),
                **({"truncated": "length"} if place == 7 else {}),
            })  # fmt: skip
            data += packed
        files[f"{CRAWL}/{number}.warc.gz"] = data
    return files, sorted(rows, key=lambda row: row["url"])


FILES, ROWS = build()
PAGE = 4
"""Rows in a page of the server's answer."""


def index_server(handler, path):
    """Answer as pywb's CDX server does."""
    name, _, query = path.partition("?")
    if name != "CC-MAIN-2024-10-index":
        return False
    asked = {key: values[0] for key, values in parse_qs(query).items()}
    assert asked["output"] == "json" and asked["filter"] == "=status:200"
    domain = asked["url"].removeprefix("*.").removesuffix("/*")
    rows = [row for row in ROWS if f"{domain}/" in row["url"] and row["status"] == "200"]
    if "showNumPages" in asked:
        body = json.dumps({"pages": -(-len(rows) // PAGE), "pageSize": PAGE, "blocks": 1}).encode()
    else:
        rows = rows[int(asked["page"]) * PAGE :][:PAGE]
        body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
    return True


@pytest.fixture
def site(monkeypatch):
    allow_loopback(monkeypatch)
    monkeypatch.setattr(fetch, "BACK_OFF_S", 0.001)
    with serve(Site(dict(FILES)), index_server) as running:
        monkeypatch.setattr(commoncrawl, "INDEX_SERVER", running.address + "/{crawl}-index")
        monkeypatch.setattr(commoncrawl, "DATA", running.address + "/")
        yield running


def read(address, journal=None, **options):
    report = Report()
    shards = list_shards("web", Source(address=address, **options))
    documents = []
    for number, shard in enumerate(shards):
        documents += read_shard(shard, report, journal and journal / f"{number}.fetched")
    return documents, report


def expected(*conditions):
    rows = [row for row in ROWS if row["status"] == "200" and all(condition(row) for condition in conditions)]
    return [(row["url"], row["filename"], int(row["offset"])) for row in rows]


def found(documents):
    return [(d.id, d.metadata["file"], d.metadata["warc_offset"]) for d in documents]


def of_example_org(row):
    return "example.org/" in row["url"]


def test_pages_of_a_domain_by_the_index_server(site):
    documents, report = read("cc:CC-MAIN-2024-10?url=*.example.org/*")
    assert found(documents) == expected(of_example_org)
    assert not report.problems
    assert len(list_shards("web", Source(address="cc:CC-MAIN-2024-10?url=*.example.org"))) == 3
    first = documents[0]
    assert first.raw == page(prose(0)) and first.metadata["date"] == "2024-05-01T00:00:00Z"
    assert (first.metadata["content_type"], first.metadata["charset"]) == ("text/html", "utf-8")
    assert [d.id for d in documents if "truncated" in d.metadata] == [
        f"https://news.example.org/{n}/7" for n in range(2)
    ]
    # Only the bytes of the pages were asked for.
    wanted = {(row["filename"], f"bytes={row['offset']}-{int(row['offset']) + int(row['length']) - 1}") for row in ROWS}
    assert set(site.ranges) <= wanted and len(site.ranges) == len(documents)


def test_the_index_server_named_by_its_address_and_a_limit(site):
    documents, _ = read(f"cc:{site.address}/CC-MAIN-2024-10-index?url=*.example.org", limit=6)
    assert found(documents) == expected(of_example_org)[:6]


@pytest.mark.parametrize("form", ["cdx-00000.gz", "index.cdxj", "part-0.parquet", "folder"])
def test_index_files(site, tmp_path, form):
    lines = b"!meta {}\n" + b"".join(f"{row['urlkey']} {row['timestamp']} {json.dumps(row)}\n".encode() for row in ROWS)
    place = tmp_path / form
    if form == "folder":
        place.mkdir()
        for number in range(2):
            (place / f"cdx-{number}.gz").write_bytes(gzip.compress(b"\n".join(lines.splitlines()[number::2])))
    elif form.endswith(".parquet"):
        names = {"url": "url", "status": "fetch_status", "mime": "content_mime_type", "filename": "warc_filename",
                 "mime-detected": "content_mime_detected", "languages": "content_languages"}  # fmt: skip
        columns = {new: [row[old] for row in ROWS] for old, new in names.items()}
        columns["fetch_status"] = [int(status) for status in columns["fetch_status"]]
        columns["warc_record_offset"] = [int(row["offset"]) for row in ROWS]
        columns["warc_record_length"] = [int(row["length"]) for row in ROWS]
        columns["content_truncated"] = [row.get("truncated") for row in ROWS]
        pq.write_table(pa.table(columns), place)
    else:
        place.write_bytes(gzip.compress(lines) if form.endswith(".gz") else lines)

    def ask(query):
        return sorted(found(read(f"cc:{place}?{query}")[0]))

    assert ask("url=*.example.org") == sorted(expected(of_example_org))
    assert ask("") == sorted(expected())
    assert ask("language=fra") == sorted(expected(lambda row: row["languages"] == "fra"))
    assert ask("mime=application/pdf") == sorted(expected(lambda row: row["mime-detected"] == "application/pdf"))
    assert ask("url=news.example.org/1/*") == sorted(expected(lambda row: "//news.example.org/1/" in row["url"]))
    assert ask("url=www.Other.example/0/2/") == sorted(expected(lambda row: row["url"].endswith("other.example/0/2")))


def test_records_on_this_machine(tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "index.cdxj").write_text("\n".join(map(json.dumps, ROWS)))
    for data in (tmp_path, f"file://{tmp_path}/"):
        documents, report = read(f"cc:{tmp_path}/index.cdxj?data={data}")
        assert found(documents) == expected() and not report.problems


def test_pages_that_cannot_be_fetched_are_counted(site):
    name = f"{CRAWL}/0.warc.gz"
    data = bytearray(site.files[name])
    row = next(row for row in ROWS if row["url"] == "https://example.org/0/0")
    data[int(row["offset"]) + 30 : int(row["offset"]) + 60] = bytes(30)
    site.files[name] = bytes(data)
    del site.files[f"{CRAWL}/1.warc.gz"]
    documents, report = read("cc:CC-MAIN-2024-10?url=*.example.org")
    assert found(documents) == [row for row in expected(of_example_org) if "/0/" in row[0]][1:]
    counted = {}
    for problems in report.problems.values():
        for what, count in problems.items():
            counted[what] = counted.get(what, 0) + count
    assert counted["page not fetched: the server answered 404 Not Found"] == 5
    assert counted["the index leads to another record"] == 1


def test_a_place_that_is_down_ends_the_part_soon(site, tmp_path):
    for name in FILES:
        site.files.pop(name)
    index = tmp_path / "index.cdxj"
    index.write_text("\n".join(json.dumps({**row, "status": "200"}) for row in ROWS * 100))
    documents, report = read(f"cc:{index}")
    assert documents == [] and sum(site.requests.values()) < 50
    assert any("404" in what for problems in report.problems.values() for what in problems)


HOSTILE = [
    "no json", "{broken", "[1]", '"text"', "{}", "[" * 100_000,
    *(
        json.dumps({**ROWS[0], **change})
        for change in (
            {"filename": "../../etc/passwd"}, {"filename": "/etc/passwd"}, {"filename": "http://10.0.0.1/x"},
            {"filename": 7}, {"offset": "-1"}, {"length": "0"}, {"length": str(10**12)}, {"offset": "many"},
            {"filename": "a\\b"},
        )
    ),
]  # fmt: skip


def test_hostile_index_lines_are_counted(site, tmp_path):
    index = tmp_path / "index.cdxj"
    index.write_text("\n".join([*HOSTILE, json.dumps(ROWS[0])]))
    documents, report = read(f"cc:{index}")
    assert [d.id for d in documents] == [ROWS[0]["url"]]
    (problems,) = report.problems.values()
    assert problems == {"index line that cannot be read": len(HOSTILE)}


def test_an_interrupted_reading_goes_on_without_fetching_again(site, tmp_path):
    address = "cc:CC-MAIN-2024-10?url=*.example.org"
    whole, _ = read(address)
    site.requests.clear()
    # Interrupted after two documents; then the journal loses the end of its last entry, as in a power cut.
    (shard, *_) = list_shards("web", Source(address=address))
    interrupted = read_shard(shard, Report(), tmp_path / "0.fetched")
    assert [next(interrupted).id, next(interrupted).id] == [d.id for d in whole[:2]]
    interrupted.close()
    journal = tmp_path / "0.fetched-0"
    journal.write_bytes(journal.read_bytes()[:-10])
    # A page that failed is not there suddenly: the numbers of the documents must not change.
    again, report = read(address, tmp_path)
    assert found(again) == found(whole) and [d.raw for d in again] == [d.raw for d in whole]
    site.files.clear()
    again, report = read(address, tmp_path)
    assert found(again) == found(whole) and not report.problems


def test_failures_are_remembered_too(site, tmp_path):
    address = "cc:CC-MAIN-2024-10?url=*.example.org"
    lost = site.files.pop(f"{CRAWL}/1.warc.gz")
    before, report = read(address, tmp_path)
    site.files[f"{CRAWL}/1.warc.gz"] = lost
    again, report_again = read(address, tmp_path)
    assert found(before) == found(again) and report.problems == report_again.problems != {}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("cc:CC-MAIN-2024-10", "say which pages"),
        ("cc:CC-MAIN-2024-10?url=*", "say which pages"),
        ("cc:CC-MAIN-2024-10?url=a.example&mimes=x", "unknown parameter 'mimes'; did you mean 'mime'"),
        ("cc:CC-MAIN-1999-99?url=a.example", r"the index cannot be asked: .*404"),
        ("cc:no/such/file.gz?url=a.example", "is no crawl"),
        ("cc:docs?url=a.example", "holds no index file"),
    ],
)
def test_addresses_that_are_none(site, address, why):
    with pytest.raises(CurationError, match=rf"data\.sources\.web: .*{why}"):
        list_shards("web", Source(address=address))


def test_a_server_that_is_no_index(site):
    site.files["CC-MAIN-2024-11-index?url=a.example&output=json&filter=%3Dstatus%3A200&showNumPages=true"] = b"<html>"
    with pytest.raises(CurationError, match="does not answer as an index server does"):
        list_shards("web", Source(address="cc:CC-MAIN-2024-11?url=a.example"))


def test_private_networks_are_refused():
    with pytest.raises(CurationError, match="private network: refused"):
        list_shards("web", Source(address="cc:http://127.0.0.1:9/x-index?url=a.example"))
