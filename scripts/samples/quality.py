"""`data_samples/quality/`: excerpts with a score for their educational value.

The scores are judgments, which no program can make again, so the committed file is its own source: it is checked
and carried over. Its texts are excerpts of Debian packages as our extractor left them; the copyright files of packages
that serve for nothing else are carried over with it.
"""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from samples.manifest import Entry
from samples.packages import BuildError, Packages
from samples.web import LANGUAGES

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
SCORES = "quality/educational_scores.jsonl"
CARD = "quality/README.md"
VERSIONS = {
    "anarchism": "15.3-3",
    "freeciv-data": "3.0.6-1+deb12u1",
    "kalzium-data": "4:22.12.3-1",
    "kbruch": "4:22.12.3-1",
    "kig": "4:22.12.3-1",
    "kmplot": "4:22.12.3-1",
    "kstars-data": "5:3.6.2-2",
    "kturtle": "4:22.12.3-1",
    "marble-data": "4:22.12.3-1",
    "python-scipy-doc": "1.10.1-2",
    "python-sklearn-doc": "1.2.1+dfsg-1",
    "python-sympy-doc": "1.11.1-1",
    "r-doc-html": "4.2.2.20221110-2",
    "rocs": "4:22.12.3-1",
    "stellarium-data": "0.22.2-1",
    "step": "4:22.12.3-1",
    "wesnoth-1.16-data": "1:1.16.9-1",
}
"""Packages (Debian 12) of which only excerpts are here."""


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Check the scores, copy them with their card and the copyright files, and describe them."""
    rows = read_scores(SAMPLES / SCORES)
    for path in (SCORES, CARD, *(f"licenses/quality/{name}.txt" for name in VERSIONS)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLES / path, folder / path)
    return describe(rows)


def describe(rows: list[dict[str, Any]]) -> list[Entry]:
    """Manifest entries of the scores and of the copyright files."""
    scores = Entry(
        path=SCORES,
        origin="excerpts of Debian packages and pages of our own, scored by us: quality/README.md",
        license=" AND ".join(sorted({f"({r['license']})" if " OR " in r["license"] else r["license"] for r in rows})),
        packages=sorted({row["package"] for row in rows if row["package"]} - {"libpython3.11"}),
        languages=sorted({row["language"] for row in rows}),
        record_count=len(rows),
    )
    copyrights = [
        Entry(
            path=f"licenses/quality/{name}.txt",
            origin=f"Debian package {name} {version}, copyright file",
            license="LicenseRef-verbatim-copies",
            packages=[name],
        )
        for name, version in VERSIONS.items()
    ]
    return [scores, *copyrights]


def read_scores(path: Path) -> list[dict[str, Any]]:
    """Read the scored excerpts.

    Raises:
        BuildError: a score that is not 0 to 5, an id twice, an unknown language or an empty text.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ids = Counter(row["id"] for row in rows)
    for number, row in enumerate(rows, start=1):
        scores = [row["score"], row.get("second_score", 0)]
        if ids[row["id"]] > 1 or row["language"] not in LANGUAGES or not row["text"].strip():
            raise BuildError(f"{path}:{number}: {row['id']} is there twice, has no text, or an unknown language")
        if any(score not in range(6) for score in scores):
            raise BuildError(f"{path}:{number}: {row['id']} has the score {scores}; whole numbers from 0 to 5 are")
    return rows
