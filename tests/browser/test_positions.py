"""The panels of notebook 2.2 in a real JupyterLab: every control is moved, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

STAND_IN = """
from smollab.lab.positions import load_passkey_model
model, tokenizer, filler = load_passkey_model()
"""


@pytest.fixture(scope="module")
def panels(lab, browser):
    """Both panels of the notebook, opened and run."""
    cells = ["panel-frequencies", "panel-passkeys"]
    with open_panels(lab, browser, "2_2_positions_and_long_context", STAND_IN, cells) as panels:
        yield panels


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [
        (0, ["ArrowRight"], "channel pairs made"),
        (1, ["ArrowRight"], "within 8,192"),
        (2, ["ArrowRight"], "pairs reach"),
    ],
)
def test_a_slider_of_the_frequencies_changes_text_and_picture(panels, slider, keys, expected):
    before = panels[0].picture()
    panels[0].press(slider, keys, expected)
    assert panels[0].picture() != before


@pytest.mark.timeout(240)
def test_another_method_changes_the_frequencies(panels):
    before = panels[0].picture()
    panels[0].select(0, "interpolation", "interpolation")
    assert panels[0].picture() != before
    panels[0].screenshot()


@pytest.mark.timeout(240)
def test_keys_are_asked_anew_for_another_method_and_number(panels):
    before = panels[1].picture()
    panels[1].select(0, "YaRN", "YaRN: at 128 tokens")
    assert panels[1].picture() != before
    panels[1].press(1, ["ArrowLeft"], "of 10 keys")
    panels[1].press(0, ["ArrowRight"], "at 512 tokens")
    panels[1].screenshot()
