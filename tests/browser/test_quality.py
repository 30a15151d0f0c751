"""The panel of notebook 1.4 in a real JupyterLab: every control is moved, text and picture answer."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "1_4_quality_models.ipynb"
# The excerpts of the notebook; predictions of which only one is fitted, so that this test is quick.
STAND_IN = """
import numpy as np
from smollab.lab.educational import JUDGES, load_excerpts, predict
excerpts = load_excerpts()
seen = predict(excerpts, JUDGES[2])
predictions = {JUDGES[0]: 1.2 + 0.3 * (seen - 1.2) + 0.4 * np.sin(np.arange(len(seen))), JUDGES[2]: seen}
"""
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
        "cells": [make_cell("scores", STAND_IN), make_cell("panel", "".join(cells["panel-quality"]["source"]))],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "quality.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1250, "height": 1400})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/quality.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector("text=/\\| Idle/")
    page.click(".lm-MenuBar-item >> text=Run")
    page.click("text=Run All Cells")
    page.wait_for_selector(".smollab-figure", state="attached")
    yield page.locator(".jp-OutputArea-output:has(.smollab-figure)").first
    page.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [(0, ["ArrowLeft"] * 6, "stay at 1.2"), (1, ["ArrowRight"], "good ones"), (2, ["ArrowRight"], "annotated")],
)
def test_slider_moved_by_keyboard_changes_the_text(box, slider, keys, expected):
    readout, picture = box.locator(".smollab-readout"), box.locator("img.smollab-figure, .smollab-figure img").first
    text, source = readout.inner_text(), picture.evaluate(PICTURE_BYTES)
    assert picture.evaluate("image => image.naturalWidth") > 500, "the picture is really there"
    box.locator(".noUi-handle").nth(slider).focus()
    for key in keys:
        box.page.keyboard.press(key)
    _wait_for_change(box, text, expected)
    if slider < 2:  # the third turns the pages of the examples, which are text
        assert picture.evaluate(PICTURE_BYTES) != source
    assert picture.bounding_box()["width"] <= 965, "the picture keeps its width"


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("place", "option"), [(0, "a model that saw the excerpt itself"), (1, "vi")])
def test_another_choice_changes_text_and_picture(box, place, option):
    picture = box.locator("img.smollab-figure, .smollab-figure img").first
    text, source = box.locator(".smollab-readout").inner_text(), picture.evaluate(PICTURE_BYTES)
    box.locator("select").nth(place).select_option(option)
    _wait_for_change(box, text, "precision")
    assert picture.evaluate(PICTURE_BYTES) != source
    if folder := os.environ.get("SMOLLAB_SCREENSHOTS"):
        box.screenshot(path=Path(folder) / f"panel-quality-{place}.png")


def _wait_for_change(box, before, expected):
    box.page.wait_for_function(
        """([box, before, expected]) => {
            const text = box.querySelector('.smollab-readout').innerText;
            return text !== before && text.includes(expected);
        }""",
        arg=[box.element_handle(), before, expected],
    )
    box.page.wait_for_timeout(700)  # the picture follows the text
