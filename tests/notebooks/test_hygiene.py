"""Rules that every committed notebook keeps; read from its JSON, nothing is executed."""

import ast
import base64
import importlib
import json
import re
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
HEADINGS = [
    "You will be able to",
    "The question",
    "By hand",
    "The method",
    "See it move",
    "Experiment",
    "At scale",
    "Your turn",
    "Check yourself",
    "Summary",
    "When it fails",
    "Further reading",
]
IMPORTABLE = {"numpy", "torch", "matplotlib", "smollab"}
NETWORK = re.compile(r"requests|urllib|urlopen|hub:|https?://|wget|curl|snapshot_download|^\s*[!%]", re.MULTILINE)
PRIVATE = re.compile(r"/(?:home|root|Users|work|tmp)/|[A-Z]:\\\\|localhost|127\.0\.0\.1")
TIMING = re.compile(r"\b\d+(\.\d+)? ?(ms|s|sec|seconds|minutes|tokens/s)\b|\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d")
MAXIMUM_BYTES, MAXIMUM_PICTURE_BYTES = 300_000, 80_000
MAXIMUM_CELL_LINES, MAXIMUM_CODE_LINES, MAXIMUM_FUNCTION_LINES, MAXIMUM_COLUMNS = 25, 200, 8, 100


def source_of(cell):
    return "".join(cell["source"])


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def prose(notebook):
    return "\n\n".join(source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def outputs_of(code):
    return [(cell, output) for cell in code for output in cell["outputs"]]


def texts_of(code):
    """(cell id, text) of everything readable among the outputs."""
    for cell, output in outputs_of(code):
        if output["output_type"] == "stream":
            yield cell["id"], "".join(output["text"])
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield cell["id"], "".join(value)


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_format_and_metadata(notebook):
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"], "GitHub refuses notebooks with stored widget state"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags"}, cell["id"]


def test_it_ran_from_top_to_bottom_without_errors(code):
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell, output in outputs_of(code):
        assert output["output_type"] != "error", cell["id"]
        assert output.get("name") != "stderr", f"{cell['id']} warns: {output}"


def test_no_cell_is_skipped(notebook):
    tags = {tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])}
    assert tags <= {"setup", "panel", "exercise"}


def test_sizes(path, code):
    assert path.stat().st_size <= MAXIMUM_BYTES
    for cell, output in outputs_of(code):
        picture = output.get("data", {}).get("image/png")
        if picture:
            assert len(base64.b64decode(picture)) <= MAXIMUM_PICTURE_BYTES, cell["id"]


def test_outputs_tell_nothing_of_a_machine_or_a_moment(code):
    for cell_id, text in texts_of(code):
        assert not PRIVATE.search(text), (cell_id, PRIVATE.search(text))
        assert not TIMING.search(text), (cell_id, TIMING.search(text))


def test_no_live_widget_is_stored_and_every_panel_has_a_picture_and_words(code):
    for cell, output in outputs_of(code):
        assert not any("widget" in kind for kind in output.get("data", {})), cell["id"]
    for cell in code:
        if "panel" in cell["metadata"].get("tags", []):
            data = cell["outputs"][-1]["data"]
            assert "image/png" in data, cell["id"]
            assert len("".join(data["text/plain"])) > 40, cell["id"]


def test_headings(prose):
    assert prose.startswith("# ")
    outside_code = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    assert re.findall(r"^## (.+)$", outside_code, flags=re.MULTILINE) == HEADINGS
    for row in ("Pillar", "Time", "You need", "Modules", "Slides", "Hardware"):
        assert f"| {row} |" in prose


def test_lengths(notebook, code, prose):
    assert 30 <= len(notebook["cells"]) <= 60
    text = re.sub(r"```.*?```|</?\w+>", "", prose, flags=re.DOTALL)
    words = sum(any(map(str.isalpha, token)) for token in text.split())
    assert 1500 <= words <= 3000
    lines = [len(source_of(cell).splitlines()) for cell in code]
    assert max(lines) <= MAXIMUM_CELL_LINES
    widest = max((line for cell in code for line in source_of(cell).splitlines()), key=len)
    assert len(widest) <= MAXIMUM_COLUMNS, f"JupyterLab would cut it off: {widest}"
    assert sum(lines) <= MAXIMUM_CODE_LINES + 40  # blank lines included


def test_logic_lives_in_the_package(code):
    for cell in code:
        exercise = "exercise" in cell["metadata"].get("tags", [])
        for node in ast.walk(ast.parse(source_of(cell))):
            assert not isinstance(node, ast.ClassDef), cell["id"]
            if isinstance(node, ast.FunctionDef) and not exercise:
                assert node.end_lineno - node.lineno < MAXIMUM_FUNCTION_LINES, cell["id"]


def test_no_shell_and_no_network(code):
    for cell in code:
        assert not NETWORK.search(source_of(cell)), cell["id"]


def test_only_public_names_are_imported(code):
    for cell in code:
        for node in ast.walk(ast.parse(source_of(cell))):
            if isinstance(node, ast.Import):
                modules = [(alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [(node.module or "", alias.name) for alias in node.names]
            else:
                continue
            for module, name in modules:
                top = module.partition(".")[0]
                assert top in IMPORTABLE or top in sys.stdlib_module_names, (cell["id"], module)
                if top == "smollab" and name:
                    assert_public(module, name)


def assert_public(module, name):
    assert not any(part.startswith("_") for part in [*module.split("."), name]), f"{module}.{name} is private"
    loaded = importlib.import_module(module)
    assert name in getattr(loaded, "__all__", dir(loaded)), f"{name} is not among the public names of {module}"


def test_exercises_have_a_check_a_hint_and_a_solution(notebook, code):
    tasks = [
        source_of(cell)
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown" and "### Exercise" in source_of(cell)
    ]
    stubs = [source_of(cell) for cell in code if "exercise" in cell["metadata"].get("tags", [])]
    assert 3 <= len(tasks) == len(stubs) <= 5
    for task, stub in zip(tasks, stubs, strict=True):
        number = re.search(r"### Exercise (\d+\.\d+\.\d+): .+\(\d+ minutes, (easy|medium|hard)\)", task).group(1)
        assert task.count("<summary>Hint</summary>") == task.count("<summary>Solution</summary>") == 1
        assert f"check_{number.replace('.', '_')}(" in stub
        assert re.search(r"^    return None  # replace this line$", stub, flags=re.MULTILINE), (
            "the committed stub is untouched"
        )
    for cell in code:
        if "exercise" in cell["metadata"].get("tags", []):
            assert "not attempted yet" in "".join(cell["outputs"][0]["text"])


def test_solutions_pass_their_checks(notebook, code, capsys):
    """Each folded solution, put in place of the stub, passes the check in the same cell."""
    exercises = [cell for cell in code if "exercise" in cell["metadata"].get("tags", [])]
    solutions = re.findall(
        r"<summary>Solution</summary>\s*```python\n(.*?)```",
        "\n".join(source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"),
        flags=re.DOTALL,
    )
    names = {"math": importlib.import_module("math")}
    for cell, solution in zip(exercises, solutions, strict=True):
        lines = source_of(cell).splitlines()
        imports = [line for line in lines if line.startswith(("import ", "from "))]
        check = next(line for line in lines if re.match(r"\w+\.check_", line))
        exec("\n".join([*imports, solution, check]), names)
        assert capsys.readouterr().out.strip().endswith("passed")


def test_objectives_and_summary_match(prose):
    section = lambda name: prose.split(f"## {name}\n")[1].split("\n## ")[0]
    objectives = re.findall(r"^\d+\. \*\*", section("You will be able to"), flags=re.MULTILINE)
    exercises = re.findall(r"^### Exercise", section("Your turn"), flags=re.MULTILINE)
    bullets = re.findall(r"^- ", section("Summary"), flags=re.MULTILINE)
    assert len(objectives) == len(exercises) <= len(bullets)
    assert section("Check yourself").count("<summary>Answer</summary>") == 4, "three questions and a napkin estimate"


def test_links_to_files_of_this_repository_exist(path, prose):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (path.parent / target).exists(), target


def test_readme_lists_it(path):
    assert path.name in (REPOSITORY / "README.md").read_text(encoding="utf-8")
