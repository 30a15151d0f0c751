"""Pages with wrong letters are told from sound ones, in PDFs that really have such maps."""

import random
import string

import pymupdf
import pytest

from smollab.curate.pdf import pymupdf_engine, pypdfium2_engine
from smollab.curate.pdf.garbled import LEAST_LOG_PROBABILITY, fit_bigrams, is_garbled, mean_log_probability, measure
from tests.curate.pdf.test_gold import PDFS

TEXT = (
    "The invention of the smiley is credited to a man who later wrote that he had no idea that he was starting "
    "something that would soon pollute all the channels of communication of the world. "
)
TEXTS = {
    "en": TEXT,
    "de": "Elf Jahre lang zeigte die Uhr am Rathausturm zehn Minuten nach vier, und niemand störte sich daran, bis sie "
    "sich am Sonntag wieder in Bewegung setzte und zum ersten Mal schlug.",
    "fr": "Pendant onze ans l'horloge de la mairie a indiqué quatre heures dix, et personne ne s'en plaignait, "
    "jusqu'au dimanche où elle s'est remise en marche devant tous les habitants.",
    "vi": "Trong suốt mười một năm chiếc đồng hồ trên tháp chỉ bốn giờ mười phút, và không ai phàn nàn về điều đó cho "
    "đến ngày chủ nhật khi nó chạy lại trước mặt mọi người.",
}


def pdf_with_map(text: str, unicode_of: dict[str, str] | None) -> bytes:
    """A PDF of Helvetica whose ToUnicode map says what is given."""
    document = pymupdf.open()
    page = document.new_page()
    words = text.split()
    for i in range(0, len(words), 10):
        page.insert_text((50, 60 + 14 * (i // 10)), " ".join(words[i : i + 10]), fontname="helv", fontsize=10)
    if unicode_of is not None:
        pairs = [
            f"<{ord(code):02X}> <{''.join(f'{ord(c):04X}' for c in letters)}>" for code, letters in unicode_of.items()
        ]
        blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
        body = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
        cmap = (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Wrong def /CMapType 2 def\n"
            f"1 begincodespacerange <00> <FF> endcodespacerange\n{body}endcmap end end"
        )
        font = page.get_fonts()[0][0]
        stream = document.get_new_xref()
        document.update_object(stream, "<<>>")
        document.update_stream(stream, cmap.encode())
        document.xref_set_key(font, "ToUnicode", f"{stream} 0 R")
    return document.tobytes()


def first_page(pdf: bytes, engine):
    file = engine.open_pdf(pdf)
    try:
        return next(iter(file.pages()))
    finally:
        file.close()


ENGINES = pytest.mark.parametrize("engine", [pymupdf_engine, pypdfium2_engine], ids=["pymupdf", "pypdfium2"])
LETTERS = string.ascii_letters


def shifted(steps: int) -> dict[str, str]:
    codes = [chr(c) for c in range(33, 127)]
    return {code: codes[(i + steps) % len(codes)] for i, code in enumerate(codes)}


def shuffled() -> dict[str, str]:
    small = list(string.ascii_lowercase)
    other = random.Random(2).sample(small, len(small))
    return dict(zip(small, other, strict=True)) | {a.upper(): b.upper() for a, b in zip(small, other, strict=True)}


WRONG = {
    "shifted by one": shifted(1),
    "shifted by 29": shifted(29),
    "shuffled": shuffled(),
    "private use": {letter: chr(0xF000 + ord(letter)) for letter in LETTERS},
    "lost letter": {"t": "\uf001"},
}


@ENGINES
@pytest.mark.parametrize("kind", WRONG)
def test_wrong_maps_are_found(kind, engine):
    page = first_page(pdf_with_map(TEXT * 4, WRONG[kind]), engine)
    assert page.lines
    assert is_garbled(page)


@ENGINES
def test_right_maps_are_not(engine):
    right = {letter: letter for letter in LETTERS}
    for unicode_of in (None, right):
        assert not is_garbled(first_page(pdf_with_map(TEXT * 4, unicode_of), engine))


@pytest.mark.parametrize(
    "name", ["latex-news", "refcard.vi", "policy.en", "project-history.de", "install.vi", "longtable"]
)
def test_real_pages_are_sound(name):
    file = pymupdf_engine.open_pdf((PDFS / f"{name}.pdf").read_bytes())
    found = [number for number in range(1, min(file.num_pages, 30) + 1, 3) if is_garbled(file.read_page(number))]
    file.close()
    assert found == []


@pytest.mark.parametrize("language", TEXTS)
def test_languages_are_far_from_their_shifts(language):
    text = TEXTS[language]
    moved = "".join(chr((ord(c) - 96) % 26 + 97) if c in string.ascii_lowercase else c for c in text)
    assert mean_log_probability(text) > LEAST_LOG_PROBABILITY + 0.3
    assert mean_log_probability(moved) < LEAST_LOG_PROBABILITY


def test_bullets_and_formulas_do_not_count_and_short_pages_are_not_judged():
    assert not measure("\n".join(f"\uf0b7 {TEXT}" for _ in range(5))).garbled
    assert not measure("qxzj wvkp").garbled
    assert not measure("").garbled
    assert not measure("Здесь написано по-русски, и это не мусор, а обыкновенный текст. " * 5).garbled


def test_signs():
    assert measure("(cid:12)(cid:3)(cid:44)" * 30).garbled
    assert measure(f"{TEXT} the\ufffde are lo\ufffdt le\ufffdters").broken == pytest.approx(3 / 210, rel=0.1)
    assert measure("%&/ §$% )(= ?`´ *+~ #'_ :;> <|^ °!§ $%& /() =?` " * 5).words < 0.1


def test_bigrams_are_probabilities():
    model = fit_bigrams(["ab ab", "ba"])
    import numpy as np

    assert np.allclose(np.exp(model).sum(axis=1), 1, atol=1e-5)
    assert model[0, 1] > model[0, 2]
