"""The panel of notebook 1.6 in a real JupyterLab: sliders and the list are moved, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# Counts like those of a run, so that this test needs none; the panel is the notebook's.
STAND_IN = 'languages = {"en": 4_000_000, "fr": 800_000, "de": 600_000, "vi": 50_000}'


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_6_mixture_and_ablation", STAND_IN, ["panel-mixture"]) as (panel,):
        yield panel


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [
        (0, ["PageUp"] * 3, "vi is read"),
        (1, ["PageUp"] * 2, "teach as"),
        (2, ["PageUp"], "vi is read"),
    ],
)
def test_slider_moved_by_keyboard_changes_text_and_picture(panel, slider, keys, expected):
    before = panel.picture()
    panel.press(slider, keys, expected)
    assert panel.picture() != before


@pytest.mark.timeout(240)
def test_another_language_is_boosted(panel):
    panel.select(0, "fr", "tokens are read")
    panel.screenshot()
