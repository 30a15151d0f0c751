"""Refuse pages by their address alone, before anything is spent on them.

**Source**: RefinedWeb and FineWeb's first filter (Penedo et al. 2023, appendix G.1; datatrove's
`URLFilter`): a block list of domains, words of which one is enough, words of which two are needed, and
strings that count anywhere.

**Deviation**: FineWeb downloads a block list of 4.6 million domains; the lists here are short, ours, and
meant to be read. A production run should put a maintained list in their place.
"""

import re
from urllib.parse import urlsplit

from smollab.documents import Document, Drop


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


BLOCKED_DOMAINS = _split(
    "pornhub.com xvideos.com xnxx.com xhamster.com redtube.com youporn.com onlyfans.com chaturbate.com "
    "livejasmin.com stripchat.com bet365.com pokerstars.com 1xbet.com doubleclick.net"
)
"""Also blocks their subdomains."""
HARD_WORDS = _split("porn porno xxx sex hentai milf blowjob gangbang camgirls escorts viagra cialis")
"""One is enough, as a whole word of the address."""
SOFT_WORDS = _split(
    "adult nude naked sexy hot cams webcam dating hookup casino poker slots betting gamble jackpot pills "
    "pharmacy replica torrent warez crack keygen"
)
"""Two of them are needed."""
ANYWHERE = ("pornstar", "sexcam", "xxxvideo", "freeporn", "onlinecasino", "buyviagra")
"""Looked for in the address without its separators."""
SOFT_WORDS_ALLOWED = 1

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def filter_url(document: Document) -> Document | Drop:
    """Drop a document whose URL is on the block list or made of spam's words; documents without URL pass."""
    url = str(document.metadata.get("url", ""))
    if not url:
        return document
    domain = find_blocked_domain(url)
    if domain:
        return Drop("url: blocked domain", domain)
    words = set(_SEPARATORS.split(url.lower()))
    hard = sorted(words & HARD_WORDS)
    if hard:
        return Drop("url: blocked word", hard[0])
    soft = sorted(words & SOFT_WORDS)
    if len(soft) > SOFT_WORDS_ALLOWED:
        return Drop("url: blocked words", f"{', '.join(soft)}: {len(soft)} > {SOFT_WORDS_ALLOWED}")
    joined = _SEPARATORS.sub("", url.lower())
    for string in ANYWHERE:
        if string in joined:
            return Drop("url: blocked string", string)
    return document


def find_blocked_domain(url: str) -> str:
    """Return the domain, or parent domain, that is on the block list; empty if none is."""
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return ""
    parents = (".".join(labels[i:]) for i in range(len(labels)))
    return next((domain for domain in parents if domain in BLOCKED_DOMAINS), "")
