"""`data_samples/broken/`: tiny files that are damaged on purpose, for tests of bad input.

All are derived from pages and PDFs of our own making, so that they carry no one else's license.
"""

import tempfile
from pathlib import Path

import pymupdf

from samples.manifest import OUR_LICENSE, Entry
from samples.packages import Packages
from samples.web import Page, write_warc

PASSWORD = "smollab"
ENCRYPTED = Path(__file__).parent / "encrypted.pdf"
"""The same three pages, saved once by pymupdf with AES-256: its keys are random, and a build must not be."""


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write all broken files."""
    warc, pdf = _good_warc(), _good_pdf()
    files = {
        "truncated.warc.gz": ("a WARC cut in the middle of its last record", warc[: -len(warc) // 5]),
        "corrupt-member.warc.gz": (
            "a WARC whose second page has flipped bytes in its gzip member",
            _flip(warc),
        ),
        "zero-bytes.warc.gz": ("an empty file", b""),
        "not-a-warc.warc.gz": ("plain text with the suffix of a WARC", b"This is not gzip.\n"),
        "not-a-pdf.pdf": (
            "an HTML error page saved as PDF",
            b"<html><body><h1>404 Not Found</h1></body></html>\n",
        ),
        "truncated.pdf": ("a PDF without its last third", pdf[: len(pdf) * 2 // 3]),
        "encrypted.pdf": (f"a PDF that needs the password {PASSWORD!r}", ENCRYPTED.read_bytes()),
        "zero-bytes.pdf": ("an empty file", b""),
        "invalid-utf8.txt": (
            "Latin-1 bytes that are no UTF-8",
            "Café, naïve, señor, größer.\n".encode("latin-1"),
        ),
        "invalid-utf8.html": ("a page declared UTF-8 with a cut and a wrong byte sequence", _invalid_html()),
        "nul-bytes.txt": ("text with NUL bytes in it", b"First line.\n\x00\x00\x00\nLast line.\n"),
    }
    entries = []
    (folder / "broken").mkdir(parents=True, exist_ok=True)
    for name, (description, data) in files.items():
        (folder / "broken" / name).write_bytes(data)
        entries.append(
            Entry(
                path=f"broken/{name}",
                origin=f"made by us: {description}",
                license=OUR_LICENSE,
                made_by_us=True,
            )
        )
    return entries


def _good_warc() -> bytes:
    text = "The first sentence of this page is short. The second one follows it, and so on. "
    pages = [
        Page(
            uri=f"https://www.example.org/page-{number}.html",
            body=f"<html><body><h1>Page {number}</h1><p>{text * (5 + number)}</p></body></html>".encode(),
        )
        for number in (1, 2, 3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "broken.warc.gz"
        write_warc(path, pages, "Pages to be broken")
        return path.read_bytes()


def _flip(warc: bytes) -> bytes:
    """Invert bytes in the middle of the third gzip member, which holds the second page."""
    members = [start for start in range(len(warc)) if warc.startswith(b"\x1f\x8b\x08", start)]
    middle = (members[2] + members[3]) // 2
    damaged = bytes(255 - byte for byte in warc[middle : middle + 16])
    return warc[:middle] + damaged + warc[middle + 16 :]


def _good_pdf() -> bytes:
    with _pdf_document() as document:
        return document.tobytes(no_new_id=True)


def _pdf_document() -> pymupdf.Document:
    document = pymupdf.open()
    for number in (1, 2, 3):
        page = document.new_page()
        page.insert_text((72, 72), f"Page {number} of a small document.")
    return document


def _invalid_html() -> bytes:
    start = '<html><head><meta charset="utf-8"></head><body><p>Grüße aus der Küche '.encode()
    in_latin_1 = "größer".encode("latin-1")
    return start + b"\xc3\x28 \xff\xfe " + in_latin_1 + "</p><p>Ein zweiter Absatz, größ".encode()[:-1]
