import random

import pytest

from smollab.curate.pdf.layout import arrange, finish_page, prepare_page
from smollab.curate.pdf.page import Table
from smollab.curate.pdf.pymupdf_engine import open_pdf
from smollab.curate.pdf.reading_order import read_columns

from ..making import SAMPLES
from .made import Paper, line, paragraph, sentences

WIDE = "a line of text that fills its whole column to the"  # 49 letters: 245 points


def texts(lines):
    return [[getattr(item, "text", "table") for item in column.items] for column in read_columns(lines)]


def column(x0, y0, name, rows):
    return [line(x0, y0 + 12 * k, f"{name}{k} {WIDE}"[:48], width=240) for k in range(rows)]


def names(lines):
    return ["".join(text.split()[0] for text in found) for found in texts(lines)]


def in_columns(*parts):
    return ["".join(f"{name}{k}" for k in range(rows)) for name, rows in parts]


def test_two_columns_below_a_title_and_around_a_spanning_figure():
    lines = [line(100, 40, "Title over both columns", width=400, size=16)]
    lines += column(50, 80, "a", 8) + column(310, 80, "b", 8)
    lines.append(line(60, 200, "spanning caption of a wide figure", width=480))
    lines += column(50, 240, "c", 9) + column(310, 240, "d", 7)
    expected = ["Title", *in_columns(("a", 8), ("b", 8)), "spanning", *in_columns(("c", 9), ("d", 7))]
    assert names(lines) == expected
    random.Random(3).shuffle(lines)
    assert names(lines) == expected  # the order in the file does not matter


def test_three_columns():
    lines = []
    for x, name in ((40, "a"), (220, "b"), (400, "c")):
        lines += [line(x, 100 + 12 * k, f"{name}{k} {WIDE}"[:30], width=160) for k in range(20)]
    assert names(lines) == in_columns(("a", 20), ("b", 20), ("c", 20))


def test_columns_whose_lines_are_not_at_the_same_heights():
    assert names(column(50, 80, "a", 10) + column(310, 86, "b", 9)) == in_columns(("a", 10), ("b", 9))


def test_a_line_that_sticks_out_over_the_gutter_cuts_nothing():
    lines = column(50, 80, "a", 10) + column(310, 80, "b", 10)
    lines[4].box = (50, 128, 318, 138)
    assert names(lines) == in_columns(("a", 10), ("b", 10))


def test_a_short_last_line_of_a_spanning_paragraph_stays_with_it():
    lines = [line(50, 50 + 12 * k, f"s{k} {WIDE}", width=500) for k in range(3)] + [line(50, 86, "s3 the end.")]
    lines += column(50, 120, "a", 8) + column(310, 120, "b", 8)
    assert names(lines) == in_columns(("s", 4), ("a", 8), ("b", 8))


def test_labels_beside_their_explanations_are_read_row_by_row():
    lines = []
    for k in range(6):
        y = 100 + 40 * k
        lines += [line(50, y, f"--opt{k}"), *(line(150, y + 12 * j, f"e{k}{j} {WIDE}", width=380) for j in range(2))]
    assert len(texts(lines)) == 1


def test_numbers_in_columns_are_rows_not_columns_of_text():
    lines = [line(50 + 120 * j, 100 + 12 * k, f"{k}.{j}") for k in range(6) for j in range(4)]
    assert len(texts(lines)) == 1


@pytest.mark.parametrize(("x", "main"), [(470, 50), (30, 130)])
def test_notes_in_a_margin_are_read_after_the_text(x, main):
    text = [line(main, 80 + 12 * k, f"t{k} {WIDE}", width=400) for k in range(20)]
    note = paragraph(x, 120, ["a note of", "three short", "lines here"], size=8, pitch=9)
    found = read_columns(note + text)
    assert [entry.side_note for entry in found] == [False, True]
    assert found[1].items == note


def test_a_table_over_both_columns_is_where_it_stands():
    lines = [*column(50, 80, "a", 6), *column(310, 80, "b", 6), Table((50, 170, 550, 260), [["1"]])]
    lines += column(50, 280, "c", 6) + column(310, 280, "d", 6)
    assert [found[0].split()[0] for found in texts(lines)] == ["a0", "b0", "table", "c0", "d0"]


def test_the_blocks_of_authors_side_by_side():
    left = [line(100 - 2.5 * len(t), 80 + 12 * k, t) for k, t in enumerate(["Ada Smith", "University of X", "Oslo"])]
    right = [line(400 - 2.5 * len(t), 80 + 12 * k, t) for k, t in enumerate(["Bo Li", "Institute Y", "a long town"])]
    assert texts(left + right) == [["Ada Smith", "University of X", "Oslo"], ["Bo Li", "Institute Y", "a long town"]]


def test_a_two_column_paper_with_title_figure_footnote_and_table_keeps_the_order_it_was_written_in():
    paper = Paper()
    paper.new_page()
    paper.text(120, 60, "A Study of Harbors in Winter", size=18, font="tibo")
    paper.text(250, 80, "Ann Author", size=11)
    body = sentences(1, 140)
    parts = [" ".join(body[k : k + 5]) for k in range(0, len(body), 5)]
    left, right = (54, 120, 297, 660), (315, 120, 558, 720)
    lower = [(54, 300, 297, 720), (315, 300, 558, 720)]
    paper.page.draw_line((54, 668), (120, 668))
    paper.text(60, 680, "1 A footnote about the harbor.", size=8)
    paper.flow(parts, [left, right, None, *lower, None, *lower])
    for number in (1, 2):
        for x in range(100, 500, 25):  # a plot over both columns
            paper.document[number].draw_circle((x, 150 + x / 9), 4)
        paper.document[number].insert_text((200, 280), f"Figure {number}: What was measured.", fontsize=9)
    text = paper.read().text
    at = [text.find(sentence[:14]) for sentence in body]
    assert -1 not in at
    assert at == sorted(at)
    assert text.startswith("# A Study of Harbors in Winter\n\nAnn Author\n\n")
    assert "[^1]: A footnote about the harbor." in text
    assert "Figure 1: What was measured." in text
    for part in parts:  # none is torn by columns, pages, the footnote or the figures
        assert part in text


def test_a_wide_formula_in_pieces_cuts_both_columns():
    """Its right piece begins a little before the gutter, where no line of the right column does."""
    lines = column(50, 80, "a", 8) + column(310, 80, "b", 8)
    lines += [line(120, 200, "f0 =", width=90), line(225, 200, "f1 + more of it up to the right", width=325)]
    lines += column(50, 240, "c", 8) + column(310, 240, "d", 8)
    found = "".join(names(lines))
    assert found.index("b7") < found.index("f0") < found.index("c0") < found.index("d0")


def test_contents_whose_dots_are_lines_of_their_own_leave_nothing():
    file = open_pdf((SAMPLES / "pdf" / "latex-news.pdf").read_bytes())
    pages = [file.read_page(number) for number in range(1, 4)]  # two columns of entries
    file.close()
    for one in pages:
        prepare_page(one)
        finish_page(one)
    blocks, _ = arrange(pages)
    assert sum(block.kind == "contents" for block in blocks) >= 4
    left = [row.text for block in blocks if block.kind != "contents" for row in block.lines]
    assert not [text for text in left if ". . . . ." in text]
