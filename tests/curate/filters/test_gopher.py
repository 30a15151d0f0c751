import pytest

from smollab.curate.filters import gopher_quality, gopher_repetition
from smollab.documents import Document, Drop
from smollab.recipe import GopherQuality, GopherRepetition

from ..making import prose


def document(text, language="en"):
    return Document("id", text, "web", language)


def test_prose_passes_unchanged():
    text = document(prose(1))
    assert gopher_repetition(GopherRepetition(top_n_grams={}, duplicate_n_grams={}))(text) is text
    assert gopher_quality(GopherQuality())(text) is text


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("word " * 31, "too few words", "31 < 50"),
        ("a " * 60, "short words", "1 characters < 3.0"),
        ("incomprehensibilities " * 60, "long words", "21 characters > 10.0"),
        ("#label having been other " * 60, "hash signs", "0.2 per word > 0.1"),
        ("label having been other ... " * 60, "ellipses", "0.2 per word > 0.1"),
        ("- having been other\n" * 60, "bullet lines", "1 > 0.9"),
        ("and then the one of two four words here...\n" * 60, "lines end in ellipsis", "1 > 0.3"),
        ("the 1234 to 5678 " * 60, "words without letters", "0.5 < 0.8"),
        ("nothing here sounds like english prose " * 60, "too few stop words", "0 < 2"),
    ],
)
def test_each_quality_rule_names_value_and_threshold(text, reason, detail):
    assert gopher_quality(GopherQuality())(document(text)) == Drop(f"gopher_quality: {reason}", detail)


def test_stop_words_are_of_the_documents_language():
    french = "Le chat de la voisine est dans le jardin et il ne veut pas rentrer. " * 8
    assert gopher_quality(GopherQuality())(document(french, "fr")) == document(french, "fr")
    assert isinstance(gopher_quality(GopherQuality())(document(french, "en")), Drop)
    assert not isinstance(gopher_quality(GopherQuality())(document(french, "xx")), Drop)  # no list: no verdict


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("same paragraph\n\n" * 4 + "another", "duplicate paragraphs"),
        ("same line\n" * 4 + "another\nand one", "duplicate lines"),
        ("short\nlonger unique line here\nsmall\n" + "x" * 30 + "\n" + "x" * 30, "characters in duplicate lines"),
        ("to be " * 40, "top 2-gram"),
    ],
)
def test_each_repetition_rule(text, reason):
    drop = gopher_repetition(GopherRepetition())(document(text))
    assert isinstance(drop, Drop)
    assert drop.reason == f"gopher_repetition: {reason}"


def test_a_threshold_of_the_recipe_decides():
    text = document("to be " * 40)
    relaxed = GopherRepetition(top_n_grams={"2": 2.0}, duplicate_n_grams={})
    assert gopher_repetition(relaxed)(text) is text
