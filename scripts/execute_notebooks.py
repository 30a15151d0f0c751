"""Run notebooks from top to bottom and store their outputs, cleaned of everything that changes between equal runs.

    python scripts/execute_notebooks.py [NOTEBOOK ...]

Kept: text, pictures, and execution counts from one run. Removed: timestamps, widget state (it makes GitHub refuse a
whole notebook) and live widget views, whose place is taken by the picture beside them.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT_SECONDS = 600


def main() -> int:
    """Run all notebooks, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of notebooks/")
    paths = parser.parse_args().notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    for path in paths:
        print(path.resolve().relative_to(REPOSITORY), flush=True)
        execute(path)
    return 0


def execute(path: Path) -> None:
    """Run one notebook in its own folder and write it back.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the notebook on disk is left as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        coalesce_streams=True,  # otherwise the speed of the machine decides where a text is cut
    ).execute()
    clean(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def clean(notebook: Any) -> None:
    """Remove in place what differs between equal runs, and number the cells by their place."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for index, cell in enumerate(notebook.cells):
        # An id that someone gave (`panel-pages`) stays; random ones would change in every copy.
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-?[0-9a-f]{12})?", cell.id):
            cell.id = f"cell-{index:02d}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)


if __name__ == "__main__":
    sys.exit(main())
