from collections import Counter

import pytest

from smollab.curate.pdf.hyphenation import count_words, join_lines


def joined(start, end, words=()):
    text, between = join_lines(start, end, Counter(words))
    return text + between + end


@pytest.mark.parametrize(
    ("start", "end", "words", "expected"),
    [
        # The document is silent: a small letter goes on with the word.
        ("the eigh-", "teenth century", [], "the eighteenth century"),
        ("l’opportu-", "nité", [], "l’opportunité"),
        ("la organiza-", "ción", [], "la organización"),
        ("a informa-", "ção", [], "a informação"),
        ("la possibi-", "lità", [], "la possibilità"),
        ("die Zusammen-", "fassung", [], "die Zusammenfassung"),
        # It knows the word, with or without its hyphen.
        ("a well-", "known", ["well-known", "well", "known"], "a well-known"),
        ("data-", "base", ["database"] * 2 + ["data", "base"] * 9, "database"),
        ("re-", "creation", ["re-creation", "recreation", "recreation"], "recreation"),
        # Both halves are words of it, and often so: a compound broken at its hyphen.
        ("two decision-", "makers", ["decision", "makers"] * 3, "two decision-makers"),
        ("un porte-", "parole", ["porte", "parole"] * 3, "un porte-parole"),
        # German nouns begin with a capital: "Bank" as a word says nothing of "bank".
        ("eine Daten-", "bank", ["Daten", "Bank"] * 5, "eine Datenbank"),
        # Capitals and digits keep the hyphen.
        ("Nord-", "Amerika", [], "Nord-Amerika"),
        ("Jean-", "Pierre", [], "Jean-Pierre"),
        ("the years 1990-", "1995", [], "the years 1990-1995"),
        ("x86-", "64", [], "x86-64"),
        # The hyphen stands for the rest of a compound.
        ("Ein-", "und Ausgabe", [], "Ein- und Ausgabe"),
        ("two-", "and three-dimensional", [], "two- and three-dimensional"),
        # Soft hyphens are never written.
        ("exam\xad", "ple", [], "example"),
        ("Donau\xad", "Dampfer", [], "DonauDampfer"),
        # Capitals throughout.
        ("INTRO-", "DUCTION", [], "INTRODUCTION"),
        # Vietnamese breaks between syllables, which are words; a hyphen is written.
        ("chuyên gia Việt-", "Mỹ", [], "chuyên gia Việt-Mỹ"),
        ("Bộ cài đặt", "Debian", [], "Bộ cài đặt Debian"),
        # Elided words.
        ("de l’", "eau", [], "de l’eau"),
        ("quand j'", "arrive", [], "quand j'arrive"),
        ("il centro dell’", "Europa", [], "il centro dell’Europa"),
        ("the dogs’", "bowls", [], "the dogs’ bowls"),
        # Dashes, addresses, ideographs.
        ("a word —", "and more", [], "a word — and more"),
        ("a word—", "and more", [], "a word—and more"),
        ("see https://example.org/some-", "thing", [], "see https://example.org/some-thing"),
        ("see https://example.org/a/", "b.html now", [], "see https://example.org/a/b.html now"),
        ("GNU/-", "Linux", [], "GNU/Linux"),
        ("und/-", "oder", [], "und/oder"),
        ("in main/debian-", "installer/amd64/image", [], "in main/debian-installer/amd64/image"),
        ("either/", "or", [], "either/ or"),
        ("日本語の", "文章", [], "日本語の文章"),
    ],
)
def test_lines_are_joined(start, end, words, expected):
    assert joined(start, end, words) == expected


def test_words_cut_by_a_break_do_not_count():
    counts = count_words(["It is an exam-", "ple of a well-known word", "and an example"])
    assert counts["example"] == 1 and counts["well-known"] == 1
    assert not counts["exam"] and not counts["ple"]
