"""From the command to the first loss: how long `smollab pretrain` takes to begin, of a run that is still to train.

Curation and tokenizing of the recipe `laptop` are done once before and not timed: they are done once. Then each round
starts the command anew, as a person does, with an empty folder of training, and the times are those at which lines of
the log appear. "first batch" is the time from the start of the training step to the first optimizer step's end.

    python benchmarks/start_time.py --rounds 3
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import RESULTS, machine


def start(folder: Path) -> dict[str, float]:
    """Train until the first step is logged; seconds since the command at which the training and the loss came."""
    began = time.monotonic()
    command = [sys.executable, "-m", "smollab.cli", "pretrain", "laptop", "--run", str(folder)]
    log, status = folder / "pretrain" / "metrics.jsonl", folder / "pretrain" / "precision.json"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    times: dict[str, float] = {}
    try:
        while "first loss" not in times:
            if "training begins" not in times and status.exists():
                times["training begins"] = time.monotonic() - began
            if log.exists() and log.stat().st_size:
                times["first loss"] = time.monotonic() - began
            if process.poll() is not None:
                raise RuntimeError(f"the command ended with status {process.returncode} before any step")
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = -signal.SIGKILL
    times["CPU time until then"] = used.ru_utime + used.ru_stime
    row = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    return times | {"first batch": times["first loss"] - times["training begins"], "of it the step": row["seconds"]}


def main() -> None:
    """Read the options, prepare, measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="starts (%(default)s)")
    parser.add_argument("--run", type=Path, help="a folder in which `smollab tokenize laptop` is done already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.run or Path(temporary) / "laptop"
        if not (folder / "tokenize").exists():
            prepare = [sys.executable, "-m", "smollab.cli", "tokenize", "laptop", "--run", str(folder)]
            subprocess.run(prepare, check=True, stdout=subprocess.DEVNULL)
        rounds = []
        for _ in range(options.rounds):
            shutil.rmtree(folder / "pretrain", ignore_errors=True)
            rounds.append(start(folder))
        shutil.rmtree(folder / "pretrain", ignore_errors=True)
    medians = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
    print(f"seconds from the command, median of {len(rounds)} starts (load of the machine: {os.getloadavg()[0]:.1f})")
    for name, seconds in medians.items():
        print(f"  {name:<20} {seconds:6.1f} s")
    path = RESULTS / "start_time.json"
    path.write_text(json.dumps({"machine": machine(), "rounds": rounds, "medians": medians}, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
