"""Tables are found where they are, and nowhere else; they are written as Markdown that reads back the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smollab.curate.pdf.evaluation import read_markdown_tables
from smollab.curate.pdf.page import Line, Page, Span, Table
from smollab.curate.pdf.tables import find_tables, join_continued, join_over_pages, write_markdown
from smollab.curate.pdf.tables_pieces import horizontal, is_number, vertical

SIZE, LEADING, LETTER = 10.0, 14.0, 5.0


def line(x: float, y: float, text: str, bold: bool = False, mono: bool = False, right: bool = False) -> Line:
    width = LETTER * len(text)
    x0 = x - width if right else x
    box = (x0, y, x0 + width, y + SIZE)
    font = "Mono" if mono else "Serif"
    return Line(box, text, SIZE, font, bold, False, mono, spans=[Span(box, text, SIZE, font, bold, False, mono, False)])


def page_of(lines: list[Line], across: list = (), down: list = ()) -> Page:
    return Page(1, 600, 800, lines=lines, horizontal_rulings=list(across), vertical_rulings=list(down))


NUMBERS = [["Place", "2019", "2020"], ["Kirkby", "1,204", "98.5"], ["Fenwick", "–", "(17)"], ["Dunmere", "7", "12%"]]


def columns(*texts: tuple[float, list[str]], leading: float = 14, mono: bool = False) -> list[Line]:
    """Columns of text, each a place and its lines."""
    return [line(x, 40 + leading * i, text, mono=mono) for x, column in texts for i, text in enumerate(column)]


NINE = range(1, 10)


def rows_of_lines(rows: list[list[str]], top: float = 100) -> list[Line]:
    return [
        line(60 if j == 0 else 120 + 90 * j, top + LEADING * i, text, right=j > 0)
        for i, row in enumerate(rows)
        for j, text in enumerate(row)
        if text
    ]


def prose(x: float, top: float, count: int, words: int = 9) -> list[Line]:
    text = ["Some", "water", "of", "the", "town", "comes", "from", "wells", "as", "it", "did", "before"]
    return [line(x, top + 12 * i, " ".join(text[i % 3 :][:words])) for i in range(count)]


def grid_rulings(xs: list[float], ys: list[float]) -> tuple[list, list]:
    return [(xs[0], y, xs[-1], y) for y in ys], [(x, ys[0], x, ys[-1]) for x in xs]


def test_aligned_numbers_are_a_table():
    (table,) = find_tables(page_of([*prose(60, 20, 4), *rows_of_lines(NUMBERS), *prose(60, 180, 4)]))
    assert table.rows == NUMBERS
    assert not table.ruled
    assert len(table.lines) == 12


def test_grid():
    across, down = grid_rulings([55, 180, 250, 340], [98, 112, 126, 140, 154])
    (table,) = find_tables(page_of(rows_of_lines(NUMBERS), across, down))
    assert table.rows == NUMBERS and table.ruled


def test_grid_of_boxes_of_single_cells():
    across, down = [], []
    for i in range(4):
        for x0, x1 in ((55, 180), (180, 250), (250, 340)):
            y0, y1 = 98 + 14 * i, 112 + 14 * i
            across += [(x0, y0, x1, y0), (x0, y1, x1, y1)]
            down += [(x0, y0, x0, y1), (x1, y0, x1, y1)]
    (table,) = find_tables(page_of(rows_of_lines(NUMBERS), across, down))
    assert table.rows == NUMBERS


def test_text_across_a_ruling_is_cut_at_the_space():
    across, down = grid_rulings([55, 102, 150], [98, 112, 126, 140])
    lines = [line(60, 100, "Kirkby Fenwick"), line(60, 114, "wells"), line(110, 114, "springs"), line(60, 128, "3,104")]
    (table,) = find_tables(page_of(lines, across, down))
    assert table.rows == [["Kirkby", "Fenwick"], ["wells", "springs"], ["3,104", ""]]


def test_heads_over_several_columns_of_a_grid_are_joined_to_each():
    rows = [["Item", "Plan", ""], ["", "2019", "2020"], ["Wells", "4", "5"], ["Roads", "6", "7"]]
    across, down = grid_rulings([55, 180, 250, 340], [98, 112, 126, 140, 154])
    across[1] = (180, 112, 340, 112)  # Item stands over two rows
    down[2] = (250, 112, 250, 154)  # Plan stands over two columns
    (table,) = find_tables(page_of(rows_of_lines(rows), across, down))
    assert table.rows == [["Item", "Plan 2019", "Plan 2020"], ["Wells", "4", "5"], ["Roads", "6", "7"]]


def test_booktabs_with_two_rows_of_heads():
    lines = [line(60, 100, "Item"), line(235, 100, "Expenditure", right=False)]
    lines += rows_of_lines([["", "2019", "2020"], ["Wells", "4", "5"], ["Roads", "6", "7"]], top=114)
    across = [(55, 98, 340, 98), (190, 112, 340, 112), (55, 126, 340, 126), (55, 156, 340, 156)]
    (table,) = find_tables(page_of(lines, across))
    assert table.rows[0] == ["Item", "Expenditure 2019", "Expenditure 2020"]
    assert table.rows[1:] == [["Wells", "4", "5"], ["Roads", "6", "7"]]


def test_cells_of_several_lines_between_rulings():
    lines = [line(60, 100, "Part"), line(200, 100, "What it does")]
    lines += [line(60, 116, "Valve"), line(200, 116, "Controls the flow of"), line(200, 127, "water into the tank.")]
    lines += [line(60, 143, "Pump"), line(200, 143, "Lifts the water to"), line(200, 154, "the tower.")]
    across = [(55, y, 400, y) for y in (98, 113, 140, 167)]
    (table,) = find_tables(page_of(lines, across))
    assert table.rows == [
        ["Part", "What it does"],
        ["Valve", "Controls the flow of water into the tank."],
        ["Pump", "Lifts the water to the tower."],
    ]


def test_labels_in_the_middle_of_their_rows_between_rulings():
    staggered = [
        line(60, 110, "man page"), line(160, 110, "Read online help."),
        line(60, 124, "--get"), line(160, 131, "Write the selections to"), line(60, 138, "> file"),
        line(160, 145, "a file of this name."), line(60, 152, "again"),
        line(160, 166, "Show and manipulate"), line(60, 180, "ip"), line(160, 180, "addresses of interfaces."),
        line(60, 194, "ssh -X"), line(160, 194, "Login at another machine."),
        line(60, 208, "scp files"), line(160, 208, "Copy files to another one."),
    ]  # fmt: skip
    (table,) = find_tables(page_of(staggered, [(56, 106, 330, 106), (56, 224, 330, 224)]))
    assert table.rows == [
        ["man page", "Read online help."],
        ["--get > file again", "Write the selections to a file of this name."],
        ["ip", "Show and manipulate addresses of interfaces."],
        ["ssh -X", "Login at another machine."],
        ["scp files", "Copy files to another one."],
    ]


def test_a_number_raised_in_the_first_column_is_no_number_of_a_line():
    rows = [["2¹", "verse", "one"], ["3", "verse", "two"], ["4", "verse", "three"]]
    find_tables(page_of(rows_of_lines(rows)))


def test_rows_in_groups_between_rulings_stay_rows():
    lines = rows_of_lines([*NUMBERS, ["Marsh End", "3", "4"]])
    across = [(55, y, 340, y) for y in (98, 112, 140, 170)]
    (table,) = find_tables(page_of(lines, across))
    assert len(table.rows) == 5


def test_empty_columns_and_rows_are_dropped_but_empty_cells_stay():
    across, down = grid_rulings([55, 150, 180, 250, 340], [98, 112, 126, 140, 154, 168])
    (table,) = find_tables(page_of(rows_of_lines(NUMBERS), across, down))
    assert table.rows == NUMBERS


def test_a_table_in_one_of_two_columns_of_prose():
    left = prose(40, 40, 30, words=6)
    lines = left + prose(320, 40, 8, words=6) + prose(320, 240, 12, words=6)
    for i, row in enumerate(NUMBERS):
        lines += [line(320, 150 + 13 * i, row[0]), line(430, 150 + 13 * i, row[1], right=True)]
        lines.append(line(500, 150 + 13 * i, row[2], right=True))
    tables = find_tables(page_of(lines))
    assert [table.rows for table in tables] == [NUMBERS]


@pytest.mark.parametrize(
    "lines",
    [
        prose(60, 40, 40),
        prose(40, 40, 40, words=6) + prose(320, 40, 40, words=6),
        prose(40, 40, 40, words=4) + prose(220, 40, 40, words=4) + prose(400, 40, 40, words=4),
        columns((60, [f"{i}." for i in NINE]), (90, ["An item of a list"] * 9)),
        columns((60, [f"[{i}]" for i in NINE]), (90, ["A. Holm. On water."] * 9)),
        columns((60, [f"{i} Chapter . . . . . . . ." for i in NINE]), (400, [str(3 * i) for i in NINE])),
        columns(*((x, [f"water, {i}, {i + 20}" for i in NINE]) for x in (60, 200, 340))),
        columns((60, ["total += count"] * 9), (260, ["# 12"] * 9), mono=True),
        columns((200, ["ax + b = c"] * 4), (420, [f"({i})" for i in range(4)]), leading=30),
    ],
    ids=["prose", "two columns", "three columns", "list", "bibliography", "contents", "index", "code", "formulas"],
)
def test_what_only_looks_like_a_table(lines):
    assert find_tables(page_of(lines)) == []


def test_two_columns_between_a_header_and_a_footer_rule_are_no_table():
    lines = prose(40, 40, 40, words=6) + prose(320, 40, 40, words=6)
    assert find_tables(page_of(lines, [(40, 30, 560, 30), (40, 700, 560, 700)])) == []


def test_a_framed_listing_with_aligned_words_is_no_table():
    fields = [["/dev/a", "/", "ext3"], ["/dev/b", "/home", "ext3"], ["/dev/c", "none", "swap"], ["/dev/d", "/var", ""]]
    lines = [line(60, 100, "# file systems, one in a line, with their places", mono=True)]
    lines += [
        line(60 + 110 * j, 114 + LEADING * i, text, mono=True)
        for i, row in enumerate(fields)
        for j, text in enumerate(row)
        if text
    ]
    frame = grid_rulings([50, 400], [96, 176])
    assert find_tables(page_of(lines, *frame)) == []
    # The rulings make it a table when every row has its cells.
    heads = [line(60 + 110 * j, 100, text, mono=True) for j, text in enumerate(("device", "place", "type"))]
    assert len(find_tables(page_of(heads + lines[1:10], [(50, y, 400, y) for y in (96, 112, 154)]))) == 1


def test_form_is_no_table():
    across, down = grid_rulings([60, 300, 540], [100, 140, 180, 220])
    names = ("Surname", "Given names", "Street", "Town", "Telephone", "E-mail")
    lines = [line(64 if i % 2 == 0 else 304, 103 + 40 * (i // 2), name) for i, name in enumerate(names)]
    assert find_tables(page_of(lines, across, down)) == []


def test_justified_words_far_apart_are_one_line():
    lines = prose(60, 40, 6, words=9)
    right = lines[0].box[2]
    words = ["recognized", "in", "the", "town", "and"]
    gap = (right - 60 - sum(LETTER * len(word) for word in words)) / (len(words) - 1)
    x = 60.0
    for word in words:
        lines.append(line(x, 40 + 12 * 6, word))
        x += LETTER * len(word) + gap
    assert find_tables(page_of(lines + prose(60, 40 + 12 * 7, 6, words=9))) == []


def test_rulings_are_joined():
    assert horizontal([(0, 10, 50, 10.6), (50.5, 10.2, 90, 10.2), (200, 10, 220, 10)]) == [
        (pytest.approx(10.17, abs=0.1), 0, 90),
        (pytest.approx(10.17, abs=0.1), 200, 220),
    ]
    assert vertical([(5, 0, 5, 10), (5, 10, 5, 30)]) == [(5, 0, 30)]


@pytest.mark.parametrize(
    "text",
    ["12", "1,234.5", "10 350,2", "(3,234)", "12.5%", "–", "n/a", "0.612 ± 0.005", "$ 3.20", "€5", "−4", "3–5", "12*"],
)
def test_numbers(text):
    assert is_number(text)


@pytest.mark.parametrize("text", ["Kirkby", "2nd of May", "see 12", "a 1 b 2", ""])
def test_no_numbers(text):
    assert not is_number(text)


def test_markdown():
    table = Table((0, 0, 1, 1), [["a", "b|c"], ["1\n2", ""]])
    assert write_markdown(table) == "| a | b\\|c |\n| --- | --- |\n| 1 2 | |"
    assert write_markdown(Table((0, 0, 1, 1), [["a", "b"]])) == ""
    assert write_markdown(Table((0, 0, 1, 1), [["a"], ["b"]])) == ""


CELL = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=6)


@settings(max_examples=40)
@given(st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=2, max_size=4)))
def test_markdown_reads_back(rows):
    """Pipes, backslashes and dashes in cells do not break the table."""
    rows = [["head", *row[1:]] if i == 0 else ["x" + row[0], *row[1:]] for i, row in enumerate(rows)]
    text = write_markdown(Table((0, 0, 1, 1), rows))
    assert len(text.splitlines()) == len(rows) + 1
    (read,) = read_markdown_tables(text)
    assert [len(row) for row in read] == [len(row) for row in rows]


def part(number: int, rows: list[list[str]], top: float) -> Page:
    page = page_of([line(250, 780, str(number))])
    page.number = number
    page.tables = [Table((60, top, 340, top + 300), rows, lines=rows_of_lines(rows, top), ruled=False)]
    return page


def test_tables_go_on_over_pages():
    pages = [part(1, NUMBERS, 450), part(2, [NUMBERS[0], ["Holm", "1", "2"]], 40), part(3, [["Oak", "3", "4"]], 40)]
    join_over_pages(pages)
    assert [len(page.tables) for page in pages] == [1, 0, 0]
    assert pages[0].tables[0].rows == [*NUMBERS, ["Holm", "1", "2"], ["Oak", "3", "4"]]


def test_tables_with_text_between_or_other_columns_stay_apart():
    pages = [part(1, NUMBERS, 450), part(2, NUMBERS, 240)]
    pages[1].lines += prose(60, 100, 4)
    join_over_pages(pages)
    assert [len(page.tables) for page in pages] == [1, 1]
    first, other = part(1, NUMBERS, 450).tables[0], part(2, [["a", "b"], ["1", "2"]], 40).tables[0]
    assert join_continued(first, other) is None


def test_a_continuation_whose_lines_are_all_cut_has_no_heads():
    """A real thesis failed here: all words of its second table stood in cells cut from longer lines."""
    first = Table((50.0, 700.0, 400.0, 720.0), [["Name", "Count"], ["a", "1"]])
    following = Table((50.0, 50.0, 400.0, 70.0), [["b", "2"], ["c", "3"]])
    joined = join_continued(first, following)
    assert joined is not None
    assert joined.rows == [["Name", "Count"], ["a", "1"], ["b", "2"], ["c", "3"]]
