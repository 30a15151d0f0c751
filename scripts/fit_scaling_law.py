"""Fit the package's default scaling law to small runs, and write smollab/scaling/default_law.toml.

Few runs cannot fix five constants. So the exponents are those that Besiroglu et al. (2024) found in Chinchilla's runs,
alpha .3473 and beta .3672, and only E, A and B, none negative, are fitted, by least squares of the relative error.

usage: python scripts/fit_scaling_law.py [POINTS.json]
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

ALPHA, BETA = 0.3473, 0.3672
TARGET = Path(__file__).parents[1] / "smollab" / "scaling" / "default_law.toml"


def main() -> None:
    """Read the points, fit, write, and print how far each run lies from the law."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("scaling_points.json")
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
    n, d, loss = (np.array([run[key] for run in runs], float) for key in ("parameters", "tokens", "bits_per_byte"))
    terms = np.stack([np.ones_like(n), n**-ALPHA, d**-BETA], axis=1)
    (e, a, b), _ = nnls(terms / loss[:, None], np.ones_like(loss))
    forecast = terms @ [e, a, b]
    error = np.abs(forecast / loss - 1)
    source = (
        f"E, A and B fitted to {len(runs)} small runs of the recipe laptop, one seed each, which it meets within "
        f"{100 * error.max():.1f} %; exponents of Besiroglu et al. 2024."
    )
    TARGET.write_text(
        "# L(N, D) = E + A / N^alpha + B / D^beta, in bits per byte of held-out text.\n"
        "# Written by scripts/fit_scaling_law.py.\n"
        f"E = {e:.4f}\nA = {a:.4f}\nalpha = {ALPHA}\nB = {b:.4f}\nbeta = {BETA}\n"
        f'unit = "bits per byte"\nsource = "{source}"\n'
        f"parameters = [{n.min():.0f}, {n.max():.0f}]\ntokens = [{d.min():.0f}, {d.max():.0f}]\n",
        encoding="utf-8",
    )
    for run, expected in zip(runs, forecast, strict=True):
        size = f"{run['parameters']:>9,} parameters {run['tokens']:>9,} tokens"
        print(f"{size}: {run['bits_per_byte']:.3f}, law {expected:.3f}")
    print(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
