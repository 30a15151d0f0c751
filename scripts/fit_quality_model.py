"""Fit the educational-quality model that comes with the package.

    python scripts/fit_quality_model.py                      from data_samples/quality/, into the package
    python scripts/fit_quality_model.py SCORES.jsonl MODEL.npz

The same scores and the same version of scikit-learn give the same model.
"""

import argparse
from pathlib import Path

from smollab.curate.quality import fit, read_scored, save_model
from smollab.curate.quality.model import BUILT_IN

SCORES = Path(__file__).resolve().parents[1] / "data_samples" / "quality" / "educational_scores.jsonl"


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="?", type=Path, default=SCORES, help="scored excerpts (default: %(default)s)")
    parser.add_argument("model", nargs="?", type=Path, default=BUILT_IN, help="where the model goes")
    arguments = parser.parse_args()
    excerpts = read_scored(arguments.scores)
    model = fit(excerpts)
    save_model(model, arguments.model)
    print(f"{arguments.model.name}: {len(model.vocabulary):,} features from {len(excerpts)} excerpts")


if __name__ == "__main__":
    main()
