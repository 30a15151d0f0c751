"""Token shards: what was written is read; torn, short and changed ones are refused."""

import json

import numpy as np
import pytest
import xxhash

from smollab.tokens import shards
from smollab.tokens.shards import ShardError, TokenShard, write_shard

DOCUMENTS = [([5, 6, 7], 10), ([8], 1), ([9, 10], 4)]


@pytest.fixture
def folder(tmp_path):
    write_shard(tmp_path / "web", DOCUMENTS, vocab_size=400, tokenizer_hash="hash")
    return tmp_path / "web"


def change_bytes(path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_what_was_written_is_read(folder):
    shard = TokenShard(folder)
    assert [shard.document(i).tolist() for i in range(len(shard))] == [tokens for tokens, _ in DOCUMENTS]
    header = shard.header
    assert (header.num_tokens, header.num_documents, header.num_bytes, header.tokenizer_hash) == (6, 3, 15, "hash")
    shard.verify()


def test_the_bytes_on_disk_are_little_endian(folder):
    assert (folder / "tokens.bin").read_bytes() == b"".join(n.to_bytes(2, "little") for n in (5, 6, 7, 8, 9, 10))
    assert (folder / "documents.bin").read_bytes() == b"".join(n.to_bytes(8, "little") for n in (0, 3, 4, 6))


def test_a_shard_of_no_documents(tmp_path):
    write_shard(tmp_path / "empty", [], vocab_size=400, tokenizer_hash="hash")
    shard = TokenShard(tmp_path / "empty")
    assert (len(shard), len(shard.tokens)) == (0, 0)
    shard.verify()


def test_a_shard_is_replaced_by_a_shorter_one(folder):
    write_shard(folder, DOCUMENTS[:1], vocab_size=400, tokenizer_hash="hash")
    assert len(TokenShard(folder)) == 1


@pytest.mark.parametrize("file", ["tokens.bin", "documents.bin", "header.json"])
@pytest.mark.parametrize("damage", ["missing", "short", "odd", "long", "empty"])
def test_torn_files_are_refused(folder, file, damage):
    path = folder / file
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"short": data[:-8], "odd": data[:-3], "long": data + data, "empty": b""}[damage])
    with pytest.raises(ShardError, match="smollab tokenize") as error:
        TokenShard(folder).verify()
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("key", ["dtype", "num_tokens", "checksum"])
def test_a_header_without_a_key_is_refused(folder, key):
    header = json.loads((folder / "header.json").read_text())
    del header[key]
    (folder / "header.json").write_text(json.dumps(header))
    with pytest.raises(ShardError, match=key):
        TokenShard(folder)


@pytest.mark.parametrize(("file", "place"), [("tokens.bin", 0), ("tokens.bin", 7), ("documents.bin", 8)])
def test_a_changed_bit_is_found_by_verify(folder, file, place):
    TokenShard(folder).verify()
    change_bytes(folder / file, place)
    with pytest.raises(ShardError, match="checksum"):
        TokenShard(folder).verify()


def test_a_write_that_breaks_off_leaves_no_shard(folder):
    def documents():
        yield DOCUMENTS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(folder, documents(), vocab_size=400, tokenizer_hash="hash")
    with pytest.raises(ShardError):
        TokenShard(folder)


def test_a_token_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises((OverflowError, ValueError)):
        write_shard(tmp_path / "web", [([70_000], 1)], vocab_size=400, tokenizer_hash="hash")


@pytest.fixture
def large(tmp_path):
    """A shard of three MiB and a bit, documents of about 100 KiB."""
    documents = [([i % 97] * 50_000, 1) for i in range(32)]
    write_shard(tmp_path / "large", documents, vocab_size=400, tokenizer_hash="hash")
    return tmp_path / "large"


def test_a_large_shard_is_verified_as_it_is_read(large, monkeypatch):
    monkeypatch.setattr(shards, "VERIFIED_AT_OPEN", 2**20)
    change_bytes(large / "tokens.bin", 2**20 + 5)
    shard = TokenShard(large)
    shard.check()  # reads where documents start, no token
    assert shard.document(0).tolist() == [0] * 50_000
    assert shard.document(31)[0] == 31
    with pytest.raises(ShardError, match=r"MiB 1 differs.*smollab tokenize"):
        shard.document(11)


@pytest.mark.parametrize("file", ["documents.bin", "checksums.bin"])
def test_a_large_shard_with_other_documents_is_refused_before_it_is_read(large, monkeypatch, file):
    monkeypatch.setattr(shards, "VERIFIED_AT_OPEN", 2**20)
    if file == "documents.bin":
        change_bytes(large / file, 8)
    else:
        (large / file).unlink()
    with pytest.raises(ShardError, match=r"checksums\.bin"):
        TokenShard(large).check()


def test_checksums_by_the_mib_are_those_of_the_file(large):
    data, checksums = (large / "tokens.bin").read_bytes(), np.fromfile(large / "checksums.bin", dtype="<u8")
    pieces = [data[i : i + 2**20] for i in range(0, len(data), 2**20)]
    assert checksums[:-1].tolist() == [xxhash.xxh3_64_intdigest(piece) for piece in pieces]
    assert len(pieces) == 4
