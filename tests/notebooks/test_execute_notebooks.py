"""Stored outputs hold nothing that differs between equal runs."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "execute_notebooks.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("execute_notebooks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_clean_removes_what_changes_and_keeps_pictures_and_names(script):
    view = {script.WIDGET_VIEW: {"model_id": "abc"}, "image/png": "iVBOR", "text/plain": "words"}
    output = nbformat.v4.new_output("display_data", data=view)
    cell = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"tags": ["panel"], "scrolled": True})
    named = nbformat.v4.new_markdown_cell("text", id="title")
    notebook = nbformat.v4.new_notebook(cells=[named, cell], metadata={"widgets": {"state": {}}})
    script.clean(notebook)
    assert "widgets" not in notebook.metadata
    assert [c.id for c in notebook.cells] == ["title", "cell-01"]
    assert notebook.cells[1].metadata == {"tags": ["panel"]}
    assert dict(notebook.cells[1].outputs[0].data) == {"image/png": "iVBOR", "text/plain": "words"}


def test_two_executions_store_the_same_bytes(script, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1 + 1)")])
    path = tmp_path / "small.ipynb"
    nbformat.write(notebook, path)
    script.execute(path)
    first = path.read_bytes()
    script.execute(path)
    assert path.read_bytes() == first
    assert b'"2\\n"' in first


def test_failing_cell_leaves_the_file_as_it_was(script, tmp_path):
    from nbclient.exceptions import CellExecutionError

    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        script.execute(path)
    assert path.read_bytes() == before
