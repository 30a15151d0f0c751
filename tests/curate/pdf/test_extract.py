import re
import subprocess
import sys
import time
from collections import Counter

import pymupdf
import pytest

from smollab.curate.pdf import extract_pdf, read
from smollab.curate.pdf.pymupdf_engine import open_pdf
from smollab.curate.pdf.reader import PdfReader, reader
from smollab.curate.pdf.worker import _answer
from smollab.documents import Document, Drop
from smollab.recipe import ExtractPdf

from ..making import SAMPLES, is_running, prose

ENGINES = ("pymupdf", "pypdfium2")


def extract(raw, **settings):
    return extract_pdf(Document("x.pdf", "", "pdf", raw=raw), ExtractPdf(**settings))


def make_pdf(*texts, **options):
    document = pymupdf.open()
    for text in texts:
        document.new_page().insert_textbox((72, 72, 500, 700), text)
    return document.tobytes(**options)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["debian-faq.en", "maint-guide.en"])
def test_real_manuals_against_their_source_text(engine, name):
    result = extract((SAMPLES / "pdf" / f"{name}.pdf").read_bytes(), engine=engine)
    gold = (SAMPLES / "pdf" / "gold" / f"{name}.txt").read_text(encoding="utf-8")
    found, wanted = (Counter(re.findall(r"\w+", text.lower())) for text in (result.text, gold))
    common = sum((found & wanted).values())
    assert common / found.total() > 0.95
    assert common / wanted.total() > 0.9  # the source has a table of contents, which we leave out
    assert result.raw == b"" and result.metadata["pages"] > 50


def test_two_columns_are_read_one_after_the_other():
    text = extract((SAMPLES / "pdf" / "latex-news.pdf").read_bytes()).text
    at = text.index("Welcome to LATEX News 6")
    assert text.index("Mono-case file names") > at


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken/encrypted.pdf", "encrypted"),
        ("broken/not-a-pdf.pdf", "not a PDF"),
        ("broken/zero-bytes.pdf", "not a PDF"),
        ("pdf/scan.en.pdf", "needs OCR"),
    ],
)
def test_files_without_text_say_why(engine, name, reason):
    drop = extract((SAMPLES / name).read_bytes(), engine=engine)
    assert isinstance(drop, Drop)
    assert drop.reason == f"extract_pdf: {reason}"


@pytest.mark.parametrize("engine", ENGINES)
def test_damaged_files_give_text_or_a_reason(engine):
    whole = (SAMPLES / "pdf" / "refcard.en.pdf").read_bytes()
    damaged = [
        whole[: len(whole) // 2],
        whole[:100],
        b"%PDF-1.7\n%%EOF",
        whole[:30_000] + b"\0" * 5000 + whole[35_000:],
    ]
    damaged.append((SAMPLES / "broken" / "truncated.pdf").read_bytes())
    for raw in damaged:
        result = extract(raw, engine=engine)
        assert isinstance(result, Document) or result.reason.startswith("extract_pdf: ")


def test_a_scan_names_its_characters_per_page():
    assert extract(make_pdf("", "")) == Drop("extract_pdf: needs OCR", "0.0 characters per page")
    assert extract(make_pdf("only a few")).reason == "extract_pdf: needs OCR"
    assert not isinstance(extract(make_pdf("only a few"), minimum_characters_per_page=5.0), Drop)


def test_a_child_that_dies_is_replaced():
    settings = ExtractPdf()
    reader(settings).close()
    sound = make_pdf(prose(1))
    assert isinstance(extract(sound), Document)
    child = reader(settings)._child
    child.kill()
    child.wait()
    assert isinstance(extract(sound), Document)  # nobody can say whose fault that was, so the file is asked about again


def test_the_cpu_limit_ends_a_hang(tmp_path, monkeypatch):
    # An engine that never comes back, found by the child through its own path.
    package = tmp_path / "sitecustomize.py"
    package.write_text(
        "import sys, types\n"
        "engine = types.ModuleType('smollab.curate.pdf.pymupdf_engine')\n"
        "def open_pdf(pdf):\n"
        "    while True: pass\n"
        "engine.open_pdf = open_pdf\n"
        "sys.modules['smollab.curate.pdf.pymupdf_engine'] = engine\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hanging = PdfReader(ExtractPdf(cpu_seconds=1))
    assert hanging.ask(b"%PDF-") == {"problem": "took too long: more than 1 CPU seconds"}


def test_the_child_ends_with_its_parent():
    code = (
        "import os, sys; from smollab.curate.pdf import extract_pdf; from smollab.curate.pdf.reader import reader;"
        "from smollab.documents import Document; from smollab.recipe import ExtractPdf;"
        "extract_pdf(Document('x', '', 'pdf', raw=b'%PDF-1.4'), ExtractPdf());"
        "print(reader(ExtractPdf())._child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(run.stdout)
    for _ in range(100):
        if not is_running(pid):
            return
        time.sleep(0.1)
    raise AssertionError("the child of a killed parent lives on")


def test_a_rule_that_fails_on_a_page_costs_its_tables_and_is_noted(monkeypatch):
    def fail(page):
        raise IndexError("a rule of ours")

    monkeypatch.setattr(read, "find_tables", fail)
    file = open_pdf((SAMPLES / "pdf" / "longtable.pdf").read_bytes())
    result = read.read_document(file)
    file.close()
    assert len(result.text) > 1000
    assert len(result.metadata["table_errors"]) == len(result.pages)
    assert result.metadata["table_errors"][0].startswith("page 1: IndexError at test_extract.py:")


def test_our_own_errors_are_told_from_corrupt_files(monkeypatch):
    monkeypatch.setattr(read, "arrange", lambda pages: [][0])
    answer = _answer(open_pdf, (SAMPLES / "pdf" / "longtable.pdf").read_bytes(), ExtractPdf())
    assert answer["problem"].startswith("internal error: IndexError at test_extract.py:")


def test_a_file_that_ends_in_the_middle_is_truncated():
    pdf = (SAMPLES / "pdf" / "longtable.pdf").read_bytes()
    result = extract_pdf(Document("x", "", "pdf", raw=pdf[:3000]), ExtractPdf())
    assert isinstance(result, Drop)
    assert result.reason == "extract_pdf: truncated"
    assert "no %%EOF" in result.detail
