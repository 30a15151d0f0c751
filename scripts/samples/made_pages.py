"""Pages in the manner of the real web, written by us: what documentation packages do not have.

Articles, blogs, forum threads and legal pages are written out in `pages/LANGUAGE.txt`; shops, spam, link
farms and the like are put together from the words in `pages/words.toml`. The templates in `pages/layouts/`
put around them what stands around real pages: cookie banners, menus, scripts, advertisements, related links,
newsletters, comments. Hosts end in `.example`; telephone numbers and nearly all addresses are those set aside
for fiction and documentation.
"""

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2

from samples.web import LANGUAGES, Page

FOLDER = Path(__file__).parent / "pages"
WORDS = tomllib.loads((FOLDER / "words.toml").read_text(encoding="utf-8"))
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "layouts"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
KINDS = {
    "news": "news article with advertisement and related links",
    "blog": "blog with comments and sidebar",
    "forum": "forum thread",
    "legal": "legal boilerplate",
    "contact": "page with e-mail, telephone and IP addresses",
    "oldstyle": "home page with table layout",
}
"""Layout of a written page -> what the manifest calls it."""
LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et "
    "dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi. "
)
SCRIPT = (
    "function toggle(id) { var e = document.getElementById(id); if (e.style.display == 'none') { "
    "e.style.display = 'block'; } else { e.style.display = 'none'; } } $(document).ready(function() { "
    "$('.slider').slick({ dots: true, speed: 300 }); }); "
)


@dataclass(frozen=True)
class Article:
    """A page that was written out: its text, and what it is put into."""

    language: str
    layout: str
    """Name of a template, a key of `KINDS`."""
    uri: str
    title: str
    paragraphs: list[str] = field(default_factory=list)
    """In order; a heading begins with `## `."""
    comments: list[tuple[str, ...]] = field(default_factory=list)
    """Name and text; in a forum thread these are the posts."""

    @property
    def gold(self) -> str:
        """What a perfect extraction would return, a paragraph a line; comments count in forums only."""
        texts = [paragraph.removeprefix("## ") for paragraph in self.paragraphs]
        posts = [text for _, text in self.comments] if self.layout == "forum" else []
        return "\n".join([self.title, *texts, *posts])

    @property
    def page(self) -> Page:
        """The article in its layout."""
        body = _render(
            self.layout,
            self.language,
            self.title,
            paragraphs=self.paragraphs,
            comments=self.comments,
            chrome=True,
            banner=self.layout in ("news", "legal"),
        )
        return Page(uri=self.uri, body=body, language=self.language, kind=f"made by us: {KINDS[self.layout]}")


def articles() -> list[Article]:
    """All written articles, by language."""
    return [
        article
        for language in LANGUAGES
        for article in parse_articles(language, (FOLDER / f"{language}.txt").read_text(encoding="utf-8"))
    ]


def parse_articles(language: str, text: str) -> Iterator[Article]:
    """Read articles: `=== layout address`, `# title`, paragraphs, `## heading`, `> name: comment`."""
    for block in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, title, *lines = block.strip().split("\n")
        layout, uri = head.split()
        comments = [tuple(line[2:].split(": ", 1)) for line in lines if line.startswith("> ")]
        paragraphs = [line for line in lines if not line.startswith("> ")]
        yield Article(language, layout, uri, title.removeprefix("# "), paragraphs, comments)


def generated() -> Iterator[Page]:
    """Shops, spam, placeholders and other pages that filters should drop."""
    for language in LANGUAGES:
        yield _shop(language)
        yield _notice(language, "soft 404", "not_found")
        yield _spam(language)
        yield _short(language)
    yield from (_keyword_stuffing(language) for language in ("en", "es", "vi"))
    yield from (_link_farm(language) for language in ("en", "de", "pt"))
    yield from (_notice(language, "page that needs JavaScript", "loading") for language in ("fr", "it"))
    yield from _english_oddities()
    yield from _addresses_to_block()


def _shop(language: str) -> Page:
    return _made("shop listing", language, "shop", "Shop", chrome=True, banner=True)


def _notice(language: str, kind: str, message: str) -> Page:
    return _made(kind, language, "plain", "…", paragraphs=[WORDS[language][message]], chrome=True)


def _spam(language: str) -> Page:
    words = WORDS[language]
    products = random.Random(f"spam {language}").sample(words["products"], 3)
    paragraphs = [words["spam"].format(product=product) for product in products for _ in range(4)]
    title = f"{products[0]} {words['cheap'][1]}"
    return _made("search-engine spam", language, "plain", title, paragraphs=paragraphs)


def _short(language: str) -> Page:
    words = WORDS[language]
    return _made("very short page", language, "plain", words["menu"][0], paragraphs=[words["related"][2]])


def _keyword_stuffing(language: str) -> Page:
    words, rng = WORDS[language], random.Random(f"stuffing {language}")
    phrases = [f"{rng.choice(words['products'])} {rng.choice(words['cheap'])}" for _ in range(240)]
    return _made("keyword stuffing", language, "plain", phrases[0], paragraphs=[", ".join(phrases)])


def _link_farm(language: str) -> Page:
    words = WORDS[language]
    links = [f"{product} {cheap}" for product in words["products"] for cheap in words["cheap"]]
    return _made("link farm", language, "list", "Links", links=links)


def _english_oddities() -> Iterator[Page]:
    words = WORDS["en"]
    for count in (6, 2):
        title = f"Just another site with {count} columns"
        yield _made("placeholder text", "en", "plain", title, paragraphs=[LOREM * 2] * count, chrome=True)
    invitation = "This is the page where you can try our widgets. Copy the code and paste it into your page. "
    paragraphs = [invitation * 3, SCRIPT * 4]
    yield _made("page with scripts in its text", "en", "plain", "Widgets", paragraphs=paragraphs, chrome=True)
    song = [
        "Row, row along the quiet shore,",
        "all the day and then some more.",
        "Pull the oar and sing again,",
    ]
    yield _made("repeated lines", "en", "plain", "Song", paragraphs=song * 14)
    yield _made("directory listing", "en", "directory", "Index of /pub")
    notice = "This domain may be for sale. The listings below are provided by a third party."
    yield _made("parked domain", "en", "list", "For sale", paragraphs=[notice], links=words["products"])
    months = [f"{year}, month {month}" for year in (2016, 2017, 2018) for month in range(1, 13)]
    yield _made("archive calendar", "en", "list", "Archives", links=months, chrome=True)
    yield _made("random words", "en", "plain", "Article 77", paragraphs=_word_salad(), chrome=True)
    yield _made("cookie wall", "en", "plain", "Consent", banner=True)


def _word_salad() -> list[str]:
    """Paragraphs of words in random order: fluent statistics, no sense."""
    rng = random.Random("salad")
    vocabulary = [word for article in articles()[:6] for text in article.paragraphs for word in text.split()]
    sentences = [" ".join(rng.sample(vocabulary, 14)).capitalize() + "." for _ in range(30)]
    return [" ".join(sentences[start : start + 5]) for start in range(0, 30, 5)]


def _addresses_to_block() -> Iterator[Page]:
    """A good article at addresses that a URL filter refuses."""
    story = articles()[1].page
    for host in ("free-xxx-videos", "casino-poker-bonus"):
        kind = "made by us: address that URL filters drop"
        yield replace(story, uri=f"https://www.{host}.example/story.html", kind=kind)


def _made(kind: str, language: str, layout: str, title: str, **values: Any) -> Page:
    """A page put together, at an address made from its kind."""
    body = _render(layout, language, title, **values)
    slug = re.sub(r"[^a-z0-9]+", "-", kind.lower())
    path = re.sub(r"\W+", "-", title.lower()).strip("-") or "index"
    uri = f"https://www.{slug}-{language}.example/{path}.html"
    return Page(uri=uri, body=body, language=language, kind=f"made by us: {kind}")


def _render(layout: str, language: str, title: str, **values: Any) -> bytes:
    template = TEMPLATES.get_template(f"{layout}.html")
    rng = random.Random(f"{layout} {language} {title}")
    return template.render(language=language, title=title, words=WORDS[language], random=rng, **values).encode()
