"""Writes `data_samples/evaluation/pdf/`: the files and `gold.jsonl`."""

import io
import json
import shutil
from pathlib import Path

import pymupdf

from samples.made_pdfs import by_chromium, by_drawing, by_tex
from samples.made_pdfs.elements import MadePdf
from samples.manifest import OUR_LICENSE, Entry
from samples.packages import BuildError, Packages

FOLDER = "evaluation/pdf"
GOLD = f"{FOLDER}/gold.jsonl"


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write all documents and their gold; needs Chromium and pdfTeX, and the Jargon File in the samples' folder."""
    chromium, pdflatex = shutil.which("chromium"), shutil.which("pdflatex")
    if not chromium or not pdflatex:
        missing = "chromium" if not chromium else "texlive-latex-recommended"
        raise BuildError(f"{FOLDER}: a program is missing; on Debian: apt-get install {missing}")
    jargon = folder / "text" / "jargon"
    documents = [
        *by_chromium.made(jargon, chromium), *by_tex.made(jargon, pdflatex), *by_drawing.made(jargon)
    ]  # fmt: skip
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    entries = [_write(folder, document) for document in documents]
    lines = [json.dumps(document.gold(), ensure_ascii=False) + "\n" for document in documents]
    (folder / GOLD).write_text("".join(lines), encoding="utf-8")
    origin = "made by us: the texts, their order and the tables of the PDFs beside it"
    return [*entries, Entry(path=GOLD, origin=origin, license=OUR_LICENSE, made_by_us=True, record_count=len(lines))]


def _write(folder: Path, document: MadePdf) -> Entry:
    path = f"{FOLDER}/{document.name}.pdf"
    with pymupdf.open(stream=document.pdf, filetype="pdf") as opened:
        opened.set_metadata({"title": "", "creator": f"smollab: {document.layout}"})  # no dates: they would differ
        buffer = io.BytesIO()
        opened.save(buffer, garbage=3, deflate=True, no_new_id=True)
        count = len(opened)
    (folder / path).write_bytes(buffer.getvalue())
    return Entry(
        path=path,
        origin=f"made by us, of the Jargon File's or our own texts: {document.layout}",
        license=OUR_LICENSE,
        languages=[document.language],
        made_by_us=True,
        record_count=count,
    )
