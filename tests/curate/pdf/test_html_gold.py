"""Gold from HTML, by which benchmarks/pdf_sources.py judges: blocks in order, cells of tables, notes and contents."""

import sys

from ..making import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
from pdf_html import read_html, read_html_book

PAGE = """<html><head><title>No</title><link rel="next" href="second.html"></head><body>
<div class="navheader"><table><tr><td>Prev</td><td>Next</td></tr></table></div>
<h1>1. Water</h1>
<div class="toc"><dl><dt>1.1 Wells</dt></dl></div>
<p>It comes <em>from</em> wells<sup><a href="#f">[1]</a></sup>.
<pre>two
lines</pre>
and rivers.</p>
<div class="note"><table><tr><td>Note</td></tr><tr><td><p>Boil it.</p></td><td></td></tr></table></div>
<div class="footnotes"><p>[1] Most of it.</p></div>
</body></html>"""
TABLE = """<body><table><thead><tr><th>Place</th><th colspan="2">Wells</th></tr></thead>
<tr><td rowspan="2">Kirkby</td><td>old</td><td>7</td></tr><tr><td>new</td><td>12</td></tr></table></body>"""


def test_blocks_in_order_with_contents_and_notes_apart():
    assert read_html(PAGE) == [
        {"kind": "paragraph", "text": "1. Water"},
        {"kind": "contents", "text": "1.1 Wells"},
        {"kind": "paragraph", "text": "It comes from wells[1]."},
        {"kind": "paragraph", "text": "two lines"},
        {"kind": "paragraph", "text": "and rivers."},
        {"kind": "paragraph", "text": "Note"},
        {"kind": "paragraph", "text": "Boil it."},
        {"kind": "footnote", "floating": True, "text": "[1] Most of it."},
    ]


def test_cells_that_span_rows_and_columns():
    (table,) = read_html(TABLE)
    assert table["rows"] == [["Place", "Wells", ""], ["Kirkby", "old", "7"], ["", "new", "12"]]
    assert table["header_rows"] == 1 and table["spans"] == [(0, 1, 2, 1), (1, 0, 1, 2)]


def test_a_book_is_read_along_its_links(tmp_path):
    (tmp_path / "first.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "second.html").write_text(
        "<head><link rel='next' href='first.html'></head><p>2. Fire", encoding="utf-8"
    )
    assert [block["text"] for block in read_html_book(tmp_path / "first.html")][-1] == "2. Fire"
