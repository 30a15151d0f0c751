import re
from functools import cache
from itertools import pairwise

import pymupdf
import pytest

from smollab.curate.pdf import extract_pdf, pymupdf_engine, pypdfium2_engine
from smollab.curate.pdf.markdown import find_place, text_of_pages
from smollab.curate.pdf.read import read_document
from smollab.documents import Document
from smollab.recipe import ExtractPdf

from ..making import SAMPLES
from .made import Paper, sentences

ENGINES = {"pymupdf": pymupdf_engine, "pypdfium2": pypdfium2_engine}


def read(raw, engine="pymupdf"):
    file = ENGINES[engine].open_pdf(raw)
    try:
        return read_document(file)
    finally:
        file.close()


@cache
def news():
    return read((SAMPLES / "pdf" / "latex3-news.pdf").read_bytes())


def letters(text):
    return re.sub(r"[\W_]+", "", text).lower()


def is_in(inner, outer):
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] - 2 <= x <= outer[2] + 2 and outer[1] - 2 <= y <= outer[3] + 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["refcard.de", "project-history.fr"])
def test_each_character_can_be_shown_on_the_page_it_came_from(engine, name):
    """What stands in a place's box on its page, read anew by MuPDF, holds the letters of the text at that place."""
    raw = (SAMPLES / "pdf" / f"{name}.pdf").read_bytes()
    result = read(raw, engine)
    covered = sum(place.end - place.start for place in result.places)
    marks = len(re.findall(r"\s|[#*`-]", result.text))
    assert covered >= 0.97 * (len(result.text) - marks)
    assert all(a.end <= b.start for a, b in pairwise(result.places))
    found = asked = 0
    with pymupdf.open(stream=raw) as document:
        words_on = [[(w[:4], letters(w[4])) for w in page.get_text("words")] for page in document]
    for place in result.places:
        words = [letters(word) for word in result.text[place.start : place.end].split()]
        words = [word for word in words if len(word) > 3 and word.isascii()]
        there = "".join(word for box, word in words_on[place.page - 1] if is_in(box, place.box))
        asked += len(words)
        found += sum(word in there for word in words)
    assert asked > 200
    # The rest: halves of words that a hyphen cut, and words that tables were mended from.
    assert found >= 0.97 * asked


def test_a_character_between_places_is_a_mark_or_white_space():
    result = news()
    for at in range(0, len(result.text), 37):
        if find_place(result.places, at) is None:
            assert result.text[at] in " \n#`-|[]^:0123456789"


def test_the_text_of_some_pages():
    result = news()
    third = text_of_pages(result.text, result.places, [3])
    assert third in result.text and len(third) > 1000
    assert text_of_pages(result.text, result.places, [99]) == ""


def test_a_page_keeps_the_mark_of_the_heading_that_it_begins_with():
    result = news()
    begin = {place.page: place.start for place in reversed(result.places)}
    headed = [page for page, start in begin.items() if result.text[start - 2 : start] == "# "]
    assert headed
    assert all(text_of_pages(result.text, result.places, [page]).startswith("#") for page in headed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turned_pages_read_the_same_and_their_places_are_as_shown(engine, rotation):
    paper = Paper()
    paper.new_page()
    body = sentences(2, 12)
    paper.flow([" ".join(body[:6]), " ".join(body[6:])], [(54, 60, 297, 700), (315, 60, 558, 700)])
    upright = read(paper.tobytes(), engine)
    paper.document[0].set_rotation(rotation)
    raw = paper.document.tobytes()
    result = read(raw, engine)
    assert result.text == upright.text
    with pymupdf.open(stream=raw) as document:
        shown = pymupdf.Rect(-1, -1, document[0].rect.width + 1, document[0].rect.height + 1)
        turn = document[0].rotation_matrix
        words = [((pymupdf.Rect(w[:4]) * turn).normalize(), w[4]) for w in document[0].get_text("words")]
    for place in result.places:
        assert pymupdf.Rect(place.box) in shown
        there = [word for box, word in words if is_in(box, place.box)]
        assert result.text[place.start : place.end].split()[0] in there


def test_text_that_runs_upwards_is_read_and_a_stamp_beside_the_text_is_not():
    body = sentences(3, 10)
    sideways, stamped = pymupdf.open(), pymupdf.open()
    page = sideways.new_page(width=600, height=800)
    for k, sentence in enumerate(body):
        page.insert_text((60 + 14 * k, 760), sentence, fontsize=10, rotate=90)
    result = read(sideways.tobytes())
    assert [result.text.index(sentence[:14]) for sentence in body] == sorted(result.text.index(s[:14]) for s in body)
    first = find_place(result.places, 0).box
    assert first[3] - first[1] > 100 > first[2] - first[0]  # as shown: upright strips
    page = stamped.new_page(width=600, height=800)
    for k, sentence in enumerate(body):
        page.insert_text((60, 60 + 14 * k), sentence, fontsize=10)
    page.insert_text((30, 500), "preprint:2101.00001v2 [cs.CL] 3 Jan 2021", fontsize=18, rotate=90)
    result = read(stamped.tobytes())
    assert "preprint" not in result.text and body[9] in result.text
    assert "rotated" in {block.kind for block in result.blocks}


def test_places_are_kept_when_asked_for():
    raw = (SAMPLES / "pdf" / "refcard.fr.pdf").read_bytes()
    document = Document("refcard.pdf", "", "pdf", raw=raw)
    assert "places" not in extract_pdf(document, ExtractPdf()).metadata
    kept = extract_pdf(document, ExtractPdf(keep_places=True))
    assert [tuple(place[:3]) for place in kept.metadata["places"]] == [place[:3] for place in read(raw).places]
    start, end, *_ = kept.metadata["places"][0]
    assert kept.text[start:end].strip()
