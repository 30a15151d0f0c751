"""Build the slides: figures from a run, then each deck as HTML and as PDF into slides/build/. Needs no network then.

    python scripts/build_slides.py [DECK ...]

Node.js, npm and Chromium have to be there. The first build installs Marp CLI with `npm ci`.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SLIDES = REPOSITORY / "slides"
BUILD, FIGURES = SLIDES / "build", SLIDES / "figures"
MARP = SLIDES / "node_modules" / ".bin" / "marp"
INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class MissingTool(RuntimeError):
    """A program that has to be installed first; the message says how."""


def main() -> int:
    """Build all decks, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("decks", nargs="*", type=Path, help="default: all of slides/*.md")
    decks = parser.parse_args().decks or sorted(SLIDES.glob("[0-9]*.md"))
    try:
        chromium = find_tools()
    except MissingTool as missing:
        print(f"make slides: {missing}", file=sys.stderr)
        return 1
    draw_figures()
    install_marp()
    for deck in decks:
        for path in build(deck, chromium):
            print(path.relative_to(REPOSITORY))
    return 0


def find_tools() -> str:
    """The path of Chromium; node and npm are looked for too.

    Raises:
        MissingTool: one of them is not installed.
    """
    for program, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(program) is None:
            raise MissingTool(f"{program} is not installed; on Debian: apt-get install {package}")
    chromium = os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if chromium is None:
        raise MissingTool(
            "Chromium is not installed; on Debian: apt-get install chromium fonts-dejavu. "
            "Elsewhere, name a Chrome with CHROME_PATH"
        )
    return chromium


def draw_figures() -> None:
    """Draw the figures of all decks from the main job's run, or from a small one made on the spot."""
    from smollab.lab import open_run
    from smollab.lab.slides import make_figures

    shutil.rmtree(FIGURES, ignore_errors=True)
    made = make_figures(FIGURES, open_run())
    print(f"{len(made)} figures")


def install_marp() -> None:
    """Install the pinned Marp CLI unless it is there."""
    if not MARP.exists():
        subprocess.run(INSTALL, cwd=SLIDES, check=True)


def build(deck: Path, chromium: str) -> list[Path]:
    """Build one deck as HTML and PDF.

    Raises:
        subprocess.CalledProcessError: Marp failed; it said why.
    """
    # HTML refers to its figures by relative paths.
    shutil.copytree(FIGURES, BUILD / "figures", dirs_exist_ok=True)
    environment = os.environ | {"CHROME_PATH": chromium, "CHROME_NO_SANDBOX": "1"}
    outputs = []
    for kind in ("html", "pdf"):
        output = BUILD / f"{deck.stem}.{kind}"
        output.unlink(missing_ok=True)
        command = [str(MARP), str(deck), f"--{kind}", "-o", str(output), "--theme-set", str(SLIDES / "theme.css")]
        subprocess.run(
            [*command, "--allow-local-files", "--no-stdin"], env=environment, check=True, capture_output=True
        )
        outputs.append(output)
    return outputs


if __name__ == "__main__":
    sys.exit(main())
