"""`data_samples/triage/`: measured pages with the label scan or text.

Some labels are judgments, and the files are not all Debian's, so the committed table is its own source and is carried
over; `scripts/measure_triage_pages.py` makes it.
"""

import shutil
from pathlib import Path

from samples.manifest import OUR_LICENSE, Entry
from samples.packages import Packages

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
PAGES, CARD = "triage/pages.csv", "triage/README.md"


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Copy the table with its card, and describe it."""
    (folder / PAGES).parent.mkdir(parents=True, exist_ok=True)
    for path in (PAGES, CARD):
        shutil.copyfile(SAMPLES / path, folder / path)
    return [describe(folder)]


def describe(folder: Path) -> Entry:
    """Manifest entry of the table."""
    count = len((folder / PAGES).read_text(encoding="utf-8").splitlines()) - 1
    return Entry(
        path=PAGES,
        origin="numbers measured by us on pages of Debian's and pypdf's PDFs, labeled by us: triage/README.md",
        license=OUR_LICENSE,
        made_by_us=True,
        record_count=count,
    )
