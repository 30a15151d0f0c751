"""Real pages from Debian's documentation packages, and WARC files to put them in.

A page is taken as it lies in the package; its address is the one it has, or had, on the web. Pages of one
language go to one WARC file, gzip per record as Common Crawl writes them. Dates and record ids are made from
the addresses, so that building twice gives the same bytes.
"""

import hashlib
import io
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from samples.packages import Packages

LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "vi")
FIRST_DATE = datetime(2024, 6, 1, tzinfo=UTC)
"""The date of the first record of every file; each record is one minute later."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One web page, real or made."""

    uri: str
    """Address: the true one where the page lives on the web."""
    body: bytes
    """What the server sends."""
    language: str = ""
    """ISO 639-1."""
    kind: str = "real"
    """For the manifest: `real`, `near duplicate of ...`, `made by us: ...`."""
    package: str = ""
    """Debian package it comes from; empty when made by us."""
    content_type: str = "text/html; charset=UTF-8"
    """The HTTP header."""
    status: str = "200 OK"
    """The HTTP status line."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further HTTP headers."""
    record_type: str = "response"
    """WARC record type: response, request, warcinfo."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """The pages of one package in one language, and which of them to take."""

    package: str
    """Debian package."""
    folder: str
    """Inside the package."""
    pattern: str
    """Glob below `folder`."""
    uri: str
    """Address, with `{stem}` for the path below `folder` without its suffix."""
    language: str
    """ISO 639-1."""
    skip: frozenset[str] = frozenset()
    """File names to leave out."""
    one_in: int = 1
    """Take one page in so many, chosen by a hash of the address."""
    minimum_prose_words: int = 0
    """Pages with less prose are taken only one in ten: filters must have something to drop."""
    read: Callable[[Path], bytes] = Path.read_bytes
    """How a file becomes HTML."""
    kind: str = "real"
    """What the manifest says of the pages."""
    english: tuple[str, str] | None = None
    """Package and folder of the English originals, to measure how much of a page is translated."""
    translated: tuple[float, float] = (0.8, 1.0)
    """Least and largest share of a page that is translated."""

    def everything(self) -> "Collection":
        """The same collection without sampling."""
        return replace(self, one_in=1, minimum_prose_words=0)

    def pages(self, packages: Packages) -> Iterator[Page]:
        """The chosen pages, in the order of their paths."""
        folder = packages.path(self.package, self.folder)
        for file in sorted(folder.glob(self.pattern)):
            if file.is_symlink() or file.name in self.skip:
                continue
            path = file.relative_to(folder).as_posix()
            page = Page(
                uri=self.uri.format(stem=path.removesuffix(".html").removesuffix(".page")),
                body=self.read(file),
                language=self.language,
                package=self.package,
                kind=self.kind,
            )
            least, most = self.translated
            if self._wanted(page) and least <= self._translated(page, path, packages) <= most:
                yield page

    def _wanted(self, page: Page) -> bool:
        if not chosen(self.one_in, page.uri):
            return False
        return prose_words(page.body) >= self.minimum_prose_words or chosen(10, "little prose " + page.uri)

    def _translated(self, page: Page, path: str, packages: Packages) -> float:
        """How much of a page is in its own language; 1 where there is no original to compare with."""
        if self.english is None:
            return 1.0
        package, folder = self.english
        original = packages.path(package, folder) / path.replace(f".{self.language}.html", ".en.html")
        return translated_share(page.body, self.read(original)) if original.exists() else 1.0


def block_texts(html: bytes) -> list[str]:
    """The texts of a page's paragraphs, list items, cells and headings, white space collapsed."""
    tree = LexborHTMLParser(html)
    nodes = tree.css("p, li, td, dd, dt, h1, h2, h3, div.para")
    return [text for node in nodes if (text := " ".join(node.text(separator=" ").split()))]


def prose_words(html: bytes) -> int:
    """Words in paragraphs of at least eight words: a measure of how much of a page is prose."""
    lengths = [len(text.split()) for text in block_texts(html)]
    return sum(n for n in lengths if n >= 8)


def translated_share(html: bytes, english: bytes) -> float:
    """Characters in blocks that do not stand in the English page word for word, as a share.

    Translations in these packages are often unfinished; what is left in English is identical text.
    """
    original = set(block_texts(english))
    texts = [text for text in block_texts(html) if len(text) > 30]
    translated = sum(len(text) for text in texts if text not in original)
    return translated / max(1, sum(map(len, texts)))


def recode(page: Page, encoding: str, declared: str | None = None, *, in_header: bool = True) -> Page:
    """The page in another character encoding.

    Args:
        page: a UTF-8 page.
        encoding: what the bytes will be in; what it cannot express becomes `&#...;`.
        declared: the charset the page claims to have; left out: the true one.
        in_header: whether the HTTP header says so too, or only the page's own meta element.
    """
    declared = declared or encoding
    text = re.sub(r"charset=utf-8", f"charset={declared}", page.body.decode(), count=1, flags=re.IGNORECASE)
    text = re.sub(r'(<\?xml [^>]*encoding=")UTF-8', rf"\g<1>{declared}", text, count=1)
    return replace(
        page,
        body=text.encode(encoding, errors="xmlcharrefreplace"),
        content_type=f"text/html; charset={declared}" if in_header else "text/html",
        kind=f"{page.kind}, re-encoded: {encoding} declared as {declared}",
    )


def write_warc(path: Path, pages: Iterable[Page], description: str) -> list[dict[str, str]]:
    """Write pages as a WARC 1.1 file and return one manifest entry per record, in order."""
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="1.1")
    information = {
        "software": "smollab scripts/build_data_samples.py",
        "format": "WARC File Format 1.1",
        "description": description,
    }
    entries = [{"uri": path.name, "type": "warcinfo", "kind": "made by us: description of the file"}]
    information_record = writer.create_warcinfo_record(path.name, information)
    _fix_identity(information_record.rec_headers, f"warcinfo {path.name}", 0)
    writer.write_record(information_record)
    for index, page in enumerate(pages, start=1):
        writer.write_record(_record(writer, page, index))
        entry = {"uri": page.uri, "type": page.record_type, "kind": page.kind, "language": page.language}
        entries.append({key: value for key, value in (*entry.items(), ("package", page.package)) if value})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return entries


def _record(writer: WARCWriter, page: Page, index: int) -> ArcWarcRecord:
    headers = [("Content-Type", page.content_type), *page.headers, ("Content-Length", str(len(page.body)))]
    if page.record_type == "request":
        http = StatusAndHeaders(f"GET {_path_of(page.uri)} HTTP/1.1", list(page.headers), is_http_request=True)
    else:
        http = StatusAndHeaders(page.status, headers, protocol="HTTP/1.1")
    record = writer.create_warc_record(page.uri, page.record_type, payload=io.BytesIO(page.body), http_headers=http)
    _fix_identity(record.rec_headers, f"{page.record_type} {page.uri}", index)
    return record


def _fix_identity(headers: StatusAndHeaders, name: str, index: int) -> None:
    date = FIRST_DATE + timedelta(minutes=index)
    headers.replace_header("WARC-Date", date.strftime("%Y-%m-%dT%H:%M:%SZ"))
    headers.replace_header("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>")


def _path_of(uri: str) -> str:
    return "/" + uri.split("/", 3)[-1]


def chosen(one_in: int, name: str) -> bool:
    """A choice of one name in so many, by a hash: the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % one_in == 0
