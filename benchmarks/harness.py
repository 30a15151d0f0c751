"""Time contenders side by side: interleaved rounds, medians, and ratios to the first contender.

On a shared machine a single timing says little: load changes by the second. So every round runs all
contenders once, in an order that rotates from round to round; each contender is summed up by its median over
rounds; and a ratio is the median of the ratios *within* rounds, because what slows a whole round down slows
all of its contenders. CPU time includes child processes that have ended.

    from harness import compare, print_table, save_json

    rows = compare({"ours": ours, "peer": peer}, unit="docs", amount=2000)
    print_table("Near-duplicates", rows)
    save_json("minhash", rows)
"""

import gc
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("smollab", "torch", "transformers", "numpy", "datatrove")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender's medians over all rounds."""

    name: str
    """The contender."""
    unit: str
    """What is counted, such as `docs` or `tokens`."""
    amount: float
    """Units worked off in one round."""
    rounds: int
    """Timed rounds."""
    cpu_s: float
    """Median CPU time of a round, all threads and finished children; seconds."""
    wall_s: float
    """Median wall time of a round; seconds."""
    cpu_ratio: float
    """Median over rounds of (first contender's CPU time / this one's): above 1, this one is faster."""
    wall_ratio: float
    """The same for wall time."""
    cpu_spread: float
    """Interquartile range of the CPU time over its median: how far to trust the median."""
    cpu_rounds_s: tuple[float, ...]
    """CPU time of every round, for whoever wants other statistics."""

    @property
    def per_cpu_s(self) -> float:
        """Units per CPU-second."""
        return self.amount / max(self.cpu_s, 1e-9)

    @property
    def per_wall_s(self) -> float:
        """Units per second of wall time."""
        return self.amount / max(self.wall_s, 1e-9)


def compare(
    contenders: dict[str, Callable[[], Any]],
    *,
    rounds: int = 7,
    warmup: int = 1,
    unit: str,
    amount: float,
) -> list[Row]:
    """Run every contender `rounds` times, interleaved in rotating order, and sum up each.

    Args:
        contenders: name -> what to time; results are thrown away. Ratios are to the first one.
        rounds: timed rounds.
        warmup: rounds before the timed ones.
        unit: what `amount` counts.
        amount: units worked off by one call of a contender, the same for all.

    Returns:
        One row per contender, in the order given.
    """
    names = list(contenders)
    cpu: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(-warmup, rounds):
        turn = round_ % len(names)
        for name in names[turn:] + names[:turn]:
            cpu_s, wall_s = _time(contenders[name])
            if round_ >= 0:
                cpu[name].append(cpu_s)
                wall[name].append(wall_s)
    first = names[0]
    return [
        Row(
            name=name,
            unit=unit,
            amount=amount,
            rounds=rounds,
            cpu_s=statistics.median(cpu[name]),
            wall_s=statistics.median(wall[name]),
            cpu_ratio=_median_ratio(cpu[first], cpu[name]),
            wall_ratio=_median_ratio(wall[first], wall[name]),
            cpu_spread=_spread(cpu[name]),
            cpu_rounds_s=tuple(cpu[name]),
        )
        for name in names
    ]


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print rows as a table: rates, ratios to the first row, and the spread between rounds."""
    from rich.console import Console
    from rich.table import Table

    unit = rows[0].unit
    table = Table(title=f"{title}  ({rows[0].rounds} interleaved rounds of {rows[0].amount:,.6g} {unit})")
    table.add_column("contender")
    for heading in (f"{unit}/CPU-s", f"{unit}/s", "x first (CPU)", "x first (wall)", "spread"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.per_cpu_s:,.4g}",
            f"{row.per_wall_s:,.4g}",
            f"{row.cpu_ratio:.3g}",
            f"{row.wall_ratio:.3g}",
            f"{row.cpu_spread:.0%}",
        )
    Console().print(table)


def save_json(name: str | Path, rows: Sequence[Row], **more: Any) -> Path:
    """Write rows, the machine and anything else to `benchmarks/results/NAME.json`, and return the path.

    Args:
        name: file name in the results folder (`.json` may be left out), or a path of its own.
        rows: from `compare`; several comparisons can be concatenated.
        more: further keys of the JSON object, such as settings and sizes.
    """
    path = RESULTS / Path(name).with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), **more}
    rates = [{"per_cpu_s": row.per_cpu_s, "per_wall_s": row.per_wall_s} for row in rows]
    report["rows"] = [asdict(row) | rate for row, rate in zip(rows, rates, strict=True)]
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    """Describe the machine and the versions that a timing depends on."""
    cpu_info = Path("/proc/cpuinfo")
    text = cpu_info.read_text(encoding="utf-8") if cpu_info.exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load_1_min": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _time(contender: Callable[[], Any]) -> tuple[float, float]:
    """Return CPU and wall seconds of one call; earlier garbage is collected before, not during."""
    gc.collect()
    cpu, wall = _cpu_s(), time.perf_counter()
    contender()
    return _cpu_s() - cpu, time.perf_counter() - wall


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _median_ratio(first: list[float], other: list[float]) -> float:
    return statistics.median(a / max(b, 1e-9) for a, b in zip(first, other, strict=True))


def _spread(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / max(statistics.median(values), 1e-9)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
