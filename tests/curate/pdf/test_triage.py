"""Scans are told from embedded text: the features by hand-made pages, the model by pages it has not seen."""

from pathlib import Path

import numpy as np
import pytest

from smollab.curate.errors import CurationError
from smollab.curate.pdf.page import FileFacts, Line, Page
from smollab.curate.pdf.pymupdf_engine import open_pdf as open_with_pymupdf
from smollab.curate.pdf.pypdfium2_engine import open_pdf as open_with_pdfium
from smollab.curate.pdf.triage import (
    FEATURES,
    load_triage,
    measure_page,
    merge_strips,
    sample_pages,
    save_triage,
)
from smollab.curate.pdf.triage_training import cross_validate, fit_triage, read_pages_table

SAMPLES = Path(__file__).resolve().parents[3] / "data_samples"
TABLE = SAMPLES / "triage" / "pages.csv"


def line(text: str, hidden: bool = False) -> Line:
    return Line((50, 50, 450, 62), text, 10, "Times", False, False, False, hidden=hidden)


def measured(page: Page, **facts) -> dict[str, float]:
    return dict(zip(FEATURES, measure_page(page, FileFacts(**facts)), strict=True))


def test_features_count_what_they_say():
    page = Page(1, 500, 700, lines=[line("embedded"), line("behind the picture", hidden=True)])
    page.images = [(0, 0, 500, 350), (-20, 350, 520, 700), (10, 10, 15, 15)]
    values = measured(page, producer="XEROX WorkCentre", form=True)
    assert np.expm1(values["characters"]) == pytest.approx(8)
    assert np.expm1(values["hidden characters"]) == pytest.approx(18)
    assert np.expm1(values["images"]) == pytest.approx(3)
    assert np.expm1(values["images of some size"]) == pytest.approx(2)
    assert values["image area"] == 1  # clipped to the page
    assert values["text area"] == pytest.approx(400 * 12 / (500 * 700))
    assert values["made by a scanner"] == values["form"] == 1
    assert measured(Page(1, 500, 700, lines=[line("a\ufffd\ufffdb")]))["garbled characters"] == 0.5
    assert not any(measured(Page(1, 0, 0)).values())  # an empty page of no size is no division by zero


def test_strips_of_a_scan_are_one_picture_and_columns_are_not():
    strips = [(0.0, top, 500.0, top + 70.5) for top in range(0, 700, 70)]
    assert merge_strips(strips[::-1]) == [(0, 0, 500, 700.5)]
    assert len(merge_strips([(0, 0, 240, 700), (260, 0, 500, 700)])) == 2
    assert len(merge_strips([(0, 0, 500, 300), (0, 320, 500, 700)])) == 2  # a caption stands between


def test_sampled_pages_spread_over_the_file():
    assert sample_pages(3) == [1, 2, 3]
    assert sample_pages(8) == list(range(1, 9))
    assert sample_pages(1000) == [63, 188, 313, 438, 563, 688, 813, 938]


@pytest.mark.parametrize("open_pdf", [open_with_pymupdf, open_with_pdfium])
@pytest.mark.parametrize(
    ("name", "scan"),
    [("scan.en", True), ("scan.fr", True), ("latex-news", False), ("refcard.vi", False), ("install.vi", False)],
)
def test_sample_files_are_told_apart_by_both_engines(open_pdf, name, scan):
    file = open_pdf((SAMPLES / "pdf" / f"{name}.pdf").read_bytes())
    features = [measure_page(file.read_page(number), file.facts) for number in sample_pages(file.num_pages, 3)]
    file.close()
    assert ((load_triage().probability(np.array(features)) >= 0.2) == scan).all()


def test_precision_and_recall_on_pages_of_files_the_model_has_not_seen():
    pages = read_pages_table(TABLE)
    taken = cross_validate(pages, folds=5) >= 0.2
    real = pages.real
    assert (taken & pages.scan).sum() / taken.sum() > 0.97
    assert (taken & pages.scan).sum() / pages.scan.sum() > 0.99
    assert (taken & pages.scan & real).sum() / (pages.scan & real).sum() > 0.95
    assert (taken & ~pages.scan & real).sum() <= 5


def test_a_model_of_shuffled_labels_is_worthless():
    pages = read_pages_table(TABLE)
    shuffled = np.random.default_rng(0).permutation(pages.scan)
    taken = fit_triage(pages.features, shuffled).probability(pages.features) >= 0.5
    assert (taken & pages.scan).sum() < 0.3 * pages.scan.sum()


def test_the_model_that_comes_along_is_the_one_of_the_table(tmp_path):
    pages = read_pages_table(TABLE)
    fitted, shipped = fit_triage(pages.features, pages.scan), load_triage()
    difference = np.abs(fitted.probability(pages.features) - shipped.probability(pages.features))
    assert difference.max() < 0.02
    save_triage(fitted, tmp_path / "model.npz")
    again = load_triage(tmp_path / "model.npz")
    assert (again.weights == fitted.weights).all() and again.intercept == fitted.intercept
    name, part = fitted.explain(pages.features[0])[0]
    assert name in FEATURES and part != 0


def test_damaged_models_and_tables_are_named(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"PK not")
    with pytest.raises(CurationError, match=r"model\.npz: cannot be read"):
        load_triage(tmp_path / "model.npz")
    np.savez(tmp_path / "other.npz", features=np.frombuffer(b"words", dtype=np.uint8), means=1, deviations=1,
             weights=1, intercept=np.array(0.0))  # fmt: skip
    with pytest.raises(CurationError, match="other features"):
        load_triage(tmp_path / "other.npz")
    (tmp_path / "pages.csv").write_text("file,page\nx,1\n")
    with pytest.raises(CurationError, match=r"pages\.csv"):
        read_pages_table(tmp_path / "pages.csv")
