"""The pages of a data ablation: what is trained on, what is held out, and the copies that a crawl has.

Before anything is curated, pages are held out by a hash of their address; pages that overlap with any held-out text
are left out; and, unless pages are taken as they are, a crawl is made of what remains. Our sample pages are cleaner
than the web: each was chosen, and none is there twice. So noise pages are added, and some pages come again from
mirrors, in another frame of menus, banners and related links, with a line about the mirror in their text. How many
copies a page has follows a power law, as in real crawls: most have none, a few have many. The frames and the number
of copies are ours; an ablation on them shows how to decide, not what a real crawl would gain.
"""

import gzip
import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import xxhash
from selectolax.lexbor import LexborHTMLParser

from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.readers import read_shard
from smollab.curate.shards import Report, list_shards
from smollab.documents import Document, replace
from smollab.recipe import Source

NOISE = Source(address="warc:data_samples/web/noise.warc.gz")
"""Shops, spam, forums, placeholders, duplicates and pages in other languages; see data_samples/README.md."""
COPIES_EXPONENT = 1.6
"""A page has at least k copies with probability (k + 1)^-1.6; about half of all pages are then copies."""
MOST_COPIES = 20
OVERLAP_WORDS = 13
"""Words of an n-gram by which overlap with held-out text is found (Brown et al. 2020, appendix C)."""
MOST_OVERLAP = 0.1
"""A page with a larger share of its 13-grams in held-out text is left out."""

_NEVER_SHOWN = "script,style,noscript,template,head"
_BLOCKS = (
    "p,div,li,ul,ol,dl,dt,dd,tr,td,th,table,h1,h2,h3,h4,h5,h6,br,hr,blockquote,section,article,aside,nav,header,footer,"
    "main,form,option,figcaption,caption"
)
_BREAK = "\ue000"  # of a private use area, so not in pages
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)
_WORD = re.compile(r"\w+")
_MENU = "Home|News|Products|Services|Downloads|Blog|Forum|Shop|Careers|Press|Partners|Events|Help|Login|Archive|Sitemap"
_BANNERS = (
    "We and our partners use cookies to store and access information on your device. Accept all. Manage settings.",
    "Subscribe to our newsletter and get the best offers of the week straight to your inbox. Sign up now!",
    "Your browser is out of date. Update it to view this site correctly. Dismiss this message.",
    "Advertisement. Continue reading below. Remove ads by becoming a member today.",
)


def read_pages(name: str, source: Source) -> Iterator[Document]:
    """The pages of a source, not curated; those of text sources have text, others raw bytes."""
    for shard in list_shards(name, source):
        yield from read_shard(shard, Report())


def visible_text(page: Document) -> str:
    """All text of a page, a line for each block: menus, banners and footers included, as in CommonCrawl's WET files."""
    tree = LexborHTMLParser(decode_html(page.raw, page.metadata.get("charset", "")))
    for node in tree.css(_NEVER_SHOWN):
        node.decompose()
    for node in tree.css("pre"):
        node.replace_with(_BREAK + _BREAK.join((node.text() or "").splitlines()) + _BREAK)
    for node in tree.css(_BLOCKS):
        node.insert_before(_BREAK)
        node.insert_after(_BREAK)
    text = tree.body.text() if tree.body is not None else ""
    lines = (" ".join(line.split()) for line in text.split(_BREAK))
    return "\n".join(line for line in lines if line)


def main_text(page: Document) -> str:
    """The main text of a page, as the step `extract_html` finds it; empty where there is none."""
    return extract_main_text(decode_html(page.raw, page.metadata.get("charset", "")))


def join_lines(text: str) -> str:
    """Undo the hard line breaks of a plain text: the lines between two blank ones become one."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return "\n".join(paragraph for paragraph in paragraphs if any(map(str.isalpha, paragraph)))


def n_grams(text: str) -> set[int]:
    """Hashes of all 13-grams of a text's words, case and punctuation set aside; empty for a shorter text."""
    words = _WORD.findall(text.lower())
    joined = (" ".join(words[i : i + OVERLAP_WORDS]) for i in range(len(words) - OVERLAP_WORDS + 1))
    return {xxhash.xxh3_64_intdigest(n_gram.encode("utf-8", "replace")) for n_gram in joined}


@dataclass(frozen=True)
class Overlap:
    """Finds texts that repeat held-out ones."""

    known: frozenset[int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Overlap":
        """Index the held-out texts."""
        known: set[int] = set()
        for text in texts:
            known |= n_grams(text)
        return cls(frozenset(known))

    def share(self, text: str) -> float:
        """Share of a text's 13-grams that are in the held-out texts."""
        mine = n_grams(text)
        return len(mine & self.known) / len(mine) if mine else 0.0


def add_copies(pages: Sequence[Document]) -> list[Document]:
    """The pages, each followed by its copies on mirrors; the same for the same pages."""
    titles = [_title(page) for page in pages]
    crawl: list[Document] = []
    for page in pages:
        crawl.append(page)
        crawl += [_mirror(page, number, titles) for number in range(1, count_copies(page.id) + 1)]
    return crawl


def count_copies(page_id: str) -> int:
    """How many copies a page has: drawn from a power law by a hash of its id."""
    uniform = (xxhash.xxh3_64_intdigest(f"copies {page_id}".encode()) + 1) / 2**64
    return min(MOST_COPIES, int(uniform ** (-1 / COPIES_EXPONENT)) - 1)


def write_warc(path: Path, pages: Iterable[Document]) -> int:
    """Write pages as WARC response records, one gzip member each, and return how many; the same bytes each time."""
    count = 0
    with path.open("wb") as file:
        for page in pages:
            charset = page.metadata.get("charset")
            kind = "text/html" + (f"; charset={charset}" if charset else "")
            http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(page.raw)}\r\n\r\n".encode()
            body = http + page.raw
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {page.id}\r\n"
                f"WARC-Date: {page.metadata.get('date') or '2024-01-01T00:00:00Z'}\r\n"
                f"WARC-Record-ID: <urn:uuid:{_uuid(page.id)}>\r\n"
                f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            member = io.BytesIO()
            with gzip.GzipFile(fileobj=member, mode="wb", mtime=0) as packed:
                packed.write(head.encode("utf-8") + body + b"\r\n\r\n")
            file.write(member.getvalue())
            count += 1
    return count


def _mirror(page: Document, number: int, titles: Sequence[str]) -> Document:
    """A copy of a page as another site shows it."""
    draw = _Draws(f"{page.id} {number}")
    address = urlsplit(page.id)
    markup = decode_html(page.raw, page.metadata.get("charset", ""))
    found = _BODY.search(markup)
    menu = "".join(f'<li><a href="/{word.lower()}">{word}</a></li>' for word in draw.several(_MENU.split("|"), 14))
    related = "".join(f'<li><a href="#">{html.escape(title)}</a></li>' for title in draw.several(titles, 8))
    note = f"Copied from {html.escape(address.netloc)} by mirror {number}, revision {draw.below(900) + 100}."
    framed = (
        f"<!DOCTYPE html><html><head><title>{html.escape(_title(page))}</title></head><body>"
        f'<div class="cookie-banner"><p>{_BANNERS[draw.below(len(_BANNERS))]}</p></div>'
        f'<nav class="menu"><ul>{menu}</ul></nav>'
        f'<div id="content"><p>{note}</p>{found.group(1) if found else markup}</div>'
        f'<aside class="related"><h3>You may also like</h3><ul>{related}</ul></aside>'
        f"<footer><p>© {2000 + draw.below(25)} Mirror {number}. All rights reserved. "
        f"<a href='/terms'>Terms of use</a> <a href='/privacy'>Privacy policy</a></p></footer></body></html>"
    )
    host = f"copy-{number}.{address.netloc.removeprefix('www.')}.example"
    query = f"?{address.query}" if address.query else ""
    url = f"https://{host}{address.path}{query}"
    metadata = {**page.metadata, "url": url, "charset": "utf-8"}
    return replace(page, id=url, metadata=metadata, raw=framed.encode("utf-8", "replace"))


class _Draws:
    """Numbers that depend on a text alone."""

    def __init__(self, text: str) -> None:
        self._text, self._count = text, 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        self._count += 1
        return int(xxhash.xxh3_64_intdigest(f"{self._text} {self._count}".encode()) % limit)

    def several(self, things: Sequence[str], count: int) -> list[str]:
        """Some of the things, perhaps one twice, as menus have it."""
        return [things[self.below(len(things))] for _ in range(count)]


def _title(page: Document) -> str:
    match = re.search(rb"<title[^>]*>([^<]{1,200})", page.raw, re.IGNORECASE)
    return " ".join(html.unescape(match.group(1).decode("utf-8", "replace")).split()) if match else page.id


def _uuid(text: str) -> str:
    digest = xxhash.xxh3_128_hexdigest(text.encode())
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
