"""Pages in the manner of real ones: what a reader came for must stay, everything else must go."""

import json

import pytest

from smollab.curate.html import decode_html, extract_main_text, score_words
from smollab.curate.html.main_text import judge_blocks
from smollab.curate.html.reader import read_page
from smollab.curate.html.thresholds import Thresholds
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Source

from ..making import SAMPLES, prose

P1, P2, P3 = prose(1, 4), prose(2, 4), prose(3, 4)
MENU = "".join(f'<li><a href="/{n}">{n}</a></li>' for n in ("Home", "World", "Sports", "Opinion", "Weather"))
RELATED = "".join(f'<li><a href="/{i}">{prose(90 + i, 1)}</a></li>' for i in range(8))

WORDPRESS = f"""<html><head><title>Old boats | The blog</title></head><body class="has-sidebar">
<header class="site-header"><ul class="menu">{MENU}</ul></header>
<div id="page" class="hfeed site with-sidebar"><div id="primary"><article class="post"><header>
<h1 class="entry-title">Old boats</h1><div class="entry-meta">Posted on May 3 by <a href="/a">Ann</a></div></header>
<div class="entry-content"><p>{P1}</p><h2>How they are built</h2><p>{P2}</p>
<ul><li>First the keel is laid on the ground.</li><li>Then the frames are set up on it.</li></ul>
<blockquote><p>{P3}</p></blockquote></div>
<div class="sharedaddy">Share this: <a href="#">Twitter</a> <a href="#">Facebook</a></div>
<div class="related-posts"><h3>Related</h3><ul>{RELATED}</ul></div></article>
<div id="comments"><h2>3 thoughts on boats</h2><ol class="comment-list">
<li class="comment"><p>{prose(50, 3)}</p></li><li class="comment"><p>{prose(51, 3)}</p></li></ol></div></div>
<aside id="secondary" class="widget-area"><h2>About me</h2><p>{prose(60, 3)}</p></aside></div>
<footer><p>Copyright 2024. All rights reserved. Powered by something that has a long name and no soul.</p></footer>
<div class="cookie-banner"><p>We value your privacy and use cookies to make this page better for you and us.</p></div>
</body></html>"""

NEWS = f"""<html><head><title>Bridge closed - The Herald</title></head><body><div class="topbar"><ul>{MENU}</ul></div>
<h1>Bridge closed</h1><div class="layout"><div class="story"><div class="p-wrap"><p>{P1}</p></div>
<div class="ad-slot"><p>Advertisement</p></div><div class="p-wrap"><p>{P2}</p></div>
<div class="newsletter-signup"><p>Sign up for our newsletter and get the five best stories each morning.</p></div>
<div class="p-wrap"><p>{P3}</p></div></div><div class="most-read"><h3>Most read</h3><ul>{RELATED}</ul></div></div>
</body></html>"""

PHPBB = f"""<html><body><table width="100%"><tr><td><ul class="nav">{MENU}</ul></td></tr></table>
<div class="post"><p class="author">by <a href="/u1">anna</a> &raquo; Mon 3 May</p>
<div class="content">{P1}<br><br>Thanks!</div>
<div class="signature">Boats are life</div></div>
<div class="post"><p class="author">by <a href="/u2">bob</a> &raquo; Tue 4 May</p><div class="content">{P2}</div></div>
<div class="post"><p class="author">by <a href="/u1">anna</a> &raquo; Wed 5 May</p><div class="content">{P3}</div></div>
<div class="pagination">Page 1 of 3 <a href="?2">2</a> <a href="?3">3</a></div></body></html>"""

HACKER_NEWS = (
    "<html><body><center><table id='hnmain'>"
    + "".join(
        f"<tr class='athing comtr'><td><table><tr><td class='default'><span class='comhead'><a href='u'>user{i}</a> "
        f"<a href='t'>2 hours ago</a></span><div class='comment'><span class='commtext'>{prose(i, 3)}</span>"
        f"<div class='reply'><a href='r'>reply</a></div></div></td></tr></table></td></tr>"
        for i in range(6)
    )
    + "</table></center></body></html>"
)

ASP_NET = f"""<html><body><form method="post" action="./x.aspx"><input type="hidden" name="__VIEWSTATE" value="dDw">
<div class="nav"><ul>{MENU}</ul></div>
<table><tr><td width="150"><a href="1">Link one</a><br><a href="2">Link two</a></td>
<td><font size="2"><b>The harbor</b><p>{P1}<p>{P2}</font></td></tr></table></form></body></html>"""

SHOP = f"""<html><head><title>Oak chair</title></head><body><nav>{MENU}</nav><main><h1>Oak chair</h1>
<div class="price">$ 129.00</div><button>Add to cart</button><div class="description"><p>{P1}</p></div>
<h2>Specification</h2><table class="spec"><tr><th>Height</th><td>82 cm</td></tr><tr><th>Width</th><td>45 cm</td></tr>
<tr><th>Material</th><td>Solid oak</td></tr></table></main>
<div class="recommendations"><h2>You may also like</h2><ul>{RELATED}</ul></div></body></html>"""

DOCUMENTATION = f"""<html><head><title>dump</title></head><body><div class="sphinxsidebar"><ul>{MENU}</ul></div>
<div class="body" role="main"><section><h1>dump<a class="headerlink" href="#d">¶</a></h1><p>{P1}</p>
<div class="highlight"><pre><span>def</span> dump(x):
    if x &lt; 3:
        return {{}}

    return x</pre></div><dl><dt><code>dump(x)</code></dt><dd><p>{P2}</p></dd></dl>
<p>See <a href="load.html">load</a> for the way back, which is <code>load(y)</code>.</p>
</section></div></body></html>"""


@pytest.mark.parametrize(
    ("html", "kept", "gone"),
    [
        (
            WORDPRESS,
            ["Old boats", P1, "How they are built", P2, "- First the keel is laid on the ground.", P3],
            ["Opinion", "Twitter", prose(91, 1), prose(50, 3), "About me", "Copyright", "cookies", "Posted on"],
        ),
        (NEWS, ["Bridge closed", P1, P2, P3], ["Advertisement", "newsletter", "Most read", prose(92, 1), "Opinion"]),
        (PHPBB, [P1, "Thanks!", P2, P3], ["Opinion", "Page 1 of 3"]),
        (HACKER_NEWS, [prose(i, 3) for i in range(6)], ["reply"]),
        (ASP_NET, [P1, P2], ["Opinion", "Link one", "dDw"]),
        (
            SHOP,
            ["Oak chair", P1, "Specification", "Height | 82 cm", "Material | Solid oak"],
            ["Add to cart", "also like", prose(93, 1)],
        ),
        (
            DOCUMENTATION,
            ["dump\n", P1, "def dump(x):\n    if x < 3:\n        return {}\n\n    return x", "dump(x)", P2, "load(y)."],
            ["¶", "Opinion"],
        ),
    ],
    ids=["wordpress", "news", "phpbb", "hacker news", "asp.net", "shop", "documentation"],
)
def test_pages_in_the_manner_of_real_ones(html, kept, gone):
    text = extract_main_text(html)
    assert [piece for piece in kept if piece not in text] == []
    assert [piece for piece in gone if piece in text] == []
    positions = [text.index(piece) for piece in kept]
    assert positions == sorted(positions)  # in the order of the page


def test_the_pages_with_gold_texts():
    gold = [json.loads(line) for line in (SAMPLES / "evaluation" / "extraction_gold.jsonl").open(encoding="utf-8")]
    (shard,) = list_shards("web", Source(address=f"warc:{SAMPLES / 'web' / 'noise.warc.gz'}"))
    pages = {d.id: d for d in read_shard(shard, Report())}
    scores = [score_words(extract_main_text(decode_html(pages[row["uri"]].raw)), row["text"]).f1 for row in gold]
    assert len(scores) > 20
    assert sum(scores) / len(scores) > 0.97
    assert min(scores) > 0.8


@pytest.mark.parametrize("split", ["development", "held-out"])
def test_pages_of_content_management_systems(split):
    pages = [json.loads(line) for line in (SAMPLES / "evaluation" / "extraction_pages.jsonl").open(encoding="utf-8")]
    pages = [page for page in pages if page["split"] == split]
    scores = {page["name"]: score_words(extract_main_text(page["html"]), page["text"]).f1 for page in pages}
    assert sum(scores.values()) / len(scores) > 0.95
    assert {name for name, f1 in scores.items() if f1 < 0.8} == set()


COMMENTS = "".join(f"<div class='x{i}'><b>user{i}</b><p>{prose(30 + i, 2)}</p></div>" for i in range(4))


@pytest.mark.parametrize(
    "label",
    [
        "Comments (4)",
        "4 Comments",
        "Leave a reply",
        "12 commentaires",
        "Kommentare",
        "Bình luận",
        "Комментарии",
        "网友评论",
    ],
)
def test_a_label_in_any_language_ends_the_text(label):
    page = f"<body><div class='t'><p>{P1}</p><p>{P2}</p></div><div class='u'><h3>{label}</h3>{COMMENTS}</div></body>"
    assert extract_main_text(page) == f"{P1}\n{P2}"


def test_the_text_goes_on_behind_a_box_in_its_middle():
    page = f"<div class='t'><p>{P1}</p><h4>Related</h4><p><a href='/'>{P2}</a></p><p>{P3}</p></div>"
    assert extract_main_text(page) == f"{P1}\n{P3}"


def test_without_an_article_the_comments_are_what_the_page_is_about():
    page = f"<body><h1>What do you use?</h1><div class='u'><h3>Comments</h3>{COMMENTS}</div></body>"
    assert all(prose(30 + i, 2) in extract_main_text(page) for i in range(4))


def test_of_several_articles_the_one_that_the_page_is_named_after():
    articles = "".join(f"<article><h1>The story number {i}</h1><p>{prose(70 + i, 5)}</p></article>" for i in range(3))
    page = f"<head><title>The story number 0 - The Herald</title></head><body>{articles}</body>"
    assert extract_main_text(page) == f"The story number 0\n{prose(70, 5)}"
    index = f"<head><title>The Herald</title></head><body>{articles}</body>"
    assert all(prose(70 + i, 5) in extract_main_text(index) for i in range(3))


def test_chinese_is_not_too_short():
    paragraphs = ["香港行政长官在各方压力下就其大宅的违章建筑问题到立法会接受质询，并向市民道歉。"] * 2
    paragraphs = [f"{i}{text}" for i, text in enumerate(paragraphs)]
    page = "<div class='nav'><a href='/'>首页</a></div><div>" + "".join(f"<p>{p}</p>" for p in paragraphs) + "</div>"
    assert extract_main_text(page) == "\n".join(paragraphs)


def test_every_block_has_a_verdict():
    page = read_page(WORDPRESS, whole=True)
    verdicts = judge_blocks(page)
    by_text = {block.text: verdict for block, verdict in zip(page.blocks, verdicts, strict=True)}
    assert by_text[P1] == "kept" and by_text[prose(50, 3)] == "comments"
    assert by_text["Opinion"] in ("navigation", "links") and by_text["About me"] == "navigation"
    assert all(verdicts)


def test_thresholds_act():
    link = "<a href='x'>Half of it</a> is a link, as it is"
    page = f"<div><p>{P1}</p><p>A line without an end</p><p>{link}</p><p>{P2}</p></div>"
    assert "without an end" in extract_main_text(page)
    strict = Thresholds(good_characters=10_000, short_characters=10_000)
    assert "without an end" not in extract_main_text(page, strict)
    assert "Half of it" not in extract_main_text(page, Thresholds(link_density=0.1))


@pytest.mark.parametrize(
    "html",
    ["", "<", "<p", "<!-- <p>never closed", "<script>x", "</div></p>", "\x00\x00", "<table><table><tr>", "<a href='"],
)
def test_broken_markup_is_no_error(html):
    assert isinstance(extract_main_text(html), str)


def test_markup_is_not_text():
    html = f'<body><p title="a > b">{P1} &amp;lt; &lt;b&gt; &nbsp;x</p><script>var hidden = "<p>no</p>"</script></body>'
    assert extract_main_text(html) == f"{P1} &lt; <b> x"


def test_hidden_parts_are_not_read():
    html = f'<p>{P1}</p><div style="display: none"><p>{P2}</p></div><div hidden><p>{P3}</p></div>'
    assert extract_main_text(html) == P1


def test_an_index_page_has_no_text():
    assert extract_main_text(f"<body><h1>All</h1><ul>{RELATED}</ul></body>") == ""


def test_deep_nesting_does_not_end_in_an_error():
    assert P1 in extract_main_text("<div>" * 3000 + f"<p>{P1}</p>")


def test_cookie_notices_go_and_articles_on_cookies_stay():
    notice = "We value your privacy. We and our partners use cookies to make this page better for you and for us."
    law = "The court decided that a banner must let visitors refuse cookies as easily as it lets them accept cookies."
    assert extract_main_text(f"<div><p>{P1}</p><p>{law}</p></div><div class='q7'>{notice}</div>") == f"{P1}\n{law}"


def test_an_advertisement_does_not_end_a_text_whose_paragraphs_are_wrapped_one_by_one():
    boxes = [f"<div class='p'>{p}</div>" for p in (P1, P2, P3)]
    page = f"<div>{boxes[0]}{boxes[1]}<div class='s'><div>Related articles</div></div>{boxes[2]}</div>"
    assert extract_main_text(page) == f"{P1}\n{P2}\n{P3}"


def test_a_page_of_nothing_but_labels_is_read_in_linear_time():
    page = (
        f"<div><p>{P1}</p><p>{P2}</p>"
        + "<div><h4>Comments</h4><p>Nobody said anything yet about this.</p></div>" * 4000
    )
    assert P1 in extract_main_text(page)


def test_a_rule_between_paragraphs_opens_nothing():
    page = read_page("<div>before<hr></div><div>behind</div>")
    assert [(container.tag, container.end) for container in page.containers] == [("body", 3), ("div", 2), ("div", 3)]


def test_text_that_is_full_of_links_stays() -> None:
    index = "".join(f'<li><a href="/{i}">Term {i}</a>: {prose(200 + i, 1)}</li>' for i in range(6))
    works = "".join(
        f'<li>Miller, A. and Baker, J. (20{10 + i}). <a href="https://doi.org/{i}">On boats {i}</a>. Journal of Boats, '
        f"volume {i}, pages {i} to {i + 9}.</li>"
        for i in range(6)
    )
    code = "\n".join(
        f'<a href="#{i}">def</a> <a href="/f{i}">function_{i}</a>(<a href="/int">int</a>)' for i in range(8)
    )
    text = extract_main_text(
        f"<title>Boats</title><body><ul>{MENU}</ul><div><h1>Boats</h1><p>{P1}</p><h2>Index</h2><ul>{index}</ul>"
        f"<h2>Signatures</h2><div><pre>{code}</pre></div><h2>References</h2><ol>{works}</ol></div>"
        f"<div><h3>Related</h3><div>{RELATED}</div></div></body>"
    )
    assert "World" not in text
    assert prose(91, 1) not in text
    for i in range(6):
        assert f"- Term {i}: {prose(200 + i, 1)}" in text
        assert f"- Miller, A. and Baker, J. (20{10 + i}). On boats {i}. Journal of Boats, volume {i}" in text
        assert f"def function_{i}(int)" in text
