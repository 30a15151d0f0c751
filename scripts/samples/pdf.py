"""`data_samples/pdf/`: real PDFs with one, two and three columns, with tables, and image-only pages.

The image-only files are made from real pages: rendered at scanner resolution, turned a little, blurred, with
noise, and wrapped as JPEG images. So the text that should come out is known; it lies in `pdf/gold/`.
"""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymupdf

from samples.manifest import Entry, license_of, origin_of
from samples.packages import Packages

SCAN_DPI = 110


@dataclass(frozen=True, kw_only=True)
class Source:
    """One PDF of a package."""

    name: str
    """File name below `data_samples/pdf/`, without suffix."""
    package: str
    """Debian package."""
    inside: str
    """Path in the package, gzipped or not."""
    language: str
    """ISO 639-1."""
    layout: str
    """For the manifest."""
    gold: str = ""
    """Path in the package of a text of the same content."""
    pages: range | None = None
    """Pages to keep, counted from 0; left out: all."""


HISTORY = [
    Source(
        name=f"project-history.{language}",
        package="debian-history",
        inside=f"usr/share/doc/debian-history/docs/project-history.{language}.pdf",
        language=language,
        layout="one column",
    )
    for language in ("en", "fr", "es", "de", "it", "pt")
]
REFERENCE_CARDS = [
    Source(
        name=f"refcard.{language}",
        package="debian-refcard",
        inside=f"usr/share/doc/debian-refcard/refcard-{language}-a4.pdf.gz",
        language=language,
        layout="three columns, landscape, tables",
    )
    for language in ("en", "fr", "es", "de", "it", "pt", "vi")
]
TEXLIVE = "usr/share/doc/texlive-doc"
DIGITAL = [
    *HISTORY,
    *REFERENCE_CARDS,
    Source(
        name="debian-faq.en",
        package="debian-faq",
        inside="usr/share/doc/debian/FAQ/debian-faq.en.pdf.gz",
        language="en",
        layout="one column; the same text as the FAQ's pages in web/en.warc.gz",
        gold="usr/share/doc/debian/FAQ/debian-faq.en.txt.gz",
    ),
    Source(
        name="maint-guide.en",
        package="maint-guide",
        inside="usr/share/doc/maint-guide/maint-guide.en.pdf",
        language="en",
        layout="one column with listings",
        gold="usr/share/doc/maint-guide/maint-guide.en.txt.gz",
    ),
    Source(
        name="policy.en",
        package="debian-policy",
        inside="usr/share/doc/debian-policy/policy.pdf.gz",
        language="en",
        layout="one column, footnotes",
    ),
    Source(
        name="debian-faq.de",
        package="debian-faq-de",
        inside="usr/share/doc/debian/FAQ/debian-faq.de.pdf.gz",
        language="de",
        layout="one column; the same text as the FAQ's pages in web/de.warc.gz",
    ),
    Source(
        name="install.vi",
        package="installation-guide-amd64",
        inside="usr/share/doc/installation-guide-amd64/vi/install.vi.pdf.gz",
        language="vi",
        layout="one column; partly English",
        pages=range(12, 52),
    ),
    Source(
        name="latex-news",
        package="texlive-latex-base-doc",
        inside=f"{TEXLIVE}/latex/base/ltnews.pdf",
        language="en",
        layout="two columns",
    ),
    Source(
        name="latex3-news",
        package="texlive-latex-base-doc",
        inside=f"{TEXLIVE}/latex/l3kernel/l3news.pdf",
        language="en",
        layout="two columns",
    ),
    Source(
        name="longtable",
        package="texlive-latex-base-doc",
        inside=f"{TEXLIVE}/latex/tools/longtable.pdf",
        language="en",
        layout="one column with tables over several pages",
    ),
]
SCANS = [
    Source(
        name="scan.en",
        package="developers-reference",
        inside="usr/share/developers-reference/developers-reference.pdf",
        language="en",
        layout="one column, image-only",
        pages=range(28, 34),
    ),
    Source(
        name="scan.fr",
        package="developers-reference-fr",
        inside="usr/share/developers-reference/fr/developers-reference.pdf",
        language="fr",
        layout="one column, image-only",
        pages=range(23, 26),
    ),
]


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write all PDFs and their gold texts."""
    packages.fetch(sorted({source.package for source in (*DIGITAL, *SCANS)}))
    entries = []
    for source in DIGITAL:
        entries += _digital(packages, folder, source)
    for seed, source in enumerate(SCANS):
        entries += _scan(packages, folder, source, seed)
    return entries


def _digital(packages: Packages, folder: Path, source: Source) -> list[Entry]:
    data = _read(packages, source.package, source.inside)
    with pymupdf.open(stream=data, filetype="pdf") as document:
        count = len(document)
        if source.pages is not None:
            document.select(list(source.pages))
            data, count = _save(document), len(source.pages)
    entries = [_write(packages, folder, source, f"pdf/{source.name}.pdf", data, source.inside, count)]
    if source.gold:
        text = _read(packages, source.package, source.gold)
        entries.append(_write(packages, folder, source, f"pdf/gold/{source.name}.txt", text, source.gold, 1))
    return entries


def _scan(packages: Packages, folder: Path, source: Source, seed: int) -> list[Entry]:
    data = _read(packages, source.package, source.inside)
    random = np.random.default_rng(seed)
    texts = []
    with pymupdf.open(stream=data, filetype="pdf") as original, pymupdf.open() as scanned:
        for number in source.pages or range(len(original)):
            page = original[number]
            texts.append(page.get_text(sort=True))
            copy = scanned.new_page(width=page.rect.width, height=page.rect.height)
            copy.insert_image(copy.rect, stream=_photograph(page, random))
        data, count = _save(scanned), len(scanned)
    inside = f"{source.inside} (our rendering)"
    gold = "\n\f".join(texts).encode()
    return [
        _write(packages, folder, source, f"pdf/{source.name}.pdf", data, inside, count),
        _write(packages, folder, source, f"pdf/gold/{source.name}.txt", gold, inside, 1),
    ]


def _photograph(page: pymupdf.Page, random: np.random.Generator) -> bytes:
    """A page as a gray JPEG, a little turned, blurred and noisy."""
    scale = SCAN_DPI / 72
    matrix = pymupdf.Matrix(scale, scale).prerotate(random.uniform(-0.7, 0.7))
    pixmap = page.get_pixmap(matrix=matrix, colorspace=pymupdf.csGRAY)
    image = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride).astype(np.float32)
    blurred = sum(np.roll(image, shift, axis) for axis in (0, 1) for shift in (-1, 1)) / 8 + image / 2
    paper = 0.92 * blurred + 8 + random.normal(0, 5, image.shape)
    gray = np.clip(np.rint(paper), 0, 255).astype(np.uint8)
    scan = pymupdf.Pixmap(pymupdf.csGRAY, pixmap.width, pixmap.height, gray.tobytes(), False)
    return scan.tobytes("jpeg", jpg_quality=55)


def _read(packages: Packages, package: str, inside: str) -> bytes:
    data = packages.path(package, inside).read_bytes()
    return gzip.decompress(data) if inside.endswith(".gz") else data


def _save(document: pymupdf.Document) -> bytes:
    buffer = io.BytesIO()
    # A new file id would differ between builds.
    document.save(buffer, garbage=4, deflate=True, no_new_id=True)
    return buffer.getvalue()


def _write(packages: Packages, folder: Path, source: Source, path: str, data: bytes, inside: str, count: int) -> Entry:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    cut = f", pages {source.pages.start + 1} to {source.pages.stop}" if source.pages is not None else ""
    return Entry(
        path=path,
        origin=f"{origin_of(packages, source.package, inside)}{cut}; {source.layout}",
        license=license_of(source.package),
        packages=[source.package],
        languages=[source.language],
        record_count=count,
    )
