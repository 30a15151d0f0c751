import pymupdf
import pytest

from smollab.curate.pdf import pymupdf_engine, pypdfium2_engine
from smollab.curate.pdf.letters import tidy
from smollab.curate.pdf.metadata import describe
from smollab.curate.pdf.page import FileFacts

from .made import Paper, sentences

ENGINES = {"pymupdf": pymupdf_engine, "pypdfium2": pypdfium2_engine}


def paper():
    made = Paper()
    made.new_page()
    made.text(120, 60, "Harbors of the North", size=20, font="tibo")
    made.text(200, 90, "Ada Smith and Bo Li", size=12)
    made.text(80, 130, "Abstract", size=12, font="tibo")
    made.flow([" ".join(sentences(1, 8))], [(80, 140, 500, 700)])
    return made


def test_title_and_authors_are_read_off_the_first_page_where_the_file_says_nothing():
    assert {"title": "Harbors of the North", "authors": "Ada Smith, Bo Li"}.items() <= paper().read().metadata.items()


@pytest.mark.parametrize("nothing", ["", "untitled", "Microsoft Word - report.doc", "paper_final.tex", "file:///x/y"])
def test_a_title_that_a_program_wrote_is_none(nothing):
    made = paper()
    made.document.set_metadata({"title": nothing, "author": "user"})
    assert made.read().metadata["title"] == "Harbors of the North"
    made.document.set_metadata({"title": "Ports", "author": "C. Dee"})
    assert {"title": "Ports", "authors": "C. Dee"}.items() <= made.read().metadata.items()


def test_what_is_not_known_is_left_out():
    assert describe(FileFacts(), [], []) == {}
    assert describe(FileFacts(language="de-AT"), [], []) == {"declared_language": "de-AT"}


def test_language_and_links_to_elsewhere():
    made = paper()
    made.tobytes()  # the text is on the page now
    made.document.set_language("pt")
    made.document[0].insert_link({"kind": 2, "from": pymupdf.Rect(80, 140, 200, 160), "uri": "https://example.org/a"})
    found = made.read().metadata
    assert found["declared_language"] == "pt" and found["links"] == ["https://example.org/a"]


@pytest.mark.parametrize("engine", ENGINES)
def test_rulings_pictures_and_lines_lie_where_a_turned_page_shows_them(engine):
    made = Paper(width=400, height=600)
    made.new_page()
    made.text(50, 100, "Hello there")
    made.tobytes()
    page = made.document[0]
    page.draw_line((20, 300), (380, 300))
    page.draw_rect((50, 110, 150, 140))
    page.set_rotation(90)
    read = ENGINES[engine].open_pdf(made.document.tobytes()).read_page(1)
    assert (read.width, read.height) == (600, 400)
    (text,) = read.lines
    assert text.turn == 1 and 495 < text.box[0] < text.box[2] < 515 and abs(text.box[1] - 50) < 2
    assert any(abs(x0 - 300) < 2 and y1 - y0 > 355 for x0, y0, _, y1 in read.vertical_rulings)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("eﬃcient  ﬂow", "efficient flow"),
        ("\x1cnd the \x1dow, o\x1bers o\x1eces", "find the flow, offers offices"),  # codes of T1
        ("\x0cnd the \row o\x0bers", "find the flow offers"),  # codes of OT1
        ("one\x0c two\r", "onefi two"),
        ("caf´e d´ej`a", "café déjà"),
        ("fa¸cade gar¸con", "façade garçon"),
        ("¨uber na¨ıve", "über naïve"),
        ("a `quoted' word", "a `quoted' word"),
        ("50 ˚ C and ~/dir", "50 ˚ C and ~/dir"),
        ("exam\xad", "exam\xad"),
        ("co\xadoperate", "cooperate"),
        ("e\u0301tude", "étude"),
    ],
)
def test_letters(raw, text):
    assert tidy(raw) == text
