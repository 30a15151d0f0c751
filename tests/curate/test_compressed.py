import gzip
import io
import random
import time
from collections import Counter

import pyarrow as pa
import pytest

from smollab.curate import compressed
from smollab.curate.compressed import read_lines, unpack

LINES = [f"line {number} ".encode() + b"x" * (number % 50) for number in range(2000)]
TEXT = b"\n".join(LINES) + b"\n"


def unpacked(data, begins=lambda opening: opening.startswith(b"line")):
    problems = Counter()
    pieces = list(unpack(io.BytesIO(data), problems, begins))
    return pieces, b"".join(piece.data for piece in pieces), problems


def lines_of(data, maximum=1000):
    problems = Counter()
    return list(read_lines(io.BytesIO(data), problems, lambda opening: opening.startswith(b"line"), maximum)), problems


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        gzip.compress(TEXT, mtime=0),
        b"".join(gzip.compress(line + b"\n", mtime=0) for line in LINES),
        gzip.compress(TEXT, mtime=0) + b"\0" * 100_000,
        zstd(TEXT),
        zstd(TEXT[:1000]) + zstd(TEXT[1000:]),
        b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd(TEXT),  # begins with a frame to be skipped
    ],
    ids=["plain", "gzip", "members", "padded", "zstd", "frames", "skippable"],
)
def test_sound_files_whatever_their_names(data):
    assert unpacked(data)[1:] == (TEXT, {})
    assert lines_of(data) == (LINES, {})


def test_offsets_are_those_of_members():
    members = [gzip.compress(line + b"\n", mtime=0) for line in LINES[:300]]
    pieces, _, _ = unpacked(b"".join(members))
    starts = [sum(map(len, members[:number])) for number in range(300)]
    assert [piece.offset for piece in pieces if piece.data] == starts
    assert {piece.offset for piece in unpacked(TEXT)[0]} == set(range(0, len(TEXT), compressed.CHUNK_BYTES))
    garbage = b"garbage" * 30_000
    pieces, _, _ = unpacked(members[0] + garbage + members[1])
    assert pieces[-1].offset == len(members[0]) + len(garbage)


def test_interleaved_members_cost_only_themselves():
    # Two writers on one file: their pieces alternate.
    rng = random.Random(3)
    noise = [bytes(rng.choices(range(97, 123), k=20_000)) for _ in range(2)]
    one, two = (gzip.compress(b"line " + text + b"\n", mtime=0) for text in noise)
    mixed = b"".join(one[i : i + 4096] + two[i : i + 4096] for i in range(0, max(len(one), len(two)), 4096))
    sound = [gzip.compress(line + b"\n", mtime=0) for line in LINES[:20]]
    found, problems = lines_of(b"".join(sound[:10]) + mixed + b"".join(sound[10:]), 10**6)
    assert [line for line in found if line in LINES] == LINES[:20]
    assert not any(text in line for text in noise for line in found)
    assert problems["corrupt gzip member"] >= 1


@pytest.mark.parametrize("cut", [1, 5, 100, 3000])
def test_truncated_gzip_keeps_whole_lines(cut):
    found, problems = lines_of(gzip.compress(TEXT)[:-cut])
    assert found == LINES[: len(found)] and len(found) > 300
    assert problems == {"truncated file": 1}


def test_broken_zstd_keeps_what_comes_before():
    rng = random.Random(0)
    lines = [b"line " + bytes(rng.choices(range(97, 123), k=100)) for _ in range(20_000)]
    first, second = (zstd(b"\n".join(half) + b"\n") for half in (lines[:10_000], lines[10_000:]))
    for broken, problem in [
        (first + second[: len(second) // 2], "truncated file"),
        (first + b"no frame at all" + second, "corrupt zstd data: the rest of the file is not read"),
    ]:
        found, problems = lines_of(broken)
        assert found == lines[: len(found)] and len(found) > 9_500
        assert problems == {problem: 1}


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_bombs_end_the_file(pack, monkeypatch):
    monkeypatch.setattr(compressed, "BOMB_BYTES", 4 * 2**20)
    pieces, data, problems = unpacked(pack(b"\0" * 50 * 2**20) + gzip.compress(TEXT))
    assert len(data) < 20 * 2**20
    assert len(problems) == 1 and "bomb: the rest of the file is not read" in next(iter(problems))
    assert pieces[-1].end == "broken"


def test_what_only_shrinks_well_is_no_bomb(monkeypatch):
    monkeypatch.setattr(compressed, "BOMB_BYTES", 2**20)
    log = b"".join(b"line %d: the same words again and again and again\n" % number for number in range(100_000))
    assert unpacked(gzip.compress(log))[1:] == (log, {})


def test_a_file_of_nothing_but_magic_numbers_takes_no_time():
    begin = time.process_time()
    _, data, problems = unpacked(gzip.compress(b"line") + compressed.GZIP_MAGIC * 300_000)
    assert data == b"line" and problems
    assert time.process_time() - begin < 10


def test_long_lines_are_skipped_and_counted():
    text = b"short\n" + b"y" * 300_000 + b"\nend\n" + b"z" * 300_000
    for data in (text, gzip.compress(text)):
        found, problems = lines_of(data, 2 * 2**10)
        assert found == [b"short", b"end"]
        assert problems == {"line above 0 MiB": 2}


def test_no_random_bytes_raise():
    rng = random.Random(1)
    packed = bytearray(b"".join(gzip.compress(line + b"\n", mtime=0) for line in LINES[:50]))
    for _ in range(200):
        broken = bytearray(packed)
        for _ in range(rng.randint(1, 8)):
            place, size = rng.randrange(len(broken)), rng.randint(1, 500)
            broken[place : place + rng.choice([0, 1, size])] = rng.randbytes(rng.choice([0, 1, size]))
        found, _ = lines_of(bytes(broken))
        assert len(found) <= 60
