"""Slides as built: a page for each slide, formulas set, nothing cut off, nothing asked from the network."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.figure import Figure

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
DECKS = sorted((REPOSITORY / "slides").glob("[0-9]*.md"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_slides", REPOSITORY / "scripts" / "build_slides.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=DECKS, ids=lambda deck: deck.stem)
def built(script, request, tmp_path_factory):
    """A deck and its build, without ending; its figures are blanks of the right names and about the right shape."""
    try:
        chromium = script.find_tools()
    except script.MissingTool as missing:
        pytest.skip(str(missing))
    if not script.MARP.exists():
        installed = subprocess.run(script.INSTALL, cwd=script.SLIDES, capture_output=True, text=True)
        if installed.returncode:
            pytest.skip(f"Marp CLI cannot be installed: {installed.stderr.strip()[-200:]}")
    folder = tmp_path_factory.mktemp("slides")
    script.BUILD, script.FIGURES = folder / "build", folder / "figures"
    script.FIGURES.mkdir()
    deck = folder / request.param.name
    shutil.copy(request.param, deck)
    for name in re.findall(r"figures/(\w+)\.png", deck.read_text(encoding="utf-8")):
        Figure(figsize=(9, 3.5)).savefig(script.FIGURES / f"{name}.png", dpi=200)
    script.build(deck, chromium)
    return deck, script.BUILD / deck.stem


def test_pdf_has_a_page_for_each_slide_and_its_formulas_are_set(built):
    for tool in ("pdfinfo", "pdftotext"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: apt-get install poppler-utils)")
    deck, stem = built
    markdown, pdf = deck.read_text(encoding="utf-8"), stem.with_suffix(".pdf")
    information = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    assert int(re.search(r"Pages:\s+(\d+)", information).group(1)) == len(re.findall(r"^---$", markdown, re.M)) - 1
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
    for title in re.findall(r"^# (\S+ \S+)", markdown, flags=re.M):
        assert title in " ".join(text.split())
    assert not re.search(r"\\frac|\$\$|\\ln", text)


def test_html_asks_for_nothing_from_the_network_and_cuts_nothing_off(built, browser):
    requests = []
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.on("request", lambda request: requests.append(request.url))
    page.goto(built[1].with_suffix(".html").as_uri())
    page.wait_for_load_state("networkidle")
    overflowing = page.evaluate(
        "[...document.querySelectorAll('section')].filter(s => s.scrollHeight > s.clientHeight + 2).map(s => s.id)"
    )
    page.close()
    assert any(url.endswith(".png") for url in requests), "figures are loaded from beside the page"
    assert not [url for url in requests if url.startswith("http")]
    assert overflowing == []
