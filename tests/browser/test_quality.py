"""The panel of notebook 1.4 in a real JupyterLab: every control is moved, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# The excerpts of the notebook; predictions of which only one is fitted, so that this test is quick.
STAND_IN = """
import numpy as np
from smollab.lab.educational import JUDGES, load_excerpts, predict
excerpts = load_excerpts()
seen = predict(excerpts, JUDGES[2])
predictions = {JUDGES[0]: 1.2 + 0.3 * (seen - 1.2) + 0.4 * np.sin(np.arange(len(seen))), JUDGES[2]: seen}
"""


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_4_quality_models", STAND_IN, ["panel-quality"]) as (panel,):
        yield panel


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [(0, ["ArrowLeft"] * 6, "stay at 1.2"), (1, ["ArrowRight"], "good ones"), (2, ["ArrowRight"], "annotated")],
)
def test_slider_moved_by_keyboard_changes_the_text(panel, slider, keys, expected):
    before = panel.picture()
    panel.press(slider, keys, expected)
    if slider < 2:  # the third turns the pages of the examples, which are text
        assert panel.picture() != before


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("place", "option"), [(0, "a model that saw the excerpt itself"), (1, "vi")])
def test_another_choice_changes_text_and_picture(panel, place, option):
    before = panel.picture()
    panel.select(place, option, "precision")
    assert panel.picture() != before
    panel.screenshot()
