"""Repair of Unicode: what is broken is mended, what belongs to a script stays."""

import pytest

from smollab.curate.steps import make_step
from smollab.curate.unicode import fix_unicode, repair_unicode
from smollab.documents import Document
from smollab.recipe import Curate


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("Itâ€™s the clientâ€™s job, isnâ€™t it", "It’s the client’s job, isn’t it"),
        ("GrÃ¼ÃŸe aus KÃ¶ln", "Grüße aus Köln"),
        ("CafÃ\xa9 aquÃ\xad", "Café aquí"),
        ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€", "привет мир"),
        ("Tiáº¿ng Viá»‡t", "Tiếng Việt"),
        ("e\u0301te\u0301", "été"),
        ("so\xadft a\u200bnd b\x00ell\ufeff", "soft and bell"),
        ("a\xa0b\r\nc\rd", "a b\nc\nd"),
        ("pay \u202egro.knab\u202c now", "pay gro.knab now"),  # an override shows it backward
        ("a\u2066b\u2069c", "abc"),
        ("left\u200e right", "left right"),
        ("zero\u200dwidth\u200c joiners", "zerowidth joiners"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("\x1b[31mred", "[31mred"),
    ],
)
def test_what_is_broken_is_mended(broken, text):
    assert repair_unicode(broken) == text


@pytest.mark.parametrize(
    "text",
    [
        "«été» — Đã được",
        "می‌خواهم",  # Persian, with a non-joiner
        "क्‍ष",  # Devanagari, with a joiner
        "👩‍👩‍👧 🏳️‍🌈",
        "ភាសា\u200bខ្មែរ",  # Khmer words are kept apart by zero-width spaces
        "שלום\u200f, עולם",
        "plain ASCII, “quotes” and ﬁ ligature",
        "ＦＵＬＬ　ＷＩＤＴＨ".replace("\u3000", " "),
        "ÂNGELO É PORTUGUÊS",
    ],
)
@pytest.mark.parametrize("thorough", [False, True])
def test_what_is_right_stays(text, thorough):
    assert repair_unicode(text, thorough=thorough) == text


def test_the_step_sees_what_the_quick_look_passes_by():
    subtle = "The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t have eyebrows."
    step = make_step("fix_unicode", Curate())
    fixed = step(Document("id", subtle, "web", metadata={"url": "x"}))
    assert isinstance(fixed, Document) and fixed.text == "The Mona Lisa doesn’t have eyebrows."
    assert fixed.metadata == {"url": "x"}


def test_a_sound_document_is_the_same_object():
    document = Document("id", "Đã được, no problem.", "web")
    assert fix_unicode(document) is document


def test_repair_is_idempotent():
    text = repair_unicode("Itâ€™s â€œfineâ€\x9d, e\u0301 \u202e \ud800", thorough=True)
    assert repair_unicode(text, thorough=True) == text


def test_the_step_mends_what_the_quick_look_of_readers_passes_over():
    read = repair_unicode("voilÃ le travail")
    assert read == "voilÃ le travail"
    assert fix_unicode(Document("a", read, "web", "fr")).text == "voilà le travail"
