import gzip
import io
from collections import Counter

import pytest

from smollab.curate import warc
from smollab.curate.warc import read_warc

from .making import SAMPLES, pack, page, record

PAGES = {f"http://site/{i}": page(f"text of page {i} " * 50) for i in range(5)}
RECORDS = [record(url, body) for url, body in PAGES.items()]


def read(data, **options):
    problems = Counter()
    found = list(read_warc(io.BytesIO(data), problems, **options))
    return {r.url: r.body for r in found}, problems


def only(*numbers):
    return {f"http://site/{i}": PAGES[f"http://site/{i}"] for i in numbers}


@pytest.mark.parametrize(
    "data",
    [pack(RECORDS), b"".join(RECORDS), gzip.compress(b"".join(RECORDS)), b"\r\n" + b"".join(RECORDS)],
    ids=["member per record", "plain", "one member", "leading empty line"],
)
def test_sound_files(data):
    assert read(data) == (PAGES, {})


def test_fields_of_a_record():
    raw = record(
        "http://a/", "é".encode("latin-1"), content_type="text/html; charset=ISO-8859-1", status="404 Not Found"
    )
    (found,) = read_warc(io.BytesIO(raw), Counter())
    assert (found.status, found.content_type, found.charset, found.date) == (
        404,
        "text/html",
        "iso-8859-1",
        "2024-05-01T00:00:00Z",
    )


def test_other_record_types_are_passed_over_and_wet_is_read():
    data = pack([record("x", b"info", kind="warcinfo"), *RECORDS, record("http://w/", b"plain", kind="conversion")])
    assert read(data) == (PAGES, {})
    assert read(data, types=("conversion",)) == ({"http://w/": b"plain"}, {})


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_flipped_bytes_cost_one_record(at):
    members = [gzip.compress(r, mtime=0) for r in RECORDS]
    broken = bytearray(members[2])
    place = max(10, int(at * len(broken)))
    broken[place : place + 4] = b"\xff\x00\xff\x00"
    pages, problems = read(b"".join([*members[:2], bytes(broken), *members[3:]]))
    assert {url: body for url, body in pages.items() if url != "http://site/2"} == only(0, 1, 3, 4)
    assert sum(problems.values()) >= 1


def test_garbage_between_members_is_skipped():
    members = [gzip.compress(r, mtime=0) for r in RECORDS]
    garbage = b"\x00\x01garbage \x1f\x8b\x08 that looks like gzip" * 50
    assert read(members[0] + garbage + b"".join(members[1:])) == (PAGES, {"garbage between gzip members": 1})


@pytest.mark.parametrize("at", [0.3, 0.55, 0.83, 0.97])
def test_truncated_anywhere(at):
    data = pack(RECORDS)
    pages, problems = read(data[: int(at * len(data))])
    whole = {url: body for url, body in pages.items() if PAGES[url] == body}
    assert list(whole) == list(PAGES)[: len(whole)]
    assert len(whole) >= int(5 * at) - 1
    assert problems["truncated file"] == 1


@pytest.mark.parametrize("wrong", [10, 120, 99_999])
@pytest.mark.parametrize("join", [pack, b"".join], ids=["gzip", "plain"])
def test_wrong_content_length_costs_nothing(wrong, join):
    records = list(RECORDS)
    records[1] = record("http://site/1", PAGES["http://site/1"], length=wrong)
    assert read(join(records)) == (PAGES, {"wrong Content-Length": 1})


def test_oversized_records_are_skipped_with_a_reason(monkeypatch):
    monkeypatch.setattr(warc, "MAXIMUM_RECORD_BYTES", 2**20)
    big = record("http://big/", b"x" * 3 * 2**20)
    for join in (pack, b"".join):
        assert read(join([RECORDS[0], big, RECORDS[1]])) == (only(0, 1), {"record above 1 MiB": 1})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty file"),
        (b"<html>no WARC at all</html>" * 100, "not a WARC file"),
        (b"\x1f\x8b", "truncated file"),
        (gzip.compress(b"no WARC inside" * 100), "bytes that belong to no record"),
        (b"WARC/1.0\r\nWARC-Type: resp", "record cut off in its header"),
        (b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n", None),
    ],
)
def test_what_is_no_warc_is_said(data, problem):
    pages, problems = read(data)
    assert problem is None or (pages == {} and problems[problem] == 1)


def test_the_broken_samples():
    for name, problem in [
        ("corrupt-member", "corrupt gzip member"),
        ("truncated", "truncated file"),
        ("zero-bytes", "empty file"),
        ("not-a-warc", "not a WARC file"),
    ]:
        _, problems = read((SAMPLES / "broken" / f"{name}.warc.gz").read_bytes())
        assert problems[problem] == 1, name


def test_memory_stays_bounded(tmp_path):
    # 60 MiB of records through pieces: the splitter never holds more than a record and a piece.
    splitter = warc.RecordSplitter(Counter())
    largest = 0
    for _ in range(60):
        for _ in splitter.feed(record("http://a/", b"y" * 2**20)):
            pass
        largest = max(largest, len(splitter._buffer))
    assert largest < 3 * 2**20
