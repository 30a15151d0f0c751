"""Measure labeled pages for the PDF triage and write `data_samples/triage/pages.csv`.

    python scripts/measure_triage_pages.py FOLDER...          folders with PDFs, unpacked Debian packages for instance
    python scripts/measure_triage_pages.py FOLDER... --sheets SHEETS   also pictures of the pages to be labeled by eye

At most eight pages of each file are measured, and of every seventh file pages are made into scans and look-alikes
(`samples/made_scans.py`). Pages with at least 200 painted characters and pictures over less than 30 % are text; the
others were looked at, and those that are scans are named in `SCANNED` below. How far that can be trusted is said in
`data_samples/triage/README.md`.
"""

import argparse
import csv
import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageDraw
from samples import made_scans

from smollab.curate.pdf.page import UnreadablePdf
from smollab.curate.pdf.pymupdf_engine import open_pdf
from smollab.curate.pdf.triage import FEATURES, measure_page, sample_pages

OUTPUT = Path(__file__).resolve().parents[1] / "data_samples" / "triage" / "pages.csv"
SCANNED: dict[str, tuple[int, ...]] = {
    "Seige_of_Vicksburg_Sample_OCR.pdf": (1, 2, 3, 4, 5, 6),
    "Seige_of_Vicksburg_Sample_OCR-crazyones-merged.pdf": (1, 3, 4, 5, 6, 7),
    "box.pdf": (1,),
    "console-screenshot.pdf": (1,),
    "couverture.pdf": (1,),  # letters are outlines beside pictures
    "encrypted_doc_no_id.pdf": (2,),
    "imagemagick-ASCII85Decode.pdf": (1,),
    "imagemagick-CCITTFaxDecode.pdf": (1,),
    "imagemagick-images.pdf": (1, 2, 3, 4, 5, 6),
    "imagemagick-lzw.pdf": (1,),
    "indirect-rotation.pdf": (1, 2, 3, 4, 5),
    "issue-3850-1bit-indexed-flate.pdf": (1,),
}
"""File -> its pages that are scans, found by looking."""
GARBLED = ("fepslatex.pdf",)
"""Files whose letters have no meaning to a program: neither kind; `garbled.py` is for them."""
EVERY = 7
"""Of so many files one lends pages to be made into scans."""
MAXIMUM_BYTES = 30_000_000


def main() -> int:
    """Measure all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sheets", type=Path, help="folder for pictures of the pages in doubt")
    arguments = parser.parse_args()
    rows, doubtful, seen = [], [], set()
    paths = sorted({path for folder in arguments.folders for path in folder.rglob("*.pdf")})
    for path in paths:
        data = path.read_bytes() if path.stat().st_size < MAXIMUM_BYTES else b""
        digest = hashlib.sha256(data).hexdigest()
        if not data or digest in seen:
            continue
        seen.add(digest)
        try:
            file = open_pdf(data)
        except UnreadablePdf:
            continue
        name = path.name
        if name in GARBLED:
            file.close()
            continue
        numbers = sample_pages(file.num_pages)
        for number in numbers:
            page = file.read_page(number)
            if page.problem:
                continue
            features = measure_page(page, file.facts)
            label = int(number in SCANNED.get(name, ()))
            rows.append((name, number, "real", "scan" if label else "text", label, features))
            if _in_doubt(features):
                doubtful.append((name, number, file.draw(number, 0.35)))
        if int(digest[:8], 16) % EVERY == 0 and name not in SCANNED:
            rows += list(_made(name, data, numbers))
        file.close()
    _write(rows)
    if arguments.sheets:
        _draw_sheets(doubtful, arguments.sheets)
    scans = sum(row[4] for row in rows)
    print(f"{OUTPUT.name}: {len(rows)} pages of {len({row[0] for row in rows})} files, {scans} scans")
    print(f"{len(doubtful)} real pages to be labeled by eye")
    return 0


def _in_doubt(features: np.ndarray) -> bool:
    named = dict(zip(FEATURES, features, strict=True))
    return bool(np.expm1(named["characters"]) < 200 or named["image area"] >= 0.3)


def _made(name: str, data: bytes, numbers: list[int]):
    random = np.random.default_rng(int(hashlib.sha256(data).hexdigest()[:8], 16))
    with pymupdf.open(stream=data, filetype="pdf") as document:
        # Only pages with something to read can be scans of something.
        readable = [number for number in numbers if len(document[number - 1].get_text()) > 300]
        for kind in (*made_scans.SCANS, *made_scans.LOOKALIKES):
            for number in random.permutation(readable)[:3]:
                pdf = made_scans.make(kind, document[int(number) - 1], random, dpi=72)
                made = open_pdf(pdf)
                features = measure_page(made.read_page(1), made.facts)
                made.close()
                yield name, int(number), "made", kind, int(kind in made_scans.SCANS), features


def _write(rows) -> None:
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with OUTPUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "page", "origin", "kind", "scan", *FEATURES))
        for name, number, origin, kind, label, features in rows:
            writer.writerow((name, number, origin, kind, label, *(f"{value:.4g}" for value in features)))


def _draw_sheets(pages, folder: Path, columns: int = 10, rows: int = 6) -> None:
    """Write contact sheets of pages."""
    folder.mkdir(parents=True, exist_ok=True)
    size = columns * rows
    for start in range(0, len(pages), size):
        sheet = Image.new("RGB", (columns * 190, rows * 250), "#888")
        pen = ImageDraw.Draw(sheet)
        for i, (name, number, png) in enumerate(pages[start : start + size]):
            x, y = i % columns * 190, i // columns * 250
            picture = Image.open(io.BytesIO(png))
            picture.thumbnail((180, 225))
            sheet.paste(picture, (x + 5, y + 15))
            pen.text((x + 5, y + 2), f"{name[:24]}:{number}", fill="white")
        sheet.save(folder / f"sheet-{start // size}.png")


if __name__ == "__main__":
    sys.exit(main())
