"""What tags, classes and ids say about a part of a page."""

import re
from functools import lru_cache


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
    "navigation": "nav navbar navigation menu submenu breadcrumb breadcrumbs pagination pager sidebar "
    "sidenav topbar toolbar skiplink sitemap masthead banner contentinfo complementary navbox navheader "
    "navfooter",
    "comments": "comment comments commentlist comments-area disqus respond comment-respond replies",
    "social": "share sharing social socials addthis sharedaddy follow-us",
    "promotion": "ad ads adsense advert advertisement advertising promo promos promotion sponsor sponsored "
    "newsletter subscribe subscription signup popup modal paywall outbrain taboola banner-ad cta",
    "related": "related recommend recommended recommendations popular trending read-more more-from also-like "
    "more-stories you-may-like teaser teasers latest-posts recent-posts most-read",
    "legal": "cookie cookies cookie-banner consent gdpr footer copyright disclaimer colophon cookielaw",
    "meta": "tags tag-list taglist tag-cloud byline author-bio author-box post-meta entry-meta postmeta "
    "metadata entry-footer post-footer catlinks",
    "hidden": "hidden",
}
"""Whole words of class, id and role -> why the part is probably not the page's own text."""

_SUSPICION = re.compile(
    "|".join(
        rf"(?P<{category}>(?<![\w-])(?:\w+-)?(?:{'|'.join(words.split())})(?:-\w+)?(?![\w-]))"
        for category, words in SUSPICIONS.items()
    )
)
_SKIPPED = re.compile(
    r"mw-editsection|headerlink|sr-only|visually-hidden|screen-reader|noprint|skip-link"
    r"|linenos|lineno|line-numbers"
)
_JOINTS = re.compile(r"[_-]+|(?<=[a-z])(?=[A-Z])")  # related_posts, relatedPosts -> related-posts
_IDENTITY = re.compile(r'\s(?:class|id|role|itemprop)="([^"]*)"')
_HIDING = re.compile(r'\shidden=""|display:\s*none|visibility:\s*hidden|\saria-hidden="true"')


@lru_cache(maxsize=4096)
def judge_attributes(attributes: str) -> tuple[str, bool, bool]:
    """Return (category of suspicion or empty, skip this element, says it is the main content)."""
    identity = _JOINTS.sub("-", " ".join(_IDENTITY.findall(attributes))).lower()
    skipped = bool(_SKIPPED.search(identity))
    if _HIDING.search(attributes):
        return "hidden", skipped, False
    suspicion = _SUSPICION.search(identity)
    is_main = "articlebody" in identity or (" " + identity + " ").find(" main ") >= 0
    return (suspicion.lastgroup or "" if suspicion else ""), skipped, is_main
