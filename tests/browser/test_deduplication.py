"""The panel of notebook 1.5 in a real JupyterLab: its sliders are moved by keyboard, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# Fewer pages than in the notebook, so that the test starts sooner; the panel is the notebook's.
STAND_IN = """
from smollab.lab.near_duplicates import load_near_duplicates

pages = load_near_duplicates(("noise",), pages=60, edited=20)
"""


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_5_deduplication", STAND_IN, ["panel-deduplication"]) as (panel,):
        yield panel


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
def test_slider_moved_by_keyboard_changes_text_and_picture(panel, slider, keys, expected):
    before = panel.picture()
    panel.press(slider, keys, expected)
    assert panel.picture() != before
    panel.screenshot()
