"""The panels of notebook 5.2 in a real JupyterLab: controls are moved by keyboard, texts and pictures answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# Random tokens in place of a run's text, and narrower models; the panels and the results are the notebook's.
STAND_IN = """
import torch

import smollab.lab.panels.transfer as panels
from smollab.lab.transfer import load_transfer

panels.SIZES = {"width": (64, 128, 192, 256), "depth": (1, 2, 3, 4)}
tokens = torch.randint(50, (2, 17), generator=torch.Generator().manual_seed(0))
results = load_transfer()
"""


@pytest.fixture(scope="module")
def panels(lab, browser):
    """The notebook's panels, opened and run."""
    cells = ["panel-coordinates", "panel-transfer"]
    with open_panels(lab, browser, "5_2_mup_and_transfer", STAND_IN, cells) as panels:
        yield panels


@pytest.mark.timeout(240)
def test_small_models_are_trained_anew_when_a_setting_is_moved(panels):
    panel = panels[0]
    before = panel.picture()
    panel.press(0, ["ArrowLeft"], "width 64, 128; 3 steps")
    assert panel.picture() != before
    panel.press(2, ["Home"], "; 1 steps of adamw")
    panel.select(2, "muon", "1 steps of muon")
    panel.select(0, "depth", "depth 1, 2; 1 steps")
    panel.select(1, "CompleteP", "CompleteP, slopes of the change over the depth")
    panel.screenshot()


@pytest.mark.timeout(240)
def test_rates_are_taken_from_one_width_to_another(panels):
    panel = panels[1]
    before = panel.picture()
    panel.select(0, "128", "width 128 is best at")
    assert panel.picture() != before
    panel.select(1, "64", "width 64 at 2^")
    panel.screenshot()
