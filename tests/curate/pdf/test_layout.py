from smollab.curate.pdf.layout import is_table_of_contents, join_lines, order_blocks, remove_furniture, render_pages
from smollab.curate.pdf.page import TextBlock, TextPage


def block(x0, y0, x1, y1, text):
    return TextBlock(x0, y0, x1, y1, text)


def texts(blocks):
    return [b.text for b in blocks]


def test_two_columns_below_a_title_and_around_a_spanning_figure():
    page = TextPage(
        600,
        800,
        [
            block(50, 40, 550, 60, "title"),
            block(310, 80, 550, 300, "right 1"),
            block(50, 80, 290, 200, "left 1"),
            block(50, 210, 290, 300, "left 2"),
            block(50, 320, 550, 400, "spanning"),
            block(310, 420, 550, 700, "right 2"),
            block(50, 420, 290, 700, "left 3"),
        ],
    )
    expected = ["title", "left 1", "left 2", "right 1", "spanning", "left 3", "right 2"]
    assert texts(order_blocks(page)) == expected
    page.blocks.reverse()
    assert texts(order_blocks(page)) == expected  # the order in the file does not matter


def test_one_column_keeps_the_order_of_the_file():
    page = TextPage(600, 800, [block(50, y, 550, y + 40, str(y)) for y in (100, 200, 300)])
    assert texts(order_blocks(page)) == ["100", "200", "300"]


def test_a_narrow_block_on_the_right_is_no_column():
    blocks = [block(50, y, 550, y + 40, str(y)) for y in (100, 200, 300)] + [block(500, 700, 550, 710, "page 3")]
    assert texts(order_blocks(TextPage(600, 800, blocks))) == ["100", "200", "300", "page 3"]


def test_lines_become_paragraphs():
    lines = [
        "The harbor was built in the eigh-",
        "teenth century by well-",
        "Known people, and it was",
        "never finished.",
    ]
    joined = "The harbor was built in the eighteenth century by well-Known people, and it was never finished."
    assert join_lines(lines) == [joined]


def test_list_items_start_new_lines():
    assert join_lines(["We need", "• a boat", "with oars", "• a rope", "1. first", "2. second"]) == [
        "We need",
        "- a boat with oars",
        "- a rope",
        "1. first",
        "2. second",
    ]


def test_a_short_line_that_ends_a_sentence_ends_the_paragraph():
    long = "This line is long enough to reach the right margin of the page"
    assert join_lines([long, "and it ends.", "A new paragraph begins here and it goes on"]) == [
        f"{long} and it ends.",
        "A new paragraph begins here and it goes on",
    ]


def test_running_heads_and_page_numbers_go():
    bodies = [[f"Text of the {name} page"] for name in ("first", "second", "third", "fourth", "fifth", "sixth")]
    pages = [[[f"Book, page {n}"], body, [f"- {n} -"]] for n, body in enumerate(bodies, 1)]
    assert remove_furniture(pages) == [[body] for body in bodies]


def test_heads_that_name_the_chapter_go_too():
    bodies = [[f"Text of the {name} page"] for name in "abcdefghijklmnopqrst"]
    pages = [[[f"Chapter {'ABCDE'[n // 4]}"], body] for n, body in enumerate(bodies)]
    assert remove_furniture(pages) == [[body] for body in bodies]


def test_lines_that_repeat_in_the_middle_stay():
    body = [[f"line {'a' * i}"] for i in range(5)]
    pages = [[*body, ["the same"], *[[f"more {'b' * i}{n}z"] for i in range(5)]] for n in "cdefgh"]
    assert all(["the same"] in page for page in remove_furniture(pages))


def test_a_paragraph_goes_on_after_the_page_break():
    first = "A long paragraph that is not yet finished when the page comes to its end, because it contin-"
    pages = [TextPage(1, 1, [block(0, 0, 1, 1, first)]), TextPage(1, 1, [block(0, 0, 1, 1, "ues on the next page.\n")])]
    assert render_pages(pages) == first[:-1] + "ues on the next page."


def test_tables_of_contents():
    assert is_table_of_contents([[f"{i} A chapter . . . . . . . . {i}"] for i in range(8)])
    assert not is_table_of_contents([["A sentence... and so on."] for _ in range(8)])


def test_no_text():
    assert render_pages([]) == ""
    assert render_pages([TextPage(1, 1, [])]) == ""
