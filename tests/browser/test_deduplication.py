"""The panel of notebook 1.5 in a real JupyterLab: its sliders are moved by keyboard, text and picture answer."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "1_5_deduplication.ipynb"
# Fewer pages than in the notebook, so that the test starts sooner; the panel is the notebook's.
STAND_IN = """
from smollab.lab.near_duplicates import load_near_duplicates

pages = load_near_duplicates(("noise",), pages=60, edited=20)
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
        "cells": [make_cell("pages", STAND_IN), make_cell("panel", "".join(cells["panel-deduplication"]["source"]))],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "near_duplicates.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1250, "height": 1400})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/near_duplicates.ipynb?reset")
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
    [
        (0, ["Home"], "8 hashes per document"),
        (1, ["ArrowLeft"] * 4, "4 hashes per document"),
        (2, ["Home"], "pairs have a similarity of 0.80"),
        (3, ["ArrowLeft"] * 2, "a similarity of 0.70 or more"),
    ],
)
def test_slider_moved_by_keyboard_changes_text_and_picture(box, slider, keys, expected):
    readout, picture = box.locator(".smollab-readout"), box.locator("img.smollab-figure, .smollab-figure img").first
    text, source = readout.inner_text(), picture.evaluate(PICTURE_BYTES)
    assert picture.evaluate("image => image.naturalWidth") > 500, "the picture is really there"
    box.locator(".noUi-handle").nth(slider).focus()
    for key in keys:
        box.page.keyboard.press(key)
    _wait_for_change(box, text, expected)
    assert picture.evaluate(PICTURE_BYTES) != source
    assert picture.bounding_box()["width"] <= 965, "the picture keeps its width"


@pytest.mark.timeout(240)
def test_a_screenshot_for_a_person_to_look_at(box, tmp_path):
    shot = box.screenshot(path=Path(os.environ.get("SMOLLAB_SCREENSHOTS", tmp_path)) / "panel-deduplication.png")
    assert len(shot) > 10_000


def _wait_for_change(box, before, expected):
    box.page.wait_for_function(
        """([box, before, expected]) => {
            const text = box.querySelector('.smollab-readout').innerText;
            return text !== before && text.includes(expected);
        }""",
        arg=[box.element_handle(), before, expected],
    )
    box.page.wait_for_timeout(700)  # the picture follows the text
