"""The recipe finepdfs-2025 holds the published values, and each PDF that it drops has a reason."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pymupdf

from smollab.curate.pipeline import curate
from smollab.documents import read_documents, read_drops
from smollab.recipe import Curate, Data, Source, load_recipe

from .making import prose, write_warc

PDF = Path(__file__).resolve().parents[2] / "data_samples" / "pdf"


def test_published_values_are_pinned():
    curate_ = load_recipe("finepdfs-2025").curate
    assert curate_.extract_pdf.scan_probability == 0.2
    near = curate_.minhash_dedup
    assert (near.n_gram, near.buckets, near.hashes_per_bucket, near.maximum_characters) == (5, 32, 10, 1_000_000)
    assert near.scope == "language"
    pages = curate_.page_language
    assert (pages.minimum_alphabetic_bytes, pages.minimum_alphabetic_ratio) == (50, 0.2)
    thresholds = {language: row["page_language.minimum_score"] for language, row in curate_.by_language.items()}
    assert thresholds == {"en": 0.395, "fr": 0.265, "es": 0.243, "de": 0.405, "it": 0.399, "pt": 0.972}


def test_pdfs_pass_with_a_reason_for_each_drop(tmp_path):
    for name in ("project-history.fr", "project-history.es", "refcard.vi", "scan.fr"):
        shutil.copy(PDF / f"{name}.pdf", tmp_path / f"{name}.pdf")
    shutil.copy(PDF / "project-history.fr.pdf", tmp_path / "z-copy.pdf")
    recipe = load_recipe("finepdfs-2025", {"curate.workers": 1, "curate.extract_pdf.ocr": "none"})
    source = replace(recipe.data.sources["pdf"], address=f"pdf:{tmp_path}")
    # The history of Debian teaches little by our small model's count; that step has tests of its own.
    source = Source(address=source.address, steps=tuple(s for s in source.steps or () if s != "edu_quality"))
    curate(Data(sources={"pdf": source}), recipe.curate, tmp_path / "out")
    kept = {d.language: d for d in read_documents(*sorted((tmp_path / "out" / "kept").glob("*.parquet")))}
    assert sorted(kept) == ["es", "fr"]
    assert kept["fr"].metadata["language_score"] > 0.8 and kept["fr"].metadata["page_starts"][0] >= 0
    drops = [drop for _, _, drop in read_drops(*sorted((tmp_path / "out" / "dropped").glob("*.parquet")))]
    assert Counter(drop.reason for drop in drops) == {
        "extract_pdf: needs OCR": 1, "page_language: not one of ours": 1, "byte_dedup: equal bytes": 1,
    }  # fmt: skip


def test_a_pdf_that_repeats_a_web_page_is_found(tmp_path):
    said = [prose(seed, sentences=30) for seed in (1, 2)]
    write_warc(tmp_path / "web.warc.gz", {"https://example.org/1": said[0], "https://example.org/3": prose(3, 30)})
    (tmp_path / "pdf").mkdir()
    for number, text in enumerate(said, start=1):
        with pymupdf.open() as document:
            box = pymupdf.Rect(70, 70, 540, 780)
            assert document.new_page().insert_textbox(box, f"{text} Printed for the archive.", fontsize=9) > 0
            document.save(tmp_path / "pdf" / f"{number}.pdf")
    sources = {
        "web": Source(address=f"warc:{tmp_path / 'web.warc.gz'}", steps=("extract_html", "minhash_dedup")),
        "pdf": Source(address=f"pdf:{tmp_path / 'pdf'}", steps=("byte_dedup", "extract_pdf", "minhash_dedup")),
    }
    curate(Data(sources=sources), Curate(workers=1), tmp_path / "out")
    ((document, _, drop),) = read_drops(*sorted((tmp_path / "out" / "dropped").glob("*.parquet")))
    assert (drop.reason.partition(":")[0], document.id) == ("minhash_dedup", "1.pdf")
    assert "https://example.org/1" in drop.detail
    kept = {d.id for d in read_documents(*sorted((tmp_path / "out" / "kept").glob("*.parquet")))}
    assert kept == {"2.pdf", "https://example.org/1", "https://example.org/3"}
