"""What the recipe fineweb-2024 makes of the English and the noise pages: the golden output, and how it is made.

    python -m tests.curate.golden.fineweb_2024

writes fineweb_2024.json.gz: record -> [id, reason of the drop, or the hash of the text that was kept]. A change here is
a change of the recipe's outcome: say in the commit what changed and why.
"""

import gzip
import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from smollab.curate import curate
from smollab.curate.ledger import read_ledger
from smollab.documents import read_documents
from smollab.recipe import load_recipe

SAMPLES = Path(__file__).parents[3] / "data_samples" / "web"
GOLDEN = Path(__file__).with_name("fineweb_2024.json.gz")


def run_recipe(folder: Path, workers: int = 1) -> dict[str, list[str]]:
    """Curate the pages with the recipe and return the outcome for each."""
    web = folder / "web"
    web.mkdir()
    for name in ("en", "noise"):
        (web / f"{name}.warc.gz").symlink_to(SAMPLES / f"{name}.warc.gz")
    recipe = load_recipe("fineweb-2024", {"data.sources.web.address": f"warc:{web}"})
    curate(recipe.data, replace(recipe.curate, workers=workers), folder / "out")
    kept = {
        document.metadata["record"]: hashlib.sha256(document.text.encode()).hexdigest()[:16]
        for document in read_documents(*sorted((folder / "out" / "kept").iterdir()))
    }
    rows = read_ledger(*sorted((folder / "out" / "ledger").glob("*.parquet")))
    return {row.record: [row.id, row.reason or kept[row.record]] for row in rows}


def main() -> None:
    """Write the golden output."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_recipe(Path(folder), workers=2)
    lines = json.dumps(outcome, ensure_ascii=False, indent=0).encode()
    GOLDEN.write_bytes(gzip.compress(lines, mtime=0))
    print(len(outcome), "pages,", sum(": " not in fate for _, fate in outcome.values()), "kept")


if __name__ == "__main__":
    main()
