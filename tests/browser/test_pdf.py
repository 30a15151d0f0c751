"""The panel of notebook 1.2 in a real JupyterLab: thresholds and the file are changed, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

STAND_IN = """
from smollab.lab.pdf import open_sample

open_sample("latex-news")
"""


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_2_pdf_to_text", STAND_IN, ["panel-pdf"]) as (panel,):
        yield panel


@pytest.mark.timeout(240)
def test_running_titles_go_when_fewer_pages_are_asked_for(panel):
    before = panel.picture()
    assert "48 running titles and page numbers" in panel.text
    panel.press(2, ["PageDown"] * 4, "64 running titles and page numbers")
    assert panel.picture() != before


@pytest.mark.timeout(240)
def test_a_scan_goes_to_ocr_unless_the_threshold_forbids_it(panel):
    panel.select(0, "a manual as a scan", "6 of 6 pages go to OCR")
    panel.screenshot()
