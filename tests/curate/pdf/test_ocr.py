"""Pages that need OCR are read where Tesseract is at hand, in order with the others, and counted where it is not."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pymupdf
import pytest

from smollab.curate.pdf import extract_pdf, ocr
from smollab.curate.pdf.ocr import LANGUAGES, Ocr, missing
from smollab.curate.pdf.pymupdf_engine import open_pdf
from smollab.curate.pdf.pypdfium2_engine import open_pdf as open_with_pdfium
from smollab.curate.pdf.read import read_document
from smollab.documents import Document, Drop
from smollab.recipe import ExtractPdf

PDF = Path(__file__).resolve().parents[3] / "data_samples" / "pdf"
needs_tesseract = pytest.mark.skipif(
    bool(missing(("en", "fr"))), reason=missing(("en", "fr")) + ' (pip install "smollab[ocr]", apt-get install '
    "tesseract-ocr tesseract-ocr-fra)",
)  # fmt: skip


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def word_f1(text: str, gold: str) -> float:
    found, wanted = words(text), words(gold)
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


def mixed_pdf() -> bytes:
    """A page of text, a scanned page, a page of text."""
    with pymupdf.open() as made, pymupdf.open(PDF / "scan.en.pdf") as scan:
        for name in ("First", "Third"):
            page = made.new_page()
            page.insert_textbox((72, 72, 500, 700), f"{name} of the pages. " + "It was written in letters. " * 30)
        made.insert_pdf(scan, from_page=0, to_page=0, start_at=1)
        return made.tobytes()


def test_without_ocr_scans_are_counted_and_text_pages_kept():
    document = Document("x.pdf", "", "pdf", raw=mixed_pdf())
    kept = extract_pdf(document, ExtractPdf())
    assert "First of the pages" in kept.text and "Third of the pages" in kept.text
    assert kept.metadata["pages_needing_ocr"] == 1 and kept.metadata["pages"] == 3
    assert 0.3 < kept.metadata["scan_probability"] < 0.4
    scan = Document("x.pdf", "", "pdf", raw=(PDF / "scan.fr.pdf").read_bytes())
    drop = extract_pdf(scan, ExtractPdf())
    assert isinstance(drop, Drop) and drop.reason == "extract_pdf: needs OCR"
    assert drop.detail.endswith("3 of 3 pages are scans")


def test_a_threshold_of_more_than_one_takes_every_page_for_text():
    file = open_pdf((PDF / "scan.fr.pdf").read_bytes())
    assert "pages_needing_ocr" not in read_document(file, ExtractPdf(scan_probability=1.01)).metadata
    file.close()


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(ocr.importlib.util, "find_spec", lambda name: None)
    assert missing(["en"]) == 'tesserocr is not installed: pip install "smollab[ocr]"'
    with pytest.raises(RuntimeError, match="tesserocr is not installed"):
        Ocr(("en",))
    monkeypatch.setattr(ocr.importlib.util, "find_spec", lambda name: object())
    (tmp_path / "eng.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert missing(["en"]) == ""
    assert missing(["en", "vi"]).endswith("has no vie.traineddata: apt-get install tesseract-ocr-vie")
    monkeypatch.setattr(ocr, "_FOLDERS", ())
    monkeypatch.delenv("TESSDATA_PREFIX")
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert missing(["en"]).startswith("no language data for Tesseract")


def test_every_language_of_ours_has_a_name():
    assert set(ExtractPdf().ocr_languages) == set(LANGUAGES)


@needs_tesseract
def test_scanned_pages_are_read_in_their_place():
    settings = ExtractPdf(ocr="tesseract", ocr_languages=("en",))
    kept = extract_pdf(Document("x.pdf", "", "pdf", raw=mixed_pdf()), settings)
    gold = (PDF / "gold" / "scan.en.txt").read_text(encoding="utf-8").split("\n\f")[0]
    first, third = kept.text.index("First of the pages"), kept.text.index("Third of the pages")
    middle = kept.text[kept.metadata["page_starts"][1] : kept.metadata["page_starts"][2]]
    assert first < third and word_f1(middle, gold) > 0.93
    assert kept.metadata["pages_by_ocr"] == 1 and "pages_needing_ocr" not in kept.metadata
    assert max(len(paragraph) for paragraph in middle.split("\n")) > 200  # lines are joined to paragraphs


@needs_tesseract
@pytest.mark.parametrize("open_file", [open_pdf, open_with_pdfium])
def test_the_language_is_found_and_a_skewed_page_made_straight(open_file):
    file = open_file((PDF / "scan.fr.pdf").read_bytes())
    reader = Ocr(("en", "fr"))
    lines = reader.read(file.read_page(2), file)
    file.close()
    assert reader._found == "fr"
    gold = (PDF / "gold" / "scan.fr.txt").read_text(encoding="utf-8").split("\n\f")[1]
    assert word_f1("\n".join(line.text for line in lines), gold) > 0.95
    full = sorted((line for line in lines if line.width > 300), key=lambda line: line.box[1])
    assert len(full) > 10
    overlaps = [max(0.0, above.box[3] - below.box[1]) for above, below in pairwise(full)]
    assert max(overlaps) < 5  # points
    assert len({line.size for line in full}) <= 3
