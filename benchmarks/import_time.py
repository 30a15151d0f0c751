"""How long the things take that should be instant: `smollab --help`, importing the package, printing a recipe.

Each contender is a process of its own, started afresh every round; a bare interpreter comes first.

    python benchmarks/import_time.py --rounds 15
"""

import argparse
import subprocess
import sys
from collections.abc import Callable

from harness import compare, print_table, save_json

PROGRAMS = {
    "python -c pass": ["-c", "pass"],
    "import smollab": ["-c", "import smollab"],
    "import smollab.recipe": ["-c", "import smollab.recipe"],
    "import smollab.curate": ["-c", "import smollab.curate"],
    "smollab --help": ["-m", "smollab.cli", "--help"],
    "smollab recipe laptop": ["-m", "smollab.cli", "recipe", "laptop"],
    "import torch, for scale": ["-c", "import torch"],
}


def start(arguments: list[str]) -> Callable[[], None]:
    """A contender that runs one Python process."""
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds (%(default)s)")
    options = parser.parse_args()
    contenders = {name: start(arguments) for name, arguments in PROGRAMS.items()}
    rows = compare(contenders, rounds=options.rounds, unit="starts", amount=1)
    print_table("Starting", rows)
    for row in rows:
        print(f"{row.name:<26} {row.wall_s * 1000:6.0f} ms wall, {row.cpu_s * 1000:6.0f} ms CPU")
    print(save_json("import_time", rows))


if __name__ == "__main__":
    main()
