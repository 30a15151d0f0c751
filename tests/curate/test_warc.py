import gzip
import io
import random
import subprocess
import sys
from collections import Counter

import pyarrow as pa
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
    [pack(RECORDS), b"".join(RECORDS), gzip.compress(b"".join(RECORDS), mtime=0), b"\r\n" + b"".join(RECORDS)],
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
        (gzip.compress(b"no WARC inside" * 100, mtime=0), "bytes that belong to no record"),
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


def test_offsets_lead_back_to_the_record():
    for join in (pack, b"".join):
        data = b"\r\n" * (join is not pack) + join(RECORDS)
        for found in read_warc(io.BytesIO(data), Counter()):
            (again,) = list(read_warc(io.BytesIO(data[found.offset :]), Counter()))[:1]
            assert (again.url, again.body, again.offset) == (found.url, found.body, 0)
    plain = b"junk that is no record\r\n".join([b"", *RECORDS])[len(b"junk that is no record\r\n") :]
    data = RECORDS[0] + b"WARC/1.0 header without end " * 5000 + plain
    offsets = [found.offset for found in read_warc(io.BytesIO(data), Counter())]
    # The last of the headers without end takes the record after it along.
    assert len(offsets) == 5 and all(data.startswith(b"WARC/1.0\r\n", offset) for offset in offsets)


def test_zstd_is_read_without_offsets():
    packed = pa.Codec("zstd").compress(b"".join(RECORDS), asbytes=True)
    found = list(read_warc(io.BytesIO(packed), Counter()))
    assert [record.url for record in found] == list(PAGES) and {record.offset for record in found} == {-1}


def test_a_body_that_unpacks_without_end_is_skipped(monkeypatch):
    monkeypatch.setattr(warc, "MAXIMUM_RECORD_BYTES", 2**20)
    bomb = gzip.compress(b"a" * 50 * 2**20)
    raw = record("http://bomb/", bomb, content_type="text/html\r\nContent-Encoding: gzip")
    small = record("http://small/", gzip.compress(b"hello"), content_type="text/html\r\nContent-Encoding: gzip")
    pages, problems = read(pack([raw, small]))
    assert pages == {"http://small/": b"hello"}
    assert problems == {"record that unpacks to more than 1 MiB": 1}


@pytest.mark.parametrize("length", [b"-5", b"99999999999999999999999999", b"ten", b"", b"5 5"])
def test_lengths_that_are_none(length):
    odd = record("http://odd/", b"hello").replace(b"Content-Length: 64", b"Content-Length: " + length)
    assert b"Content-Length: " + length + b"\r" in odd
    pages, problems = read(pack([RECORDS[0], odd, RECORDS[1]]))
    assert list(pages)[0::2] == ["http://site/0", "http://site/1"] and problems


def test_a_length_beyond_the_limit_costs_one_record_where_members_end():
    lying = record("http://odd/", b"hello", length=500 * 2**20)
    pages, problems = read(pack([RECORDS[0], lying, RECORDS[1]]))
    assert pages == only(0, 1)
    assert problems == {"record above 64 MiB": 1, "wrong Content-Length": 1}


def test_nul_bytes_and_odd_characters_are_kept():
    raw = record("http://a/\x00\u202e", b"<p>a\0b\xff\xfe</p>")
    (found,) = read_warc(io.BytesIO(pack([raw])), Counter())
    assert found.body == b"<p>a\0b\xff\xfe</p>"


def test_no_random_damage_raises():
    rng = random.Random(5)
    for data in (pack(RECORDS), b"".join(RECORDS)):
        for _ in range(150):
            broken = bytearray(data)
            for _ in range(rng.randint(1, 6)):
                place, size = rng.randrange(len(broken)), rng.randint(1, 300)
                broken[place : place + rng.choice([0, size])] = rng.randbytes(rng.choice([0, 1, size]))
            pages, _ = read(bytes(broken))
            assert len(pages) <= 6


MEASURE = """
import resource, sys
from collections import Counter
from smollab.curate.warc import read_warc

class Endless:
    # A file too large to be written: a head, then the same megabyte again and again.
    def __init__(self, head, tail, size):
        self.rest, self.tail, self.left = head, tail, size
    def read(self, size):
        if not self.rest and self.left > 0:
            self.rest, self.left = self.tail, self.left - len(self.tail)
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

size = 300 * 2**20
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for head, tail in {cases}:
    problems = Counter()
    records = [len(r.body) for r in read_warc(Endless(head, tail, size), problems)]
    print(len(records), dict(problems), file=sys.stderr)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_stays_bounded_whatever_a_file_claims():
    header = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n"
    megabyte = b"x" * 2**20
    cases = [
        (header % (500 * 2**20), megabyte),  # a record of 500 MB
        (header % 10, megabyte),  # one that says it has ten bytes
        (b"WARC/1.0\r\n", megabyte),  # a header of 300 MB
        (b"WARC/1.0\r\n\r\n", b"\r\n" * 2**19),  # empty lines without end
        (header % 0 + b"\r\n\r\n", megabyte),  # garbage after a record
    ]
    code = MEASURE.format(cases="CASES").replace("CASES", repr(cases).replace(repr(megabyte), "b'x' * 2**20"))
    code = code.replace(repr(b"\r\n" * 2**19), "b'\\r\\n' * 2**19")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert result.stderr.count("\n") == len(cases)
    assert int(result.stdout) < 400, f"{result.stdout} MiB more; {result.stderr}"


def test_memory_stays_bounded_for_a_packed_record_of_half_a_gigabyte(tmp_path):
    path = tmp_path / "big.warc.gz"
    size = 500 * 2**20
    rng = random.Random(0)
    block = rng.randbytes(2**20)  # cannot be packed, so that this is no bomb
    with path.open("wb") as file:
        file.write(pack([RECORDS[0]]))
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as member:
            member.write(b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(block)):
                member.write(block)
            member.write(b"\r\n\r\n")
        file.write(pack([RECORDS[1]]))
    code = (
        "import resource\nfrom collections import Counter\nfrom smollab.curate.warc import read_warc\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nproblems = Counter()\n"
        f"urls = [r.url for r in read_warc(open({str(path)!r}, 'rb'), problems)]\n"
        "print(urls, dict(problems), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, sep=';')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    urls, problems, grown = result.stdout.split(";")
    assert urls == "['http://site/0', 'http://site/1']"
    assert problems == "{'record above 64 MiB': 1}"
    assert int(grown) < 100, grown
