"""The panels of notebook 0.1 in a real JupyterLab: a slider is moved by keyboard, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

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
def panels(lab, browser):
    """The notebook's panels, opened and run."""
    with open_panels(lab, browser, "0_1_tour", STAND_IN, list(PANELS)) as panels:
        yield {panel.name: panel for panel in panels}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PANELS)
def test_slider_moved_by_keyboard_changes_text_and_picture(panels, name):
    panel, before = panels[name], panels[name].picture()
    assert len(panel.text) > 40
    panel.press(*PANELS[name])
    assert panel.picture() != before
    panel.screenshot()
