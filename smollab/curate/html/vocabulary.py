"""What tags, classes and ids say about a part of a page."""

import re
from functools import lru_cache
from itertools import pairwise


def _split(names: str) -> frozenset[str]:
    return frozenset(names.split())


NEVER_TEXT = _split(
    "script style noscript template svg iframe object embed canvas audio video button select input "
    "textarea nav dialog map noembed noframes xmp plaintext datalist progress meter math"
)
BLOCK_TAGS = _split(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu ol p pre section summary "
    "table tbody td tfoot th thead tr ul"
)
VOID_TAGS = _split("area base br col hr img link meta param source track wbr")
HEADINGS = _split("h1 h2 h3 h4 h5 h6")
LEAVES = HEADINGS | _split("p pre dt caption figcaption summary legend")
"""Blocks that hold text and no other blocks."""

SUSPICIONS = {
    "navigation": "nav navbar navigation menu submenu breadcrumb breadcrumbs pagination pager sidebar sidenav "
    "topbar toolbar skiplink sitemap masthead banner contentinfo complementary navbox navheader navfooter",
    "comments": "comment comments commentlist disqus respond replies",
    "social": "share sharing social socials addthis sharedaddy follow",
    "promotion": "ad ads adsense advert advertisement advertising promo promos promotion sponsor sponsored "
    "newsletter subscribe subscription signup popup modal paywall outbrain taboola cta",
    "related": "related recommend recommended recommendations popular trending teaser teasers read-more "
    "more-from more-stories you-may-like also-like latest-posts recent-posts most-read",
    "legal": "cookie cookies consent gdpr footer copyright disclaimer colophon cookielaw",
    "meta": "tags taglist tag-list tag-cloud byline author-bio author-box post-meta entry-meta postmeta "
    "metadata catlinks",
}
"""Words of class, id and role -> why the part is probably not the page's own text."""
SKIPPED = _split(
    "mw-editsection headerlink sr-only visually-hidden screen-reader-text noprint skip-link linenos lineno line-numbers"
)
"""Classes of what only a screen reader, a printer or an editor is meant to see."""

_SUSPICION_OF = {word: name for name, words in SUSPICIONS.items() for word in words.split()}
_IDENTITY = re.compile(r'\s(?:class|id|role|itemprop)="([^"]*)"')
_JOINTS = re.compile(r"[_-]+|(?<=[a-z])(?=[A-Z])")  # related_posts, relatedPosts -> related-posts
_HIDDEN = re.compile(r'\shidden=""|display:\s*none|visibility:\s*hidden|\saria-hidden="true"')


def identify(attributes: str) -> str:
    """Return the values of class, id, role and itemprop; empty for most elements."""
    if "class=" not in attributes and "id=" not in attributes and "role=" not in attributes:
        return ""
    return " ".join(_IDENTITY.findall(attributes))


def is_hidden(attributes: str) -> bool:
    """Tell whether an element is not shown."""
    if "hidden" not in attributes and "display:" not in attributes:
        return False
    return _HIDDEN.search(attributes) is not None


@lru_cache(maxsize=4096)
def is_skipped(identity: str) -> bool:
    """Tell whether an element is not for readers."""
    return not SKIPPED.isdisjoint(_JOINTS.sub("-", identity).lower().split())


@lru_cache(maxsize=4096)
def suspect(identity: str) -> str:
    """Return why an element is probably not the page's own text, or an empty string."""
    for name in _JOINTS.sub("-", identity).lower().split():
        parts = name.split("-")
        pairs = map("-".join, pairwise(parts))
        for word in (name, *parts, *pairs):
            if word in _SUSPICION_OF:
                return _SUSPICION_OF[word]
    return ""


@lru_cache(maxsize=4096)
def is_marked_main(identity: str) -> bool:
    """Tell whether the page says that its content is in this element."""
    names = identity.lower().split()
    return "main" in names or "articlebody" in names
