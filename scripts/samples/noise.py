"""`data_samples/web/noise.warc.gz`: what a crawl holds besides good pages, in known quantities.

Duplicates, near-duplicates, pages in other languages and half-translated pages are real; spam, shops, forums
and other kinds are made by us (`made_pages.py`). The manifest says for each record what it is.
"""

import base64
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from samples.made_pages import Article, articles, generated
from samples.manifest import OUR_LICENSE, Entry, licenses_of, origin_of
from samples.packages import Packages
from samples.sources import debian_handbook, gnome_help, installation_guide, libreoffice_help
from samples.web import LANGUAGES, Page, prose_words, write_warc
from samples.web_files import package_names

WARC = "web/noise.warc.gz"
GOLD = "evaluation/extraction_gold.jsonl"
FOREIGN = {"ru": "ru", "zh": "zh_CN", "ja": "ja", "nl": "nl", "ko": "ko", "el": "el"}
"""Languages no recipe asks for -> the installation guide's name for them."""
FOREIGN_PAGES = ("ch01.html", "ch01s02.html", "ch02s05.html", "ch03s03.html")
TINY_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write the WARC and the gold texts of the written pages."""
    names = sorted({name for language in LANGUAGES for name in package_names(language)})
    packages.fetch(names)
    written = articles()
    pages = [
        *_odd_records(),
        *_duplicates(packages),
        *_near_duplicates(packages),
        *_foreign_pages(packages),
        *_half_translated_pages(packages),
        *(article.page for article in written),
        *generated(),
    ]
    records = write_warc(folder / WARC, pages, "Duplicates, other languages, and pages made by smollab")
    used = sorted({page.package for page in pages if page.package})
    warc = Entry(
        path=WARC,
        origin="; ".join(origin_of(packages, name) for name in used) + "; the rest made by us, see records",
        license=licenses_of(used, OUR_LICENSE),
        packages=used,
        languages=sorted({page.language for page in pages if page.language}),
        record_count=len(records),
        records=records,
    )
    return [warc, _write_gold(folder, written)]


def _odd_records() -> Iterator[Page]:
    """Records that are no pages: a request, an image, JSON, a redirect, an empty body, an error."""
    base = "https://www.example.org"
    yield Page(
        uri=f"{base}/",
        body=b"",
        record_type="request",
        headers=(("Host", "www.example.org"), ("User-Agent", "smollab-sample/1.0")),
        kind="made by us: request",
    )
    yield Page(uri=f"{base}/logo.png", body=TINY_PNG, content_type="image/png", kind="made by us: image")
    yield Page(
        uri=f"{base}/api/status",
        body=json.dumps({"status": "ok", "items": [1, 2, 3]}).encode(),
        content_type="application/json",
        kind="made by us: JSON",
    )
    yield Page(
        uri=f"{base}/old",
        body=b"<html><body><h1>301 Moved Permanently</h1></body></html>",
        status="301 Moved Permanently",
        headers=(("Location", f"{base}/new"),),
        kind="made by us: redirect",
    )
    yield Page(uri=f"{base}/empty.html", body=b"", kind="made by us: empty body")
    yield Page(
        uri=f"{base}/crash",
        body=b"<html><body><h1>500 Internal Server Error</h1></body></html>",
        status="500 Internal Server Error",
        kind="made by us: server error",
    )


def _duplicates(packages: Packages) -> Iterator[Page]:
    """Real pages again, byte for byte, at the address of a mirror."""
    for language in ("en", "fr", "de", "vi"):
        for page in _prose_pages(packages, language)[:2]:
            uri = re.sub(r"//[^/]+", f"//mirror-{language}.example", page.uri)
            yield replace(page, uri=uri, kind=f"exact duplicate of {page.uri}")


def _near_duplicates(packages: Packages) -> Iterator[Page]:
    """Real pages with other names and numbers, a few changed words and another last line."""
    for language in LANGUAGES:
        for page in _prose_pages(packages, language)[2:4]:
            uri = re.sub(r"//[^/]+", "//archive.example/2019", page.uri)
            yield replace(page, uri=uri, body=_slightly_changed(page.body), kind=f"near duplicate of {page.uri}")


def _prose_pages(packages: Packages, language: str) -> list[Page]:
    """Four pages of plain prose that good filters keep, so that they reach deduplication."""
    candidates = (*gnome_help(language).pages(packages), *installation_guide(language).pages(packages))
    return [page for page in candidates if 220 <= prose_words(page.body) <= 700][:4]


def _slightly_changed(body: bytes) -> bytes:
    text = re.sub(r"\bGNOME\b", "Desktop", body.decode())
    text = re.sub(r"\bDebian GNU/Linux\b", "Debian", text, count=6)
    # Stamps in the first and third paragraph: changes that survive the extraction of the main text.
    first, second, third, *rest = text.split("</p>")
    return "</p>".join([f"{first} [2019-03-03]", second, f"{third} [3.30]", *rest]).encode()


def _foreign_pages(packages: Packages) -> Iterator[Page]:
    """Real pages in languages that the recipes do not ask for."""
    folder = "usr/share/doc/installation-guide-amd64"
    for language, name in FOREIGN.items():
        for file in FOREIGN_PAGES:
            stem = file.removesuffix(".html")
            yield Page(
                uri=f"https://www.debian.org/releases/bookworm/amd64/{stem}.{name}.html",
                body=packages.path("installation-guide-amd64", f"{folder}/{name}/{file}").read_bytes(),
                language=language,
                kind="wrong language",
                package="installation-guide-amd64",
            )


def _half_translated_pages(packages: Packages) -> Iterator[Page]:
    """Real pages that claim a language and are half in English."""
    for language in ("fr", "de", "it", "pt", "vi"):
        for collection in (debian_handbook(language), libreoffice_help(language)):
            half = replace(collection.everything(), translated=(0.25, 0.7), minimum_prose_words=150)
            for page in itertools.islice(half.pages(packages), 4):
                yield replace(page, kind="mixed language: partly translated")


def _write_gold(folder: Path, written: list[Article]) -> Entry:
    lines = [
        json.dumps({"uri": a.uri, "language": a.language, "layout": a.layout, "text": a.gold}, ensure_ascii=False)
        for a in written
    ]
    (folder / GOLD).parent.mkdir(parents=True, exist_ok=True)
    (folder / GOLD).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Entry(
        path=GOLD,
        origin="written by us: scripts/samples/pages/; the pages are in web/noise.warc.gz",
        license=OUR_LICENSE,
        languages=list(LANGUAGES),
        made_by_us=True,
        record_count=len(lines),
    )
