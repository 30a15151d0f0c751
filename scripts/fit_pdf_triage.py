"""Fit the model that tells scans from embedded text, and report its precision and recall.

    python scripts/fit_pdf_triage.py                   from data_samples/triage/pages.csv, into the package

The report is by cross-validation over files; the model that is saved has seen all pages.
"""

import argparse
from pathlib import Path

import numpy as np

from smollab.curate.pdf.triage import BUILT_IN, save_triage
from smollab.curate.pdf.triage_training import cross_validate, fit_triage, read_pages_table
from smollab.curate.quality import bootstrap_interval, select

PAGES = Path(__file__).resolve().parents[1] / "data_samples" / "triage" / "pages.csv"
THRESHOLD = 0.2
"""FinePDFs'."""


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="?", type=Path, default=PAGES, help="labeled pages (default: %(default)s)")
    parser.add_argument("model", nargs="?", type=Path, default=BUILT_IN, help="where the model goes")
    arguments = parser.parse_args()
    pages = read_pages_table(arguments.pages)
    probabilities = cross_validate(pages)
    for name, chosen in (("real pages", pages.real), ("made pages", ~pages.real), ("all", pages.real | ~pages.real)):
        rows = np.flatnonzero(chosen)
        files = [pages.files[row] for row in rows]
        measure = lambda part, rows=rows: select(
            probabilities[rows[part]], pages.scan[rows[part]].astype(float), THRESHOLD, good_from=1
        )
        whole = measure(np.arange(len(rows)))
        precision = bootstrap_interval(lambda part, m=measure: m(part).precision, files)
        recall = bootstrap_interval(lambda part, m=measure: m(part).recall, files)
        print(
            f"{name}: {len(rows)} pages of {len(set(files))} files, {whole.good} scans; precision "
            f"{whole.precision:.3f} ({precision[0]:.3f} to {precision[1]:.3f}), recall {whole.recall:.3f} "
            f"({recall[0]:.3f} to {recall[1]:.3f})"
        )
    for kind in sorted(set(pages.kinds)):
        rows = np.flatnonzero(np.array(pages.kinds) == kind)
        print(f"  {kind}: {(probabilities[rows] >= THRESHOLD).mean():.3f} of {len(rows)} taken for scans")
    for row in np.flatnonzero(pages.real & ((probabilities >= THRESHOLD) != pages.scan)):
        print(f"  wrong: {pages.files[row]} page {pages.numbers[row]}, a {pages.kinds[row]}: {probabilities[row]:.2f}")
    save_triage(fit_triage(pages.features, pages.scan), arguments.model)


if __name__ == "__main__":
    main()
