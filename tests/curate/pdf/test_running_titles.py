from smollab.curate.pdf.running_titles import mark_line_numbers, mark_running_titles

from .made import line, page, paragraph


def body(n):
    return paragraph(60, 100, [f"text {chr(97 + n % 26)}{chr(97 + k)} of this page and no other" for k in range(20)])


def marked(pages):
    mark_running_titles(pages)
    return [[found.text for found in p.lines if found.role] for p in pages]


def roles(pages):
    return {found.text: found.role for p in pages for found in p.lines if found.role}


def test_page_numbers_that_count_go_with_all_in_their_row_even_if_the_titles_differ():
    pages = [
        page(line(60, 40, f"{n + 7}"), line(400, 40, f"{n % 3}.1 Title of section {'xyz'[n % 3]}"), *body(n), number=n)
        for n in range(1, 9)
    ]
    assert marked(pages) == [[f"{n + 7}", f"{n % 3}.1 Title of section {'xyz'[n % 3]}"] for n in range(1, 9)]
    assert roles(pages)["9"] == "page number"


def test_roman_numerals_and_numbers_with_the_whole():
    numerals = ["i", "ii", "iii", "iv", "v", "vi"]
    roman = [page(*body(n), line(300, 760, numeral), number=n) for n, numeral in enumerate(numerals, 1)]
    assert marked(roman) == [[numeral] for numeral in numerals]
    of = [page(*body(n), line(300, 760, f"Page {n} of 6"), number=n) for n in range(1, 7)]
    assert marked(of) == [[f"Page {n} of 6"] for n in range(1, 7)]


def test_left_and_right_pages_have_titles_of_their_own():
    pages = [
        page(line(60 + 200 * (n % 2), 40, "The Book" if n % 2 else "The Author"), *body(n), number=n)
        for n in range(1, 13)
    ]
    assert marked(pages) == [["The Book" if n % 2 else "The Author"] for n in range(1, 13)]


def test_titles_that_name_the_chapter():
    pages = [page(line(60, 40, f"Chapter {'ABCDE'[n // 4]}"), *body(n), number=n + 1) for n in range(20)]
    assert marked(pages) == [[f"Chapter {'ABCDE'[n // 4]}"] for n in range(20)]


def test_titles_with_a_part_that_changes_from_page_to_page():
    def titled(n):
        return line(60, 40, f"Part {'AB'[n // 8]}", size=9), line(300, 40, f"Of {'abcdefghijklmnop'[n]} alone", size=9)

    pages = [page(*titled(n), *body(n), number=n + 1) for n in range(16)]
    assert marked(pages) == [[f"Part {'AB'[n // 8]}", f"Of {'abcdefghijklmnop'[n]} alone"] for n in range(16)]


def test_a_title_of_one_page_is_known_by_its_place_and_type_but_not_on_the_first_page():
    titles = ["Title of all", *["Long chapter"] * 11, "Short chapter", "In other type"]
    pages = [
        page(line(60, 40, text, size=14 if "other" in text else 9), *body(n), number=n + 1)
        for n, text in enumerate(titles)
    ]
    assert marked(pages) == [[], *[["Long chapter"]] * 11, ["Short chapter"], []]


def test_a_short_document_needs_half_of_its_pages_and_three():
    pages = [page(line(60, 40, "Draft of May"), *body(n), number=n) for n in range(1, 4)]
    assert marked(pages) == [["Draft of May"]] * 3
    assert marked([page(line(60, 40, "Letter"), *body(n), number=n) for n in range(1, 3)]) == [[], []]


def test_lines_in_the_middle_stay_and_so_do_years_and_items_at_the_edge():
    pages = [
        page(line(60, 90, f"In {1990 + 7 * n} it was sold"), *body(n), line(60, 400, "the same words"), number=n)
        for n in range(1, 4)
    ]
    pages += [page(*body(n), number=n) for n in range(4, 9)]
    assert marked(pages) == [[]] * 8


def test_words_at_the_same_place_on_most_pages_are_a_watermark():
    pages = [page(*body(n), line(200, 420, "CONFIDENTIAL", size=40), number=n) for n in range(1, 6)]
    assert marked(pages) == [["CONFIDENTIAL"]] * 5
    assert roles(pages) == {"CONFIDENTIAL": "watermark"}


def test_line_numbers_in_the_margin():
    lines = paragraph(60, 100, [f"line {k} of a manuscript" for k in range(1, 11)])
    numbers = [line(40 - 5 * len(str(k)), 88 + 12 * k, str(k)) for k in range(1, 11)]
    manuscript = page(*lines, *numbers)
    mark_line_numbers(manuscript)
    assert [found.role for found in lines] == [None] * 10
    assert [found.role for found in numbers] == ["line number"] * 10


def test_a_column_of_figures_is_no_line_numbers():
    figures = [line(30, 88 + 12 * k, str(value)) for k, value in enumerate([3, 14, 15, 92, 65, 35])]
    table = page(*paragraph(60, 88, [f"row {k}" for k in range(6)]), *figures)
    mark_line_numbers(table)
    assert all(found.role is None for found in table.lines)


def test_the_numbers_of_a_list_are_no_line_numbers():
    items = page(
        *paragraph(60, 88, [f"item {k} of a list" for k in range(1, 8)]),
        *(line(48, 76 + 12 * k, str(k)) for k in range(1, 8)),
    )
    mark_line_numbers(items)
    assert all(found.role is None for found in items.lines)
