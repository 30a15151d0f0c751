"""The panel of notebook 1.3 in a real JupyterLab, and the report's links to dropped pages in a browser."""

from pathlib import Path

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

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


@pytest.fixture(scope="module")
def panel(lab, browser):
    """The notebook's panel, opened and run."""
    with open_panels(lab, browser, "1_3_filters", STAND_IN, ["panel-thresholds"]) as (panel,):
        yield panel


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("slider", "keys", "expected"),
    [
        (2, ["PageUp"] * 5, " leave."),
        (3, ["PageDown"] * 4, " leave."),
        (0, ["End"], "too few words"),
    ],
)
def test_slider_moved_by_keyboard_changes_text_and_picture(panel, slider, keys, expected):
    before = panel.picture()
    panel.press(slider, keys, expected)
    assert panel.picture() != before


@pytest.mark.timeout(300)
def test_picker_shows_the_next_page_that_changes_sides(panel):
    assert "Page 1 of" in panel.text
    panel.press(7, ["ArrowRight"], "Page 2 of")
    panel.screenshot()


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
