import pytest

from smollab.curate.filters.c4 import c4_quality, count_sentences
from smollab.documents import Document, Drop
from smollab.recipe import C4Quality

SENTENCES = "This is one sentence. Here is another one! Is this the third? It surely is. Now the fifth."


def run(text, **settings):
    return c4_quality(C4Quality(**settings))(Document("id", text, "web", "en"))


def test_lines_that_are_no_prose_are_removed():
    text = f"{SENTENCES}\nClick here\nPlease enable JavaScript to see this page.\nWe use cookies and other things."
    assert run(text).text == SENTENCES


def test_terminal_punctuation_is_not_asked_for():
    assert run(f"{SENTENCES}\nthis line has no punctuation").text.endswith("no punctuation")


def test_citations_are_stripped():
    assert run(SENTENCES + " As found in 1999.[12] Or later.[citation needed]").text.endswith("1999. Or later.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SENTENCES + "\nLorem ipsum dolor sit amet", "lorem ipsum"),
        (SENTENCES + "\nfunction f() { return }", "curly bracket"),
        ("Only one. Or two.", "too few sentences"),
        ("", "too few sentences"),
    ],
)
def test_documents_dropped_whole(text, reason):
    assert run(text).reason == f"c4_quality: {reason}"


def test_curly_brackets_may_be_allowed():
    assert not isinstance(run(SENTENCES + "\na set {1, 2} of numbers", drop_curly_bracket=False), Drop)


def test_a_line_with_an_endless_word_is_removed():
    assert run(f"{SENTENCES}\nan endless {'x' * 1001} word").text == SENTENCES


@pytest.mark.parametrize(
    ("line", "count"),
    [("One. Two! Three?", 3), ("No end", 1), ("Wait... what", 2), ("", 0), ("version 3.11 is out.", 1)],
)
def test_count_sentences(line, count):
    assert count_sentences(line) == count
