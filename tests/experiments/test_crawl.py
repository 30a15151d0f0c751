"""Pages of an ablation: copies, visible text, overlap, and WARC files that the curation reads back."""

from collections import Counter

from smollab.curate.html import extract_main_text
from smollab.documents import Document
from smollab.experiments import crawl
from smollab.recipe import Source

HTML = """<!DOCTYPE html><html><head><title>On rain</title><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a> <a href="/shop">Shop</a></nav>
<p>The rain fell on the roof of the old house, and <b>nobody</b>
was there to hear it.</p><p>In the morning the garden stood under water and the road was gone.</p>
<p>Nobody knew how long the river would stay in the fields, and the farmers looked at the sky every evening.</p>
<p>Only the ducks were content, as ducks are, and swam from one end of the village to the other and back.</p>
<pre>first line
second line</pre><script>var hidden = 1;</script><footer>Imprint</footer></body></html>"""


def page(name="rain", markup=HTML):
    url = f"https://www.weather.test/{name}.html"
    return Document(url, "", "web", "", {"url": url, "charset": "utf-8"}, markup.encode())


def test_visible_text_has_menus_and_keeps_sentences_whole():
    lines = crawl.visible_text(page()).split("\n")
    assert "The rain fell on the roof of the old house, and nobody was there to hear it." in lines
    assert "Home Shop" in lines
    assert "Imprint" in lines
    assert lines[lines.index("first line") + 1] == "second line"
    assert not any("hidden" in line or "color" in line for line in lines)


def test_copies_follow_the_power_law_and_depend_on_the_page_alone():
    counts = Counter(crawl.count_copies(f"https://a.test/{i}") for i in range(20_000))
    at_least = lambda k: sum(n for copies, n in counts.items() if copies >= k) / 20_000
    for k in (1, 2, 5, 10):
        assert abs(at_least(k) - (k + 1) ** -crawl.COPIES_EXPONENT) < 0.015
    assert max(counts) == crawl.MOST_COPIES
    assert crawl.count_copies("https://a.test/7") == crawl.count_copies("https://a.test/7")


def test_copies_are_other_pages_with_the_same_main_text():
    original = next(page(str(i)) for i in range(100) if crawl.count_copies(page(str(i)).id) >= 2)
    first, *copies = crawl.add_copies([original])
    assert first == original
    assert len({copy.id for copy in copies}) == len(copies) >= 2
    for copy in copies:
        text = extract_main_text(copy.raw.decode())
        assert "The rain fell on the roof" in text
        assert "Copied from www.weather.test" in text
        assert "You may also like" in crawl.visible_text(copy)
        assert len(crawl.visible_text(copy)) > len(crawl.visible_text(original)) + 100


def test_overlap_is_the_share_of_thirteen_grams():
    words = [f"word{i}" for i in range(40)]
    overlap = crawl.Overlap.of([" ".join(words[:20])])
    assert overlap.share(" ".join(words[:20])) == 1
    assert overlap.share("Word0, " + " WORD".join(str(i) for i in range(20))[1:].replace("WORD", "word")) <= 1
    assert overlap.share(" ".join(words)) == 8 / 28  # 13-grams within the first 20 words, of all of them
    assert overlap.share(" ".join(words[20:])) == 0
    assert overlap.share("too short") == 0


def test_written_pages_are_read_back(tmp_path):
    pages = [page(), page("second", HTML.replace("rain", "snow"))]
    first, second = tmp_path / "a.warc.gz", tmp_path / "b.warc.gz"
    assert crawl.write_warc(first, pages) == crawl.write_warc(second, pages) == 2
    assert first.read_bytes() == second.read_bytes()
    read = list(crawl.read_pages("web", Source(address=f"warc:{first}")))
    assert [(p.id, p.raw) for p in read] == [(p.id, p.raw) for p in pages]
    assert read[0].metadata["charset"] == "utf-8"


def test_hard_line_breaks_are_undone():
    text = "A line that\nwas broken.\n\n-----\n\n  Another\n  paragraph."
    assert crawl.join_lines(text) == "A line that was broken.\nAnother paragraph."
