"""Opens panels of a notebook in a real JupyterLab, and moves their controls as a person does."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PICTURE_BYTES = """async image => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return bytes.length + ':' + bytes.reduce((sum, byte, i) => (sum * 31 + byte) % 1000000007, 7);
}"""
TEXT_CHANGED = """([box, before, expected]) => {
    const text = box.querySelector('.smollab-readout').innerText;
    return text !== before && text.includes(expected);
}"""


@contextmanager
def open_panels(lab, browser, notebook: str, stand_in: str, cells: Sequence[str]) -> Iterator[list["Panel"]]:
    """Run cells of a notebook, which show one panel each, behind a cell that stands in for the ones before them.

    Args:
        lab: address and root folder of the JupyterLab.
        browser: the Chromium.
        notebook: its name without the ending.
        stand_in: code that makes what the cells use, quicker than the notebook does.
        cells: ids of the cells.
    """
    address, root = lab
    known = {
        cell["id"]: cell for cell in json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    }
    sources = {"stand-in": stand_in} | {name: "".join(known[name]["source"]) for name in cells}
    blank = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    content = {
        "cells": [{**blank, "id": name, "source": source} for name, source in sources.items()],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / f"{notebook}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1300, "height": 1400 + 900 * (len(cells) - 1)})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/{notebook}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector("text=/\\| Idle/")  # without a kernel Lab would ask for one
    page.click(".lm-MenuBar-item >> text=Run")
    page.click("text=Run All Cells")
    try:
        page.wait_for_selector(f".smollab-figure >> nth={len(cells) - 1}", state="attached")
    except Exception:
        keep(page.screenshot(), f"{notebook}-failed.png")
        raise
    boxes = page.locator(".jp-OutputArea-output:has(.smollab-figure)")
    yield [Panel(boxes.nth(index), name) for index, name in enumerate(cells)]
    page.close()


class Panel:
    """One panel: its readout, its picture, its controls."""

    def __init__(self, box, name: str):
        self.box, self.name = box, name
        self._picture = box.locator("img.smollab-figure, .smollab-figure img").first

    @property
    def text(self) -> str:
        """What the readout says."""
        return self.box.locator(".smollab-readout").inner_text()

    def picture(self) -> str:
        """Return a fingerprint of the picture, after seeing that there is one and that it has its width."""
        assert self._picture.evaluate("image => image.naturalWidth") > 500, "the picture is really there"
        assert self._picture.bounding_box()["width"] <= 965, "the picture keeps its width"
        return self._picture.evaluate(PICTURE_BYTES)

    def press(self, slider: int, keys: Sequence[str], expected: str) -> None:
        """Move a slider by keyboard, and wait until the readout has changed and says what is expected."""
        self.box.scroll_into_view_if_needed()
        before = self.text
        self.box.locator(".noUi-handle").nth(slider).focus()
        for key in keys:
            self.box.page.keyboard.press(key)
        self._wait(before, expected)

    def select(self, place: int, option: str, expected: str) -> None:
        """Choose from a list, and wait until the readout has changed and says what is expected."""
        before = self.text
        self.box.locator("select").nth(place).select_option(option)
        self._wait(before, expected)

    def _wait(self, before: str, expected: str) -> None:
        self.box.page.wait_for_function(TEXT_CHANGED, arg=[self.box.element_handle(), before, expected])
        self.box.page.wait_for_timeout(700)  # the picture follows the text

    def screenshot(self) -> None:
        """Take a picture of the panel for a person to look at."""
        shot = self.box.screenshot()
        assert len(shot) > 10_000
        keep(shot, f"{self.name}.png")


def keep(screenshot: bytes, name: str) -> None:
    """Keep a screenshot where the environment variable SMOLLAB_SCREENSHOTS names a folder."""
    if folder := os.environ.get("SMOLLAB_SCREENSHOTS"):
        (Path(folder) / name).write_bytes(screenshot)
