"""The panel of notebook 1.3 in a real JupyterLab, and the report's links to dropped pages in a browser."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "1_3_filters.ipynb"
# Some sample pages measured on the spot, so that this test needs no crawl; the panel is the notebook's.
STAND_IN = """
from dataclasses import replace
from smollab.lab.ledger import FILTERS, fineweb_thresholds
from smollab.lab.pages import load_pages, measure

fineweb = fineweb_thresholds()
pages = [
    replace(measure(page.document, FILTERS), kind="junk" if "-en.example" in page.document.id else "real")
    for page in load_pages(("noise", "en"), pages_per_file=40)
]
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
        "cells": [make_cell("pages", STAND_IN), make_cell("panel", "".join(cells["panel-thresholds"]["source"]))],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "filters.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1300, "height": 1300})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/filters.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector("text=/\\| Idle/")
    page.click(".lm-MenuBar-item >> text=Run")
    page.click("text=Run All Cells")
    page.wait_for_selector(".smollab-figure", state="attached")
    yield page.locator(".jp-OutputArea-output:has(.smollab-figure)").first
    page.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [
        (2, ["PageUp"] * 5, " leave."),
        (3, ["PageDown"] * 4, " leave."),
        (0, ["End"], "too few words"),
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


@pytest.mark.timeout(300)
def test_picker_shows_the_next_page_that_changes_sides(box):
    text = box.locator(".smollab-readout").inner_text()
    assert "Page 1 of" in text
    box.locator(".noUi-handle").nth(7).focus()
    box.page.keyboard.press("ArrowRight")
    _wait_for_change(box, text, "Page 2 of")
    if folder := os.environ.get("SMOLLAB_SCREENSHOTS"):
        box.screenshot(path=Path(folder) / "panel-thresholds.png")


def test_link_in_the_report_opens_the_examples_of_a_reason(browser, tmp_path):
    import jinja2

    import smollab
    from smollab.curate.funnel import ReasonCount, SourceFunnel, StepCount
    from smollab.report import show_source_funnel

    step = StepCount("gopher_quality", 9, 5)
    step.drops["gopher_quality: too few words"] = ReasonCount(4, [{"id": "u", "detail": "31 < 50", "text": "Home"}])
    source = show_source_funnel("web", SourceFunnel([step], languages={"en": 5}))
    template = (Path(smollab.__file__).parent / "report.html.jinja").read_text(encoding="utf-8")
    start = template.index("{% for name, source in sources.items() %}")
    part = template[start : template.index('<h2 id="tokens">')].replace("{{ recipe.data.sources[name].address }}", "")
    html = (
        jinja2.Environment(autoescape=True).from_string(part).render(sources={"web": source}, why=lambda id_: "why u")
    )
    (tmp_path / "report.html").write_text(f"<!doctype html><html><body>{html}</body></html>", encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    examples = page.locator("#drop-web-gopher-quality-too-few-words")
    assert not examples.is_visible()
    page.click(".glance a >> text=too few words")
    examples.wait_for(state="visible", timeout=5000)
    assert "31 < 50" in examples.inner_text() and "why u" in examples.inner_text()
    page.close()


def _wait_for_change(box, before, expected):
    box.page.wait_for_function(
        """([box, before, expected]) => {
            const text = box.querySelector('.smollab-readout').innerText;
            return text !== before && text.includes(expected);
        }""",
        arg=[box.element_handle(), before, expected],
    )
    box.page.wait_for_timeout(700)  # the picture follows the text
