"""What spaCy's tokenizers split, split by us; each expectation was taken from spaCy 3.8's blank pipelines."""

import time

import pytest

from smollab.curate.word_affixes import split_piece, splitter


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "(I can't, e.g. U.S.-based)", "( I ca n't , e.g. U.S.-based )"),
        ("en", "Wi-Fi costs $5.50 or 10km/h?", "Wi - Fi costs $ 5.50 or 10 km/h ?"),
        ("en", "io.BufferedIOBase and os.path", "io . BufferedIOBase and os.path"),
        ("en", "the printer's cannot 1-2", "the printer 's can not 1 - 2"),
        ("de", "Blu-ray-Medien (z.B. am 4. Mai), etc.", "Blu-ray-Medien ( z.B. am 4. Mai ) , etc."),
        ("fr", "l'école, est-ce qu'il dit-il ?", "l' école , est -ce qu' il dit -il ?"),
        ("fr", "un double-clic vers Attribution-Share", "un double-clic vers Attribution - Share"),
        ("es", "el debian-installer: 10% más", "el debian-installer : 10% más"),
        ("it", "dell'acqua e un po' d'aria", "dell' acqua e un po' d' aria"),
        ("pt", "torna-se guarda-chuva.", "torna-se guarda-chuva ."),
        ("vi", "Thời tiết (xấu).", "Thời tiết ( xấu ) ."),
        ("es", "bu\u0301squeda", "bu\u0301squeda"),  # letters and their marks, written apart
    ],
)
def test_splits_as_spacy_does(language, text, words):
    assert splitter(language)(text) == words.split()


def test_chinese_and_japanese_characters_are_words():
    assert split_piece("東京は2024年", "en") == ["東", "京", "は", "2024", "年"]


@pytest.mark.parametrize(
    "piece", ["(" * 900, "a-" * 450, "." * 990, "'" * 999, "x" * 10_000_000, "a.b@" * 240, "1," * 499]
)
def test_odd_pieces_cost_little(piece):
    start = time.process_time()
    assert "".join(split_piece(piece, "en")) == piece
    assert time.process_time() - start < 5
