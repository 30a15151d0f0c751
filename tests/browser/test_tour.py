"""The panels of notebook 0.1 in a real JupyterLab: a slider is moved by keyboard, text and picture answer."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
TOUR = REPOSITORY / "notebooks" / "0_1_tour.ipynb"
# A model of random weights, so that this test needs no run; its panels are those of the notebook.
STAND_IN = """
import torch
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.recipe import load_recipe
from smollab.tokens.tokenizer import train_tokenizer

class run:
    recipe = load_recipe("smoke")
    tokenizer = train_tokenizer(["Le syst\\u00e8me est install\\u00e9. The system is installed. "] * 9, 280)
    model = Transformer(ModelConfig.from_recipe(recipe.model, 280), seed=1).eval()

torch.set_num_threads(1)
name, momentum = "a matrix", torch.randn(160, 64, generator=torch.Generator().manual_seed(0)) ** 3
"""
PANELS = {
    "panel-pages": (1, ["ArrowRight"] * 3, "< 0.83)"),
    "panel-sampling": (0, ["PageDown"], " bits."),
    "panel-newton-schulz": (0, ["ArrowLeft"] * 3, "after 2 steps"),
}
"""Cell -> which of its sliders is moved, the keys pressed, and what the readout says in the end."""


@pytest.fixture(scope="module")
def page(lab, browser):
    """The notebook's panel cells, opened and run."""
    address, root = lab
    cells = {cell["id"]: cell for cell in json.loads(TOUR.read_text(encoding="utf-8"))["cells"]}
    make_cell = lambda source: {
        "cell_type": "code", "id": f"c{abs(hash(source))}", "metadata": {}, "execution_count": None, "outputs": [],
        "source": source,
    }  # fmt: skip
    notebook = {
        "cells": [make_cell(STAND_IN), *(make_cell("".join(cells[name]["source"])) for name in PANELS)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "panels.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1250, "height": 2300})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/panels.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector("text=/\\| Idle/")  # without a kernel Lab would ask for one
    page.click(".lm-MenuBar-item >> text=Run")
    page.click("text=Run All Cells")
    try:
        page.wait_for_selector(".smollab-figure >> nth=2", state="attached")
    except Exception:
        _keep(page.screenshot(), "failed.png")
        raise
    yield page
    page.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("panel", PANELS)
def test_slider_moved_by_keyboard_changes_text_and_picture(page, panel, tmp_path):
    index = list(PANELS).index(panel)
    slider, keys, expected = PANELS[panel]
    box = page.locator(".jp-OutputArea-output:has(.smollab-figure)").nth(index)
    box.scroll_into_view_if_needed()
    readout = box.locator(".smollab-readout")
    picture = box.locator("img.smollab-figure, .smollab-figure img").first
    text, source = readout.inner_text(), picture.evaluate(_PICTURE_BYTES)
    assert len(text) > 40
    assert picture.evaluate("image => image.naturalWidth") > 500, "the picture is really there"
    box.locator(".noUi-handle").nth(slider).focus()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function(
        """([box, before, expected]) => {
            const text = box.querySelector('.smollab-readout').innerText;
            return text !== before && text.includes(expected);
        }""",
        arg=[box.element_handle(), text, expected],
    )
    page.wait_for_timeout(500)  # the picture follows the text
    assert picture.evaluate(_PICTURE_BYTES) != source
    assert picture.bounding_box()["width"] <= 900, "the picture keeps its width"
    shot = tmp_path / f"{panel}.png"
    box.screenshot(path=shot)
    assert shot.stat().st_size > 10_000
    _keep(shot.read_bytes(), shot.name)


def _keep(screenshot, name):
    """For a person to look at: SMOLLAB_SCREENSHOTS names a folder."""
    if folder := os.environ.get("SMOLLAB_SCREENSHOTS"):
        (Path(folder) / name).write_bytes(screenshot)


_PICTURE_BYTES = """async image => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return bytes.length + ':' + bytes.reduce((sum, byte, i) => (sum * 31 + byte) % 1000000007, 7);
}"""
