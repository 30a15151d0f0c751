import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.dedup import exact_dedup, url_dedup
from smollab.curate.dedup.exact import normalize_url
from smollab.documents import Document, Drop

from .comparing import originals, outcomes


def test_the_first_of_equal_texts_is_kept(tmp_path):
    texts = ["one", "two", "one", "three", "two", "one"]
    assert originals(exact_dedup(), tmp_path, texts) == [0, 1, 0, 3, 1, 0]


def test_case_and_white_space_do_not_matter_but_words_do(tmp_path):
    texts = ["One  two\nthree", "one two three", "one two four", "onetwo three"]
    assert originals(exact_dedup(), tmp_path, texts) == [0, 0, 2, 0]


def test_no_documents_and_odd_characters(tmp_path):
    assert outcomes(exact_dedup(), tmp_path / "none", [], []) == []
    assert originals(exact_dedup(), tmp_path / "odd", ["?", "\x00", ""]) == [0, 1, 2]


def test_shards_are_compared_with_each_other_and_order_decides(tmp_path):
    first = [Document("a", "same", "web"), Document("b", "other", "web")]
    second = [Document("c", "same", "web"), Document("d", "new", "web")]
    results = outcomes(exact_dedup(), tmp_path, first, [], second)
    assert [after.detail if isinstance(after, Drop) else after.id for _, after in results] == ["a", "b", "of a", "d"]
    assert results[2][1].reason == "exact_dedup: duplicate"
    assert results[0][1] is first[0]  # nothing is added to what stays


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://WWW.Example.org:80/A/index.html?b=2&utm_source=x&a=1#top", "example.org/A?a=1&b=2"),
        ("https://example.org/A/", "example.org/A"),
        ("https://example.org:8443/", "example.org:8443"),
        ("http://example.org/?page=2&page=1", "example.org?page=1&page=2"),
        ("http://example.org/?sidebar=1&sid=77", "example.org?sidebar=1"),
        ("http://[broken", ""),
        ("http://example.org:port/", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_addresses_are_compared_without_what_does_not_matter(url, normal):
    assert normalize_url(url) == normal


@given(st.text(max_size=60))
def test_normalizing_an_address_twice_changes_nothing(rest):
    once = normalize_url(f"http://site.org/{rest}")
    assert normalize_url(f"http://{once}") == once


def test_documents_with_the_same_address_are_dropped_and_those_without_stay(tmp_path):
    urls = ["http://a.org/x", "https://www.a.org/x/", "http://a.org/y", "", "", None]
    documents = [Document(str(i), f"text {i}", "web", "en", {"url": url}) for i, url in enumerate(urls)]
    results = outcomes(url_dedup(), tmp_path, documents)
    dropped = {before.id: (after.reason, after.detail) for before, after in results if isinstance(after, Drop)}
    assert dropped == {"1": ("url_dedup: same address", "of 0")}
