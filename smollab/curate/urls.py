"""Refuse pages by their address alone, before anything is spent on them.

In the order of FineWeb: a block list of domains and their subdomains, one of addresses; words of which one is enough;
words of which two are needed; strings that count anywhere in the address without its separators. Words are compared
whole, so that Essex, Scunthorpe and assassins pass.

**Source**: RefinedWeb and FineWeb's first filter (Penedo et al. 2023, appendix G.1; datatrove's `URLFilter`).

**Deviations** from datatrove: addresses are percent-decoded and in lower case before words are looked for, and letters
other than a-z belong to words; every parent of a host is looked up, not only the registered domain and the host
itself; the values of all lists are measured, not only of the first that hits.

**Fails when**: a word means something else: `sex` is six in Swedish and `MILF` a party in the Philippines, so both need
company here. The lists below are short, ours, and meant to be read: a production run should name maintained ones in
the recipe (FineWeb's has 4.6 million domains).

**Cost**: about 8 microseconds an address.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

from smollab.curate.block_lists import BlockList, hash_file, load_list, normalize_url, problems_of, split_words
from smollab.curate.rules import Filter, Rule
from smollab.documents import Document
from smollab.recipe import Url

__all__ = ["filter_url", "list_problems"]


def _split(words: str) -> tuple[bytes, ...]:
    return tuple(words.encode().split())


BLOCKED_DOMAINS = _split(
    "pornhub.com xvideos.com xnxx.com xhamster.com redtube.com youporn.com onlyfans.com chaturbate.com "
    "livejasmin.com stripchat.com bet365.com pokerstars.com 1xbet.com doubleclick.net"
)
"""Also blocks their subdomains."""
HARD_WORDS = _split("porn porno pornos xxx hentai blowjob blowjobs gangbang camgirls cumshot upskirt viagra cialis")
"""One is enough, as a whole word of the address."""
SOFT_WORDS = _split(
    "adult nude naked sex sexe sexo sexy milf escort escorts erotic erotik hot cams webcam dating hookup casino poker "
    "slots betting gamble jackpot pills pharmacy replica torrent warez crack keygen"
)
"""Two of them are needed."""
BANNED_STRINGS = _split("pornstar sexcams xxxvideo freeporn phimsex onlinecasino buyviagra")
"""Looked for in the address without its separators."""

LONGEST_HOST = 253
"""Characters (RFC 1035); what is longer is no host, and would have too many parents."""

_HOST = re.compile(r"(?:[A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?([^/?#:@\[\]]+)")


class _Resolved:
    """The recipe's section with the lists that it names, read when the first address comes."""

    def __init__(self, settings: Url):
        self.__dict__.update(vars(settings))
        self.settings = settings
        self.digests = [hash_file(file) for file, _ in _files(settings)]
        """Of the files: other lists, other values."""

    @cached_property
    def domains(self) -> BlockList:
        return self._block_list(self.settings.blocked_domains, "domains", BLOCKED_DOMAINS)

    @cached_property
    def urls(self) -> BlockList:
        return self._block_list(self.settings.blocked_urls, "urls", ())

    @cached_property
    def hard(self) -> frozenset[bytes]:
        return frozenset(self._words(self.settings.hard_words, "words", HARD_WORDS))

    @cached_property
    def soft(self) -> frozenset[bytes]:
        return frozenset(self._words(self.settings.soft_words, "words", SOFT_WORDS))

    @cached_property
    def strings(self) -> tuple[str, ...]:
        # Text, because looking for a string in a string is quicker than for bytes in bytes.
        return tuple(map(bytes.decode, self._words(self.settings.banned_strings, "strings", BANNED_STRINGS)))

    def _block_list(self, file: str, kind: Any, default: tuple[bytes, ...]) -> BlockList:
        return cast(BlockList, load_list(file, kind)) if file else BlockList.of(default)

    def _words(self, file: str, kind: Any, default: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return cast(tuple[bytes, ...], load_list(file, kind)) if file else default


class _Address(NamedTuple):
    """An address taken apart."""

    lists: _Resolved
    url: str
    host: bytes
    words: frozenset[bytes]
    joined: str


RULES = (
    Rule("blocked_domain", "blocked domain", "forbidden", "refuse_domains", lambda a: _find_blocked_domain(a)),
    Rule("blocked_url", "blocked address", "forbidden", "refuse_urls", lambda a: _is_blocked(a) or None),
    Rule("hard_words", "blocked word", "forbidden", "refuse_hard_words", lambda a: _found(a.words, a.lists.hard)),
    Rule("soft_words", "blocked words", "maximum", "maximum_soft_words", lambda a: len(a.words & a.lists.soft)),
    Rule("banned_string", "blocked string", "forbidden", "refuse_strings", lambda a: _find_string(a)),
)


def filter_url(settings: Url, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Filter:
    """Build the step that drops a document whose address is blocked; documents without one pass.

    Raises:
        CurationError: a list that the recipe names cannot be read.
    """
    resolved = _Resolved(settings)
    return Filter("url", RULES, lambda d: (d, _take_apart(d, resolved)), resolved, by_language, depends=("digests",))


def list_problems(settings: Url) -> dict[str, dict[str, int]]:
    """Return what is wrong with the lists that a recipe names: file -> reason -> lines."""
    found = {file: dict(problems_of(file, kind)) for file, kind in _files(settings)}
    return {file: problems for file, problems in found.items() if problems}


def _files(settings: Url) -> list[tuple[str, Any]]:
    named = [
        (settings.blocked_domains, "domains"),
        (settings.blocked_urls, "urls"),
        (settings.hard_words, "words"),
        (settings.soft_words, "words"),
        (settings.banned_strings, "strings"),
    ]
    return [(file, kind) for file, kind in named if file]


def _take_apart(document: Document, lists: _Resolved) -> _Address:
    url = document.metadata.get("url") or ""
    if not isinstance(url, str) or not url:
        return _Address(lists, "", b"", frozenset(), "")
    host = _HOST.match(url)
    domain = host[1].lower().strip(".").encode("utf-8", "replace") if host and len(host[1]) <= LONGEST_HOST else b""
    words = split_words(unquote(url) if "%" in url else url)
    return _Address(lists, url, domain.removeprefix(b"www."), frozenset(words), b"".join(words).decode())


def _find_blocked_domain(address: _Address) -> str | None:
    """Return the host, or the parent of it, that is on the list."""
    domain, blocked = address.host, address.lists.domains
    while b"." in domain:
        if domain in blocked:
            return domain.decode()
        domain = domain.partition(b".")[2]
    return None


def _is_blocked(address: _Address) -> bool:
    blocked = address.lists.urls
    return bool(blocked) and bool(address.url) and normalize_url(address.url).encode("utf-8", "replace") in blocked


def _found(words: frozenset[bytes], listed: frozenset[bytes]) -> str | None:
    return None if words.isdisjoint(listed) else ", ".join(sorted(word.decode() for word in words & listed))


def _find_string(address: _Address) -> str | None:
    # Of a hundred strings, looking for each takes a few microseconds; an automaton is only worth it for thousands.
    joined = address.joined
    for string in address.lists.strings:
        if string in joined:
            return string
    return None
