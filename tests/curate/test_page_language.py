"""The language of a PDF is the average over its pages, and short or numeric pages have no say."""

import pytest

from smollab.curate.page_language import average_languages, identify_page_language, split_pages
from smollab.documents import Document, Drop
from smollab.recipe import Curate, PageLanguage
from tests.curate.test_language import SENTENCES

ENGLISH, FRENCH = SENTENCES["en"] + "\n", SENTENCES["fr"] + "\n"


def pdf(*pages: str) -> Document:
    starts = [sum(map(len, pages[:k])) for k in range(len(pages))]
    return Document("x.pdf", "".join(pages), "pdf", metadata={"page_starts": starts})


def step(by_language=None, **settings):
    return identify_page_language(PageLanguage(**settings), Curate().language.languages, by_language or {})


def test_pages_are_cut_where_extraction_said():
    assert list(split_pages(pdf("one ", "two ", "three"))) == ["one ", "two ", "three"]
    assert list(split_pages(Document("id", "no pages", "web"))) == ["no pages"]


def test_the_average_counts_pages_not_characters():
    averages = average_languages(iter([ENGLISH * 50, FRENCH, FRENCH]), PageLanguage())
    assert averages["fr"] == pytest.approx(2 / 3, abs=0.02)
    assert averages["en"] == pytest.approx(1 / 3, abs=0.02)


def test_short_pages_numbers_and_tables_have_no_say():
    numbers = "2021 1,234.50 17 % " * 40
    table = "| The | house | of | the | rising | sun | is | in | New | Orleans |\n" * 9
    averages = average_languages(iter([FRENCH, "A title", numbers + "and a few words of English here", table]),
                                 PageLanguage())  # fmt: skip
    assert averages["fr"] > 0.9 and averages.get("en", 0) == 0


def test_keeps_names_and_drops():
    kept = step()(pdf(FRENCH, FRENCH, ENGLISH))
    assert kept.language == "fr" and 0.6 < kept.metadata["language_score"] < 0.7
    drop = step({"fr": {"page_language.minimum_score": 0.9}})(pdf(FRENCH, FRENCH, ENGLISH))
    assert isinstance(drop, Drop) and drop.reason == "page_language: uncertain" and "< 0.9" in drop.detail
    assert step(languages=("en",))(pdf(FRENCH)).reason == "page_language: not one of ours"
    other = step(languages=("en", "other"))(pdf(FRENCH))
    assert (other.language, other.metadata["language_found"]) == ("other", "fr")


def test_a_document_of_short_pages_is_looked_at_as_a_whole():
    assert step()(pdf(*[word + " " for word in ENGLISH.split()])).language == "en"
    assert step()(pdf("1 2 3")).reason == "page_language: not one of ours"
