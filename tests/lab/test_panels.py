"""Every control of every panel changes the readout and the picture, and every panel reads well without a kernel."""

import base64

import pytest
import torch

from smollab.documents import Document
from smollab.lab.display import show
from smollab.lab.pages import load_pages, measure
from smollab.lab.panels import NewtonSchulzPanel, PagesPanel, SamplingPanel
from smollab.plots.pillars import plot_pillars

PNG = b"\x89PNG\r\n\x1a\n"


def page(name, text):
    return measure(Document(id=f"https://{name}.example/", text=text, source="web", language="en"))


PROSE = "The cat sat on the mat and looked at the rain that fell on the roof of the house.\n"
LINES = "".join(f"This is line number {word} of a page that is made of whole sentences only.\n" for word in "abcdefgh")


@pytest.fixture
def pages():
    return [
        page("short", PROSE),
        page("good", LINES),
        page("numbers", " ".join(str(i) for i in range(30)) + "\n" + LINES),
        page(
            "menu", LINES + "\n".join(f"The menu entry {i}" for i in "abcdefghijkl") + "\nThe end of the menu is here."
        ),
    ]


@pytest.fixture
def make(pages, model, tokenizer):
    """Make a panel by its name."""
    matrix = torch.randn(24, 12, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.logspace(0, -3, 12))
    panels = {
        "pages": lambda: PagesPanel(pages),
        "sampling": lambda: SamplingPanel(model, tokenizer, "The program"),
        "newton_schulz": lambda: NewtonSchulzPanel(matrix, "a matrix"),
    }
    return lambda name: panels[name]()


CHANGES = [
    ("pages", "minimum_words", 5),
    ("pages", "minimum_alphabetic_words", 0.5),
    ("pages", "minimum_stop_words", 12),
    ("pages", "maximum_short_lines", 0.1),
    ("sampling", "temperature", 0.3),
    ("sampling", "top_p", 0.5),
    ("newton_schulz", "steps", 1),
]


@pytest.mark.parametrize(("panel", "control", "value"), CHANGES)
def test_control_changes_readout_and_picture(make, panel, control, value):
    panel = make(panel)
    readout, picture = panel.readout, panel.picture
    assert picture.startswith(PNG)
    slider = getattr(panel, control)
    before = slider.value
    slider.value = value
    assert panel.readout != readout
    assert panel.picture != picture
    slider.value = before
    assert (panel.readout, panel.picture) == (readout, picture), "the same setting shows the same thing"


def test_seed_changes_the_text_alone(make):
    panel = make("sampling")
    readout, picture = panel.readout, panel.picture
    panel.seed.value = 5
    assert panel.readout.splitlines()[0] == readout.splitlines()[0]
    assert panel.readout != readout
    assert panel.picture == picture


@pytest.mark.parametrize("name", ["pages", "sampling", "newton_schulz"])
def test_every_control_has_a_description_and_is_in_the_widget(make, name):
    panel = make(name)
    assert panel.controls
    for control in panel.controls:
        assert control.description.strip()
        assert control in panel.widget.children


@pytest.mark.parametrize("name", ["pages", "sampling", "newton_schulz"])
def test_panel_reads_without_a_kernel(make, name):
    panel = make(name)
    bundle, metadata = panel._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.widget.model_id
    assert base64.b64decode(bundle["image/png"]) == panel.picture
    assert bundle["text/plain"] == panel.readout
    assert metadata["image/png"]["width"] == int(panel._image.layout.width.removesuffix("px"))


def test_published_thresholds_count_as_no_change(make):
    assert "0 entered, 0 left" in make("pages").readout


def test_loosened_rule_names_the_page_that_entered(make):
    panel = make("pages")
    panel.minimum_words.value = 5
    assert "1 entered, 0 left" in panel.readout
    assert "Entered: https://short.example/" in panel.readout


def test_tightened_rule_names_the_page_that_left_and_why(make):
    panel = make("pages")
    panel.maximum_short_lines.value = 0.1
    assert "Left: https://menu.example/ (fineweb_quality: short lines" in panel.readout


def test_sum_of_slider_steps_is_judged_as_it_is_written(make):
    panel = make("pages")
    panel.maximum_short_lines.value = 0.1 + 0.2
    assert "> 0.3)" in panel.readout


def test_readout_is_escaped_before_it_becomes_html(pages):
    evil = page("evil", "<script>alert(1)</script> " + LINES)
    panel = PagesPanel([evil])
    panel.minimum_words.value = 400
    assert "<script>" in panel.readout
    assert "<script>" not in panel._text.value


def test_sampling_at_zero_takes_one_token(make):
    panel = make("sampling")
    panel.temperature.value = 0
    assert panel.readout.startswith("1 of 300 tokens can be drawn; the choice holds 0.00 bits")


def test_no_iteration_leaves_the_normalized_singular_values(make):
    panel = make("newton_schulz")
    panel.steps.value = 0
    low, high = panel._before.min(), panel._before.max()
    assert f"after 0 steps from {low:.2f} to {high:.2f}" in panel.readout


def test_sample_pages_hold_pages_on_both_sides_of_the_rules():
    pages = load_pages(pages_per_file=25)
    panel = PagesPanel(pages)
    kept = sum(verdict is None for verdict in panel._published)
    assert len(pages) > 30
    assert 5 < kept < len(pages) - 5


def test_shown_figure_is_small_equal_each_time_and_has_a_text_alternative():
    first, second = (show(plot_pillars(), "the map") for _ in range(2))
    assert first.data == second.data
    assert first.data.startswith(PNG)
    assert len(first.data) < 40_000
    assert first.alt == "the map"
    assert first.width == 900
