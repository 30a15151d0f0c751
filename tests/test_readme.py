"""What the README tells people to type exists, and what it links to is there."""

import re
import shlex
from pathlib import Path

import pytest

from smollab.cli import parse
from smollab.recipe import load_recipe, parse_override

REPOSITORY = Path(__file__).parents[1]
TEXTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def shell_lines(text: str) -> list[list[str]]:
    """The commands of all ```sh blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for line in lines if (words := line)]


COMMANDS = [words for path in TEXTS for words in shell_lines(path.read_text(encoding="utf-8"))]


def test_there_are_commands_to_check() -> None:
    assert {words[0] for words in COMMANDS} <= {"make", "smollab", "source", "ray", "torchrun"}


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "make"], ids=" ".join)
def test_make_targets_exist(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(words[1:]) <= targets


@pytest.mark.parametrize(
    "words", [words for words in COMMANDS if words[0] == "smollab" and "--help" not in words], ids=" ".join
)
def test_smollab_commands_are_understood(words: list[str]) -> None:
    options = parse(words[1:])
    recipe = getattr(options, "recipe", None)
    if recipe:
        load_recipe(recipe, dict(parse_override(text) for text in options.set))


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "torchrun"], ids=" ".join)
def test_torchrun_commands_are_understood(words: list[str]) -> None:
    module = words.index("smollab.train")
    assert words[module - 1] == "-m"
    options = parse(["pretrain", *words[module + 1 :]])
    load_recipe(options.recipe, dict(parse_override(text) for text in options.set))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert ["make", "test"] in COMMANDS
    assert "make test" in lines
