"""Metrics: one JSON object per line, one line per logged step."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smollab.train.trackers import Tracker, flat


class MetricsLog:
    """Append-only metrics.jsonl of a run.

    Args:
        path: the file.
        resume_step: steps after this one are cut off, since a resumed run will log them again.
        writes: False on all ranks of a run but one.
        trackers: get the numbers of every row, too.
    """

    def __init__(self, path: Path, resume_step: int = 0, writes: bool = True, trackers: Sequence[Tracker] = ()) -> None:
        self.path, self.writes, self._trackers = path, writes, trackers
        if not writes:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rewind(resume_step)

    def rewind(self, step: int) -> None:
        """Cut off the rows after a step, since it is trained again from there."""
        if not self.writes:
            return
        kept = [row for row in read_metrics(self.path) if row["step"] <= step]
        unfinished = self.path.with_name(self.path.name + ".unfinished")
        unfinished.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        unfinished.replace(self.path)

    def write(self, row: dict[str, Any]) -> None:
        """Append a row; it is on its way to the disk when this returns."""
        if not self.writes:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for tracker in self._trackers:
            tracker.log(flat(row), row["step"])

    def close(self) -> None:
        """Let the trackers finish."""
        for tracker in self._trackers:
            tracker.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All rows of a metrics file; a last line cut off by a crash is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
