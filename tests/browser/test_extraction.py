"""The panel of notebook 1.1 in a real JupyterLab: sliders and the list are moved, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

STAND_IN = """
from smollab.lab.extraction import load_gold_pages

pages = load_gold_pages()
"""


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_1_page_to_text", STAND_IN, ["panel-extraction"]) as (panel,):
        yield panel


@pytest.mark.timeout(240)
def test_the_slider_back_to_its_default_brings_the_article_back(panel):
    before = panel.picture()
    assert "Wrongly dropped" in panel.text
    panel.press(1, ["PageDown"] * 5, "This page: F1 1.000")
    assert panel.picture() != before


@pytest.mark.timeout(240)
def test_another_page_is_chosen(panel):
    panel.select(0, "shop: woocommerce (de)", "of 29 blocks kept")
    panel.screenshot()
