"""Pages in the manner of portals: an article of known text among mega-menus, banners, teasers, comments and footers.

The words are those of our gold pages' texts, put together by a seed: 24 pages of 50 to 200 KB, the same each time.
Names of classes are of four kinds, from telling to none at all, since not all sites say what a part is.
"""

import json
import random
from html import escape
from pathlib import Path

PAGES = 24
_NAMES = (
    {"menu": "mega-menu", "teaser": "teaser", "rail": "sidebar", "comments": "comments", "foot": "footer", "ad": "ad"},
    {"menu": "MainNav_wrap", "teaser": "relatedPosts", "rail": "rightRail widget", "comments": "comment-list"},
    {"menu": "c-nav", "teaser": "card recommended", "rail": "most-read", "comments": "disqus", "foot": "site-footer"},
    {},
)


def make_pages(gold: Path) -> list[tuple[str, str]]:
    """Return page and main text of each page.

    Args:
        gold: pages with their `text`, one JSON object a line.
    """
    rows = [json.loads(line)["text"] for line in gold.read_text(encoding="utf-8").splitlines()]
    lines = [line.lstrip("- ") for text in rows for line in text.split("\n")]
    prose = [line for line in lines if len(line) > 120]
    phrases = [line for line in lines if 15 < len(line) < 70]
    return [_make_page(random.Random(seed), prose, phrases, _NAMES[seed % len(_NAMES)]) for seed in range(PAGES)]


def _make_page(draw: random.Random, prose: list[str], phrases: list[str], names: dict[str, str]) -> tuple[str, str]:
    def name(part: str) -> str:
        return names.get(part, f"s-{draw.randrange(100, 999)}")

    def link() -> str:
        return (
            f'<a class="l" href="/{draw.randrange(10**6)}/{draw.randrange(10**6)}">{escape(draw.choice(phrases))}</a>'
        )

    def teaser() -> str:
        picture = f'<img src="/i/{draw.randrange(10**6)}.jpg" srcset="/i/{draw.randrange(10**6)}.jpg 2x" alt="">'
        words = f"<h3>{link()}</h3><span class='when'>{draw.randrange(1, 59)} min</span>"
        return f'<div class="{name("teaser")}"><div class="i-1">{picture}</div><div class="i-2">{words}</div></div>\n'

    def column() -> str:
        return "<div><h4>" + link() + "</h4><ul>" + "".join(f"<li>{link()}</li>\n" for _ in range(9)) + "</ul></div>"

    def comment() -> str:
        who = f'<div class="who"><a href="/u">{draw.choice(phrases)[:12]}</a> <span>2 h</span></div>'
        return f'<div class="c">{who}<p>{escape(draw.choice(prose)[:200])}</p><a href="#r">Reply</a></div>\n'

    title = draw.choice(phrases)
    paragraphs = draw.sample(prose, draw.randrange(8, 20))
    size = draw.randrange(2, 8)
    menu = "".join(f"<div>{''.join(f'<div>{link()}</div>' for _ in range(8))}</div>\n" for _ in range(6 * size))
    body = "".join(
        f"<p>{escape(text)}</p>\n" + (f'<div class="{name("ad")}"><p>Advertisement</p></div>' if i % 4 == 3 else "")
        for i, text in enumerate(paragraphs)
    )
    page = f"""<!DOCTYPE html><html><head><title>{escape(title)} | Daily</title>
<script>{"var q=q||[];q.push(1);" * 200 * size}</script></head><body>
<div class="cookie-banner"><p>We use cookies on our site to remember what you like.</p><button>Accept</button></div>
<header><div class="{name("menu")}">{menu}</div><nav>{column() * size}</nav></header>
<div class="page"><div class="text"><h1>{escape(title)}</h1>{body}</div>
<div class="{name("rail")}"><h3>Most read</h3>{"".join(teaser() for _ in range(25 * size))}</div>
<div class="{name("comments")}"><h3>Comments</h3>{"".join(comment() for _ in range(12 * size))}</div></div>
<footer class="{name("foot")}">{"".join(column() for _ in range(4 * size))}<p>Copyright 2024</p></footer>
</body></html>"""
    return page, "\n".join([title, *paragraphs])
