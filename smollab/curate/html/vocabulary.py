"""What tags, attributes, classes and ids say about a part of a page.

Names are evidence, not proof: `main_text.py` clears a suspected part that holds most of the page's prose.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple


def split(names: str) -> frozenset[str]:
    """Return the names of a list in one string."""
    return frozenset(names.split())


NEVER_TEXT = split("script style noscript template svg math iframe select nav xmp noembed noframes plaintext")
"""Elements that the parser drops in C: large, or with content that is no markup."""
PASSED_OVER = split(
    "object canvas audio video textarea dialog map datalist progress meter amp-ad amp-sidebar amp-consent"
)
"""Further elements whose content is never the page's own text."""
BLOCK_TAGS = split(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup legend li main menu ol p pre search section summary "
    "table tbody td tfoot th thead tr ul"
)
HEADINGS = split("h1 h2 h3 h4 h5 h6")
LEAVES = HEADINGS | split("p pre dt caption figcaption summary legend")
"""Blocks that hold text and no other blocks."""

SUSPICIONS = {
    "navigation": "nav navbar navigation menu submenu megamenu breadcrumb breadcrumbs pagination pager paginator "
    "sidebar sidenav topbar toolbar skiplink sitemap masthead banner contentinfo complementary navbox navheader "
    "navfooter toc tablist widget widgets topnav subnav crumbs",
    "comments": "comment comments commentlist commentform disqus respond replies livefyre usercomments "
    "reader-comments facebook-comments",
    "social": "share sharing sharebar shares social socials addthis sharedaddy follow sociallinks socialbar",
    "promotion": "ad ads adsense advert adverts advertisement advertising promo promos promotion sponsor sponsored "
    "sponsors newsletter subscribe subscription signup popup modal paywall outbrain taboola cta upsell "
    "lightbox overlay interstitial login signin regwall",
    "related": "related recommend recommended recommendations recommendation popular trending teaser teasers "
    "read-more more-from more-stories more-news also-like also-bought also-viewed cross-sell latest-posts recent-posts "
    "latest-news most-read read-next up-next see-also-box recirc recirculation mostread toplist",
    "legal": "cookie cookies consent gdpr footer copyright disclaimer colophon cookielaw cookiebar ccpa",
    "meta": "tags taglist tag-list tag-cloud tagcloud byline author-bio author-box author-card about-author authorbox "
    "post-meta entry-meta article-meta postmeta metadata catlinks authorship author-info user-info user-details "
    "post-signature signature postprofile poster userinfo user-profile message-user posthead postfoot keyinfo",
}
"""Why a part is probably not the page's own text -> words of class, id and role that say so."""
SKIPPED = split(
    "mw-editsection headerlink sr-only visually-hidden visuallyhidden screen-reader-text screen-reader-only "
    "noprint skip-link linenos lineno line-numbers assistive-text element-invisible noscript no-js mw-jump-link"
)
"""Classes of what only a screen reader, a printer or an editor is meant to see."""
_WHOLE_NAMES = split("author meta timestamp posted posted-on postedby posted-by comhead subtext credits")
"""Say so only when they are the whole name: `author`, but not `author-ann`, which marks each post of hers."""
_MAIN_ROLES = split("main articlebody")

_SUSPICION_OF = {word: name for name, words in SUSPICIONS.items() for word in words.split()}
_IDENTITY = re.compile('(?<![^ ])(?:class|id|role|itemprop)="([^"]*)')  # quotes in values are escaped
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # related_posts, relatedPosts, RelatedPosts -> related, posts
_EVIDENCE = frozenset(
    form(word)
    for name in (*_SUSPICION_OF, *_WHOLE_NAMES, *_MAIN_ROLES, *SKIPPED)
    for word in name.split("-")[:1]
    for form in (str.lower, str.capitalize, str.upper)
)
"""The first words of all names that mean something, as `_WORD` finds them: most elements have none."""
_HIDDEN = re.compile(r'(?<![\w-])hidden=""|display:\s*none|visibility:\s*hidden|\baria-hidden="true"')


class Traits(NamedTuple):
    """What the attributes of an element say."""

    category: str = ""
    """A key of `SUSPICIONS`, or empty."""
    is_main: bool = False
    """The page says that its content is here: `role=main`, `itemprop=articleBody`."""
    is_skipped: bool = False
    """Not meant for readers."""
    is_hidden: bool = False
    """Not shown."""


PLAIN = Traits()
"""Of an element that says nothing about itself."""


def read_attributes(attributes: str) -> Traits:
    """Judge an element by its attributes, as they stand in a serialized tag."""
    names = " ".join(_IDENTITY.findall(attributes))
    might_be_hidden = "hidden" in attributes or "none" in attributes
    is_hidden = might_be_hidden and _HIDDEN.search(attributes) is not None
    if names and not _EVIDENCE.isdisjoint(_WORD.findall(names)):
        return _read_names(names, is_hidden)
    return Traits(is_hidden=True) if is_hidden else PLAIN


def _read_names(names: str, is_hidden: bool) -> Traits:
    category, is_main, is_skipped = "", False, False
    for name in names.split():
        traits = read_name(name)
        if traits is not PLAIN:
            category = category or traits.category
            is_main = is_main or traits.is_main
            is_skipped = is_skipped or traits.is_skipped
    if category or is_main or is_skipped or is_hidden:
        return Traits(category, is_main, is_skipped, is_hidden)
    return PLAIN


def read_class(tag: str) -> Traits:
    """Judge a link by its class; its address is hardly ever the same twice."""
    return read_classes(tag.partition(' class="')[2].partition('"')[0])


@lru_cache(maxsize=4096)
def read_classes(names: str) -> Traits:
    """Judge an element by the value of its class."""
    return PLAIN if _EVIDENCE.isdisjoint(_WORD.findall(names)) else _read_names(names, False)


@lru_cache(maxsize=16384)
def read_name(name: str) -> Traits:
    """Judge a class, id or role; most have been seen before, on this page or another."""
    if _EVIDENCE.isdisjoint(_WORD.findall(name)):
        return PLAIN
    lower = name.lower()
    category, is_main, is_skipped = suspect(name), lower in _MAIN_ROLES, lower in SKIPPED
    return Traits(category, is_main, is_skipped) if category or is_main or is_skipped else PLAIN


def suspect(name: str) -> str:
    """Return why an element with this name is probably not the page's own text, or an empty string."""
    if name.lower() in _WHOLE_NAMES:
        return "meta"
    words = [word.lower() for word in _WORD.findall(name)]
    for word in words:
        if word in _SUSPICION_OF:
            return _SUSPICION_OF[word]
    for first, second in pairwise(words):
        if f"{first}-{second}" in _SUSPICION_OF:
            return _SUSPICION_OF[f"{first}-{second}"]
    return ""
