"""Documents and drops on disk: what was written is read; a write that fails leaves nothing."""

import pytest

from smollab.documents import Document, Drop, read_documents, read_drops, write_documents, write_drops

DOCUMENTS = [
    Document("https://example.org/a", "one\ntwo", "web", "en", {"date": "2024-01-01", "score": 0.5, "list": [1, None]}),
    Document("b", "", "web"),
    Document("c", "tiếng Việt 👩‍👩‍👧 \x00 \u2028", "pdf", "vi", {"tiêu đề": "ß"}),
]


def test_documents_come_back_in_order_and_without_raw_bytes(tmp_path):
    with_raw = [Document(d.id, d.text, d.source, d.language, d.metadata, raw=b"<html>") for d in DOCUMENTS]
    assert write_documents(tmp_path / "deep" / "x.parquet", with_raw) == 3
    assert list(read_documents(tmp_path / "deep" / "x.parquet")) == DOCUMENTS


def test_several_shards_are_read_one_after_the_other(tmp_path):
    for i, document in enumerate(DOCUMENTS):
        write_documents(tmp_path / f"{i}.parquet", [document] * 300)
    ids = [d.id for d in read_documents(*sorted(tmp_path.glob("*.parquet")))]
    assert ids == [d.id for d in DOCUMENTS for _ in range(300)]


def test_drops_come_back_with_step_reason_and_detail(tmp_path):
    drops = [(d, "gopher_quality", Drop("gopher_quality: too few words", f"{i} < 50")) for i, d in enumerate(DOCUMENTS)]
    write_drops(tmp_path / "x.parquet", drops)
    read = list(read_drops(tmp_path / "x.parquet"))
    assert [(d.id, d.text, step, drop) for d, step, drop in read] == [(d.id, d.text, s, r) for d, s, r in drops]


def test_no_documents_are_a_shard_too(tmp_path):
    assert write_documents(tmp_path / "x.parquet", []) == 0
    assert list(read_documents(tmp_path / "x.parquet")) == []


def test_the_same_documents_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_documents(tmp_path / name, DOCUMENTS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_write_that_fails_leaves_the_old_shard_and_nothing_else(tmp_path):
    write_documents(tmp_path / "x.parquet", DOCUMENTS)

    def documents():
        yield DOCUMENTS[0]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_documents(tmp_path / "x.parquet", documents())
    with pytest.raises((UnicodeEncodeError, ValueError)):
        write_documents(tmp_path / "x.parquet", [Document("lone surrogate", "\ud800", "web")])
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]
    assert list(read_documents(tmp_path / "x.parquet")) == DOCUMENTS
