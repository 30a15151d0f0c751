"""The panels of notebook 2.3 in a real JupyterLab: controls are moved by keyboard, texts and pictures answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# A run of seconds in place of the main job; the panels are the notebook's.
STAND_IN = """
from smollab.lab.runs import open_run
from smollab.model.config import ModelConfig

run, smollm3 = open_run(prefer="smoke"), ModelConfig()
"""


@pytest.fixture(scope="module")
def panels(lab, browser):
    """The notebook's panels, opened and run."""
    cells = ["panel-costs", "panel-writing"]
    with open_panels(lab, browser, "2_3_memory_flops_and_the_cache", STAND_IN, cells) as panels:
        yield panels


@pytest.mark.timeout(240)
def test_the_calculator_answers_its_sliders_and_lists(panels):
    panel = panels[0]
    before = panel.picture()
    panel.press(0, ["ArrowLeft"] * 2, "a text of 16,384")
    assert panel.picture() != before
    panel.press(1, ["ArrowRight"] * 3, "for 4 (")
    panel.select(0, "16", "288.0 KiB a token")
    panel.select(1, "float32", "576.0 KiB a token")
    panel.screenshot()


@pytest.mark.timeout(240)
def test_the_model_writes_anew_when_a_setting_is_moved(panels):
    panel = panels[1]
    before = panel.picture()
    panel.press(1, ["ArrowRight"] * 3, "3 of ")
    assert panel.picture() != before
    panel.press(0, ["Home"], "1 of ")
    panel.press(4, ["ArrowRight"], "1 of ")
    panel.screenshot()
