"""Pages that would hang a parser or fill the memory: bounded, and with their text where they have any."""

import resource
import time

import pytest

from smollab.curate.extract import extract_html
from smollab.curate.html import extract_main_text
from smollab.curate.html.limits import MAXIMUM_BYTES, MAXIMUM_TAGS, find_excess, is_too_deep
from smollab.documents import Document, Drop

from ..making import prose

TEXT = prose(7, 6)
SENTENCES = prose(8, 400)


def extract(html: bytes | str) -> Document | Drop:
    raw = html if isinstance(html, bytes) else html.encode("utf-8", "surrogatepass")
    return extract_html(Document("id", "", "web", raw=raw))


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + f"<p>{TEXT}</p>",
        "<div>" * 100_000 + f"<p>{TEXT}</p>" + "</div>" * 100_000,
        "<x-y>" * 100_000 + f"<p>{TEXT}</p>",
        "</p><div>" * 50_000 + f"<p>{TEXT}</p>",  # closing tags that close nothing do not hide the depth
        "<ul><li>" * 20_000 + f"<p>{TEXT}</p>",
        "<table><tr><td>" * 20_000 + f"<p>{TEXT}</p>",
        "<blockquote>" * 60_000 + f"<p>{TEXT}</p>",
        "".join(f"<font color='#{i:06x}'>" for i in range(9_000)) + "<p>x</p>" * 9_000 + f"<p>{TEXT}</p>",
        "".join(f"<b class='c{i}'>" for i in range(3_000)) + "<p>word word</p>" * 3_000 + f"<p>{TEXT}</p>",
        f"<p>{TEXT}</p>" + "<br>" * 90_000,
        f"<p>{TEXT}</p>" + "<span></span>" * 90_000,
        f"<p>{TEXT}</p>" + '<a href="x">y</a>' * 90_000,
        f"<p>{TEXT}</p>" + f'<img src="data:image/png;base64,{"QUJD" * 500_000}">',
        f"<p>{TEXT}</p><p>" + "<" * 300_000,
        f"<p>{TEXT}</p>" + "&" * 2_000_000,
        f"<p>{TEXT}</p><!--" + "x" * 2_000_000,
    ],
    ids=lambda html: f"{html[:14]}...",
)
def test_text_is_found_at_bounded_cost(html):
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    result = extract(html)
    assert isinstance(result, Document) and TEXT[:60] in result.text
    assert time.process_time() - start < 15  # without the limits: minutes, or all of the memory
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000  # kilobytes


def test_ten_megabytes_on_one_line():
    words = SENTENCES.replace("\n", " ")
    page = f"<p>{(words + ' ') * (MAXIMUM_BYTES // (len(words) + 1) - 1)}</p>"
    result = extract(page)
    assert isinstance(result, Document) and len(result.text) > MAXIMUM_BYTES * 0.95


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"x" * (MAXIMUM_BYTES + 1), "extract_html: too large"),
        (b"<i>" * (MAXIMUM_TAGS + 1), "extract_html: too many tags"),
        (b"<b></b>" * 1_000_000, "extract_html: too many tags"),
        (b"", "extract_html: no text"),
        (b"\x00" * 5000, "extract_html: no text"),
        (b"<div></div>" * 30_000, "extract_html: no text"),
        (b"   \n\n \xc2\xa0 ", "extract_html: no text"),
    ],
)
def test_what_gives_no_text_is_dropped_with_a_reason(page, reason):
    result = extract(page)
    assert isinstance(result, Drop) and result.reason == reason


def test_nul_bytes_surrogates_and_half_characters():
    page = f"<p>a\x00b {TEXT}\ud800</p>".encode("utf-8", "surrogatepass") + b"\xe2\x82"
    result = extract(page)
    assert isinstance(result, Document) and TEXT in result.text
    assert "\x00" not in result.text and "\ud800" not in result.text


def test_ordinary_pages_are_parsed_into_a_tree():
    thread = "<div class='post'><p>one<br>two<b>three</b><ul><li>x<li>y</ul></div>" * 5_000
    table = "<table>" + "<tr><td><font size=2>1</font><td>2" * 20_000 + "</table>"
    assert not is_too_deep(thread) and not is_too_deep(table)
    assert is_too_deep("<div>" * 20_000)
    assert find_excess(thread) == ""


def test_structured_data_is_a_last_resort_and_no_trap():
    deep = "[" * 100_000
    page = f'<script type="application/ld+json">{{"articleBody": {deep}</script><p>{TEXT}</p>'
    assert extract_main_text(page) == TEXT
    body = TEXT.replace('"', "")
    app = f'<script type="application/ld+json">{{"@graph": [{{"articleBody": "{body}"}}]}}</script><div id="app"></div>'
    assert extract_main_text(app) == body
