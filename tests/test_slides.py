"""Slides: one claim, one figure, few words, notes. Their build is tested in `browser/test_slides_build.py`."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from smollab.lab.slides import FIGURES, newton_schulz_values

REPOSITORY = Path(__file__).resolve().parents[1]
SLIDES = REPOSITORY / "slides"
DECKS = sorted(SLIDES.glob("[0-9]*.md"))
MAXIMUM_WORDS = 40


def slides_of(deck):
    """The slides of a deck as Markdown, without the front matter."""
    text = deck.read_text(encoding="utf-8")
    return re.split(r"\n---\n", text.partition("\n---\n")[2])


def words_shown(slide):
    text = re.sub(r"<!--.*?-->", "", slide, flags=re.DOTALL)
    text = re.sub(r"!\[.*?\]\(.*?\)|\$\$.*?\$\$", "", text, flags=re.DOTALL)
    return re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", text)


CASES = [
    pytest.param(deck, i, slide, id=f"{deck.stem}-{i}") for deck in DECKS for i, slide in enumerate(slides_of(deck), 1)
]


def test_every_notebook_has_a_deck():
    assert {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")} <= {deck.stem for deck in DECKS}


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_front_matter(deck):
    matter = deck.read_text(encoding="utf-8").partition("\n---\n")[0]
    assert "math: mathjax" in matter, "KaTeX fetches its fonts from the network"
    assert "theme: smollab" in matter
    assert 10 <= len(slides_of(deck)) <= 20


@pytest.mark.parametrize(("deck", "number", "slide"), CASES)
def test_slide(deck, number, slide):
    titles = re.findall(r"^# (.+)$", slide, flags=re.MULTILINE)
    assert len(titles) == 1
    assert number == 1 or len(titles[0].split()) >= 4, "the title is a claim, not a topic"
    assert len(words_shown(slide)) <= MAXIMUM_WORDS, words_shown(slide)
    assert '<!-- _footer: "' in slide, "the source is in the footer"
    notes = [c for c in re.findall(r"<!--(.*?)-->", slide, flags=re.DOTALL) if not re.match(r"\s*_\w+:", c)]
    assert len(notes) == 1
    assert len(notes[0].split()) >= 15, "speaker notes"
    figures = re.findall(r"!\[(.*?)\]\((.*?)\)", slide)
    assert len(figures) <= 1
    for text, path in figures:
        assert len(text.split()) >= 4, "a text alternative"
        assert re.fullmatch(r"figures/(\w+)\.png", path)
        assert Path(path).stem in FIGURES, "figures are drawn by smollab.lab.slides"


def test_no_figure_is_drawn_for_nothing():
    used = set(re.findall(r"figures/(\w+)\.png", "".join(deck.read_text(encoding="utf-8") for deck in DECKS)))
    assert used == set(FIGURES)


@pytest.mark.parametrize("name", ["pillars", "pages", "cache", "newton_schulz_map", "costs"])
def test_figures_that_need_no_run(name):
    assert isinstance(FIGURES[name](None), Figure)


def test_newton_schulz_values_are_those_of_the_polynomial():
    import torch

    values, steps = torch.tensor([0.01, 0.1, 0.5]), 3
    expected = values.clone()
    for _ in range(steps):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    torch.testing.assert_close(newton_schulz_values(values, steps), expected, rtol=1e-3, atol=1e-5)


def test_marp_is_pinned_exactly_and_locked():
    package = json.loads((SLIDES / "package.json").read_text())
    version = package["devDependencies"]["@marp-team/marp-cli"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    lock = json.loads((SLIDES / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/@marp-team/marp-cli"]["version"] == version


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_slides", REPOSITORY / "scripts" / "build_slides.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("program", ["node", "npm", "chromium"])
def test_missing_program_is_named_with_the_way_to_install_it(script, monkeypatch, program):
    monkeypatch.delenv("CHROME_PATH", raising=False)
    names = script.CHROMIUM_NAMES if program == "chromium" else (program,)
    monkeypatch.setattr(script.shutil, "which", lambda name: None if name in names else f"/usr/bin/{name}")
    with pytest.raises(script.MissingTool, match=r"(?i)" + program + r".*apt-get install"):
        script.find_tools()
