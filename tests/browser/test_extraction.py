"""The panel of notebook 1.1 in a real JupyterLab: sliders and the list are moved, text and picture answer."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "1_1_page_to_text.ipynb"
SETUP = "from smollab.lab.extraction import load_gold_pages\n\npages = load_gold_pages()"
PICTURE_BYTES = """async image => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return bytes.length + ':' + bytes.reduce((sum, byte, i) => (sum * 31 + byte) % 1000000007, 7);
}"""


@pytest.fixture(scope="module")
def box(lab, browser):
    """The panel's output."""
    address, root = lab
    cells = {cell["id"]: cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]}
    make_cell = lambda name, source: {
        "cell_type": "code", "id": name, "metadata": {}, "execution_count": None, "outputs": [], "source": source
    }  # fmt: skip
    notebook = {
        "cells": [make_cell("pages", SETUP), make_cell("panel", "".join(cells["panel-extraction"]["source"]))],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "extraction.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1250, "height": 1400})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/extraction.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector("text=/\\| Idle/")
    page.click(".lm-MenuBar-item >> text=Run")
    page.click("text=Run All Cells")
    page.wait_for_selector(".smollab-figure", state="attached")
    yield page.locator(".jp-OutputArea-output:has(.smollab-figure)").first
    page.close()


@pytest.mark.timeout(240)
def test_the_slider_back_to_its_default_brings_the_article_back(box):
    readout, picture = box.locator(".smollab-readout"), box.locator("img.smollab-figure, .smollab-figure img").first
    text, source = readout.inner_text(), picture.evaluate(PICTURE_BYTES)
    assert "Wrongly dropped" in text
    assert picture.evaluate("image => image.naturalWidth") > 500, "the picture is really there"
    box.locator(".noUi-handle").nth(1).focus()
    for _ in range(5):
        box.page.keyboard.press("PageDown")
    _wait_for_change(box, text, "This page: F1 1.000")
    assert picture.evaluate(PICTURE_BYTES) != source
    assert picture.bounding_box()["width"] <= 965, "the picture keeps its width"


@pytest.mark.timeout(240)
def test_another_page_is_chosen(box):
    text = box.locator(".smollab-readout").inner_text()
    box.locator("select").select_option("shop: woocommerce (de)")
    _wait_for_change(box, text, "of 29 blocks kept")
    if folder := os.environ.get("SMOLLAB_SCREENSHOTS"):
        box.screenshot(path=Path(folder) / "panel-extraction.png")


def _wait_for_change(box, before, expected):
    box.page.wait_for_function(
        """([box, before, expected]) => {
            const text = box.querySelector('.smollab-readout').innerText;
            return text !== before && text.includes(expected);
        }""",
        arg=[box.element_handle(), before, expected],
    )
    box.page.wait_for_timeout(700)  # the picture follows the text
