"""Mixture statistics against counts by hand, and in a run's folder."""

import json

import pytest

from smollab.curate import statistics
from smollab.documents import Document, write_documents

DOCUMENTS = [
    Document("1", "abc", "web", "en", {"url": "https://www.debian.org/a", "date": "2023-05-01T00:00:00Z"}),
    Document("2", "Việt", "web", "vi", {"url": "http://DEBIAN.org:8080/b", "date": "2024-01-01"}),
    Document("3", "x" * 10, "pdf", "en", {"file": "a.pdf"}),
    Document("4", "?", "web", "", {"url": "http://[broken", "date": "yesterday"}),
]


def as_numbers(amount):
    return amount.documents, amount.characters, amount.bytes


def test_counts_along_every_dimension():
    found = statistics.count_mixture(iter(DOCUMENTS))
    assert {n: as_numbers(a) for n, a in found["source"].items()} == {"pdf": (1, 10, 10), "web": (3, 8, 10)}
    assert {n: as_numbers(a) for n, a in found["language"].items()} == {
        "en": (2, 13, 13), "vi": (1, 4, 6), "und": (1, 1, 1)
    }  # fmt: skip
    assert set(found["source_language"]) == {"web-en", "web-vi", "pdf-en", "web-und"}
    assert as_numbers(found["domain"]["debian.org"]) == (2, 7, 9)
    assert as_numbers(found["domain"][statistics.NO_DOMAIN]) == (2, 11, 11)
    assert {n: a.documents for n, a in found["year"].items()} == {"2023": 1, "2024": 1, statistics.NO_YEAR: 2}
    for amounts in found.values():
        assert sum(amount.bytes for amount in amounts.values()) == 20
        sizes = [amount.bytes for amount in amounts.values()]
        assert sizes == sorted(sizes, reverse=True)


def test_tokens_are_joined_by_source_and_language():
    counted = {
        "web-en": {"train_tokens": 5, "held_out_tokens": 2},
        "pdf-en": {"train_tokens": 9, "held_out_tokens": 0},
        "books-fr": {"train_tokens": 1, "held_out_tokens": 1},  # of another run
    }
    before = statistics.count_mixture(DOCUMENTS)
    found = statistics.add_tokens(before, counted)
    assert found["source"]["web"].tokens == 7
    assert found["language"]["en"].tokens == 16
    assert found["source_language"]["pdf-en"].tokens == 9
    assert found["language"]["vi"].tokens is None
    assert all(amount.tokens is None for amount in [*found["domain"].values(), *before["source"].values()])


def test_written_and_read_back(tmp_path):
    write_documents(tmp_path / "kept" / "web-en-00000.parquet", DOCUMENTS[:1])
    write_documents(tmp_path / "kept" / "pdf-en-00000.parquet", DOCUMENTS[2:3])
    counted_on_the_spot = statistics.load_statistics(tmp_path)
    written = statistics.write_statistics(tmp_path)
    assert statistics.load_statistics(tmp_path) == written == counted_on_the_spot
    stored = json.loads((tmp_path / "statistics.json").read_text(encoding="utf-8"))
    assert list(stored) == list(statistics.DIMENSIONS)
    assert stored["source"]["pdf"] == {"documents": 1, "characters": 10, "bytes": 10}
    first = (tmp_path / "statistics.json").read_bytes()
    statistics.write_statistics(tmp_path)
    assert (tmp_path / "statistics.json").read_bytes() == first


def test_nothing_curated_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="smollab curate"):
        statistics.load_statistics(tmp_path)
