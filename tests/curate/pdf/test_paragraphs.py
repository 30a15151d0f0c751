import pytest

from smollab.curate.pdf.contents import mark_contents
from smollab.curate.pdf.layout import arrange, finish_page
from smollab.curate.pdf.markdown import write_text
from smollab.curate.pdf.rows import merge_rows

from .made import line, page, paragraph

FULL = "this line of text reaches from the left margin all the way to the right one"  # 375 points


def text_of(*pages):
    pages = list(pages)
    blocks, typography = arrange(pages)
    return write_text(blocks, pages, typography)[0]


def kinds_of(*pages):
    return [block.kind for block in arrange(list(pages))[0]]


def test_a_forced_break_ends_a_paragraph_without_indent_or_space():
    lines = [FULL, "and ends here.", f"A new one begins, {FULL[:57]}", "and goes on."]
    assert text_of(page(*paragraph(50, 100, lines))) == f"{FULL} and ends here.\n\n{lines[2]} and goes on."


def test_a_full_line_that_ends_a_sentence_ends_no_paragraph():
    lines = [f"{FULL[:-1]}.", f"Still the same, {FULL[:59]}", "and goes on."]
    assert "\n" not in text_of(page(*paragraph(50, 100, lines)))


def test_first_lines_are_set_in():
    lines = [line(62, 100, FULL[:72]), line(50, 112, FULL), line(50, 124, f"{FULL[:74]}.")]
    lines += [line(62, 136, f"Set in, {FULL[:65]}"), line(50, 148, "and on.")]
    assert text_of(page(*lines)).count("\n\n") == 1


def test_space_above_begins_a_paragraph():
    lines = [*paragraph(50, 100, [FULL, FULL]), *paragraph(50, 132, [FULL, "the end"])]
    assert text_of(page(*lines)).count("\n\n") == 1


def test_entries_that_hang_are_kept_whole():
    entries = []
    for k, y in enumerate((100, 124, 148)):
        entries += [line(50, y, f"Author {k}, {FULL[:65]}"), line(70, y + 12, "publisher and year.")]
    assert text_of(page(*entries)) == "\n\n".join(f"Author {k}, {FULL[:65]} publisher and year." for k in range(3))


def test_paragraphs_go_on_over_pages_but_not_over_the_end_of_a_sentence():
    first = paragraph(50, 600, [FULL, f"{FULL[:68]} contin-"])
    second = [*paragraph(50, 100, ["ued on the next page."]), *paragraph(50, 130, ["Another one."])]
    assert text_of(page(*first), page(*second, number=2)) == (
        f"{FULL} {FULL[:68]} continued on the next page.\n\nAnother one."
    )
    ended = paragraph(50, 600, [FULL, "which ends."])
    assert "\n\nued" in text_of(page(*ended), page(*second, number=2))


def test_a_name_in_the_middle_of_a_sentence_does_not_end_it_at_the_foot_of_a_page():
    first = paragraph(50, 600, [FULL, f"{FULL[:56]} the University of"])
    second = paragraph(50, 100, [f"Oslo, where {FULL[:60]}", "and so on."])
    assert "University of Oslo, where" in text_of(page(*first), page(*second, number=2))


def test_lists_with_bullets_numbers_and_nesting():
    lines = [
        line(50, 100, "We need:"),
        line(60, 124, "• a boat with oars, and all that a boat needs on a lake in the winter months"),
        line(70, 136, "of the year"),
        line(60, 148, "• a rope"),
        line(80, 160, "– long"),
        line(80, 172, "– strong"),
        line(60, 184, "• a map"),
        line(50, 208, "1. First this."),
        line(50, 220, "2. Then that."),
    ]
    assert text_of(page(*lines)) == (
        "We need:\n\n- a boat with oars, and all that a boat needs on a lake in the winter months of the year\n"
        "- a rope\n  - long\n  - strong\n- a map\n1. First this.\n2. Then that."
    )


def test_a_bullet_apart_from_its_text_is_in_its_row():
    lines = [line(50, 100, "•"), line(70, 100, "an item"), line(50, 112, "•"), line(70, 112, "another")]
    assert text_of(page(*lines)) == "- an item\n- another"


def test_code_keeps_its_lines_and_its_indentation():
    code = ["def f(x):", "if x:", "return  1"]
    lines = paragraph(50, 60, [FULL, FULL, "as here:"])
    lines += [
        line(50 + 20 * k, 110 + 12 * k, row, width=5 * len(row), mono=True, font="Mono") for k, row in enumerate(code)
    ]
    lines += paragraph(50, 160, [FULL, "after it."])
    assert "as here:\n\n```\ndef f(x):\n    if x:\n        return  1\n```\n\nthis line" in text_of(page(*lines))


def test_headings_get_levels_by_their_type():
    lines = [line(50, 40, "The title", size=20, bold=True), line(50, 80, "1 Section", size=14, bold=True)]
    lines += paragraph(50, 110, [FULL] * 4)
    lines += [line(50, 180, "1.1 Subsection", bold=True), *paragraph(50, 200, [FULL] * 3 + ["end."])]
    lines += [line(50, 260, "2 Section", size=14, bold=True), *paragraph(50, 290, [FULL] * 3 + ["end."])]
    text = text_of(page(*lines))
    assert [row for row in text.split("\n") if row.startswith("#")] == [
        "# The title",
        "## 1 Section",
        "### 1.1 Subsection",
        "## 2 Section",
    ]


@pytest.mark.parametrize(
    "date",
    ["June 1994", "1st October 2020", "3. März 2021", "le 12 août 2019", "4 de mayo de 2018", "2 de Outubro de 2017",
     "15 giugno 2016", "ngày 3 tháng 4 năm 2020", "2021-09-01", "31.12.1999", "Printed: May 4, 2002", "(Dec. 2010)"],
)  # fmt: skip
def test_a_date_in_large_type_is_no_heading(date):
    large = line(50, 100, date, size=13)
    assert "heading" not in kinds_of(page(large, *paragraph(50, 200, [FULL] * 20)))


@pytest.mark.parametrize("title", ["Events of May 1968", "Riots May 1968", "1994", "June", "Decisions 2020"])
def test_a_heading_may_have_a_date_in_it(title):
    large = line(50, 100, title, size=13)
    assert ("heading" in kinds_of(page(large, *paragraph(50, 200, [FULL] * 20)))) == any(map(str.isalpha, title))


def test_a_bold_paragraph_is_no_heading():
    bold = paragraph(50, 100, [f"{FULL[:60]} and more words"] * 5, bold=True)
    assert "heading" not in kinds_of(page(*bold, *paragraph(50, 200, [FULL] * 20)))


def test_footnotes_come_after_the_paragraph_and_are_called_by_their_mark():
    first = paragraph(50, 600, [f"{FULL[:60]} notes¹ and", f"{FULL[:68]} contin-"])
    note = paragraph(50, 700, ["¹ A note in small type.", "² Another one."], size=8, pitch=10)
    second = paragraph(50, 100, ["ued there."])
    text = text_of(
        page(*first, *note, horizontal_rulings=[(50, 690, 120, 690)]),
        page(*second, *paragraph(50, 130, [FULL] * 9), number=2),
    )
    assert "notes[^1] and" in text and "continued there.\n\n[^1]: A note in small type.\n\n[^2]: Another one." in text


def test_captions_stand_apart():
    lines = [*paragraph(50, 100, [FULL, FULL]), *paragraph(50, 140, ["Figure 3: What was seen", "there."])]
    lines += paragraph(50, 180, ["Figure 3 shows what was seen there, and " + FULL[:30], "more."])
    assert kinds_of(page(*lines)) == ["paragraph", "caption", "paragraph"]


def test_tables_of_contents_go_and_an_ellipsis_does_not():
    entries = [line(50, 100 + 12 * k, f"{k} A chapter . . . . . . . . . . {3 * k}") for k in range(8)]
    title = line(50, 80, "Contents", size=14, bold=True)
    assert set(kinds_of(page(title, *entries))) == {"contents"}
    told = paragraph(50, 100, ["He said... and so on, and on.", "She was silent..."] * 4)
    mark_contents(told)
    assert all(row.role is None for row in told)


def test_contents_without_dots_are_told_by_the_numbers_at_the_right():
    rows = []
    for k in range(8):
        rows += [
            line(50, 100 + 12 * k, f"{k} A chapter of it"),
            line(400 - 5 * len(str(9 * k)), 100 + 12 * k, str(9 * k)),
        ]
    merged = merge_rows(rows)
    mark_contents(merged)
    assert all(row.role == "contents" for row in merged)


def test_the_words_of_a_diagram_go_and_its_caption_stays():
    labels = [line(100 + 80 * k, 200 + 30 * k, f"node {k}") for k in range(4)]
    drawings = [(90 + 80 * k, 190 + 30 * k, 150 + 80 * k, 220 + 30 * k) for k in range(4)] * 2
    lines = [*paragraph(50, 100, [FULL, FULL]), *labels, *paragraph(50, 350, ["Figure 1: The nodes."])]
    lines += paragraph(50, 380, [FULL, "end."])
    arrows = [(150 + 80 * k, 205 + 30 * k, 170 + 80 * k, 205 + 30 * k) for k in range(3)]
    diagram = page(*lines, drawings=drawings, horizontal_rulings=arrows)
    finish_page(diagram)
    text = text_of(diagram)
    assert "node 0" not in text and "Figure 1: The nodes." in text


def test_a_colored_box_behind_text_is_no_figure():
    boxed = page(*paragraph(50, 100, [FULL] * 6), drawings=[(40, 90, 430, 180)] * 9)
    finish_page(boxed)
    assert not boxed.figures and all(row.role is None for row in boxed.lines)


def test_a_drop_cap_begins_its_word():
    lines = [line(50, 100, "T", size=36, width=20), *paragraph(72, 102, ["he harbor was built", "by many hands"])]
    assert text_of(page(*lines, line(50, 138, f"and {FULL}"), line(50, 150, FULL))).startswith(
        "The harbor was built by"
    )


def test_no_text():
    assert text_of() == ""
    assert text_of(page()) == ""
