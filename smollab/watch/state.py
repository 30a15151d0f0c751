"""What is known of a run at this moment, read from its folder: no connection to the process that trains is needed."""

import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smollab.train.status import read_status

STALLED_SECONDS, STALLED_STEPS = 30.0, 20.0
"""A run is stalled when its last step is older than so many seconds and than so many of its steps."""


@dataclass(frozen=True)
class State:
    """A run as it is now."""

    status: str
    """`none`, `running`, `stalled`, `dead`, `finished`, `stopped` or `failed`."""
    words: str
    """The same in a sentence, with what to do about it."""
    rows: list[dict[str, Any]] = field(repr=False)
    """All logged steps."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more by itself."""
        return self.status in ("dead", "finished", "stopped", "failed")

    @property
    def is_well(self) -> bool:
        """Whether no one has to look after it."""
        return self.status in ("none", "running", "finished")


class Watched:
    """A run's folder, read again and again; only what is new is read.

    Args:
        folder: of the run.

    Raises:
        FileNotFoundError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such run; name a run (laptop), or its folder")
        self.folder = folder
        self._training = folder / "pretrain"
        self._rows: list[dict[str, Any]] = []
        self._place = 0
        self._file: tuple[int, int] | None = None

    def look(self) -> State:
        """The run as it is now."""
        self._read()
        status, message = read_status(self._training)
        rows = self._rows
        if status == "running" and rows and self._quiet() > max(STALLED_SECONDS, STALLED_STEPS * _usual(rows)):
            status = "stalled"
        return State(status, self._in_words(status, message), list(rows))

    def _read(self) -> None:
        """Append the rows that were written since the last look; all anew where a resumed run cut the file."""
        path = self._training / "metrics.jsonl"
        try:
            about = path.stat()
        except FileNotFoundError:
            self._rows, self._place, self._file = [], 0, None
            return
        if self._file != (about.st_dev, about.st_ino) or about.st_size < self._place:
            self._rows, self._place, self._file = [], 0, (about.st_dev, about.st_ino)
        with path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # half of it is still to come
                self._place += len(line)
                try:
                    self._rows.append(json.loads(line))
                except ValueError:
                    continue

    def _quiet(self) -> float:
        """Seconds since anything was written."""
        return time.time() - (self._training / "metrics.jsonl").stat().st_mtime

    def _in_words(self, status: str, message: str) -> str:
        rows = self._rows
        step, total = (rows[-1]["step"], rows[-1].get("total_steps", 0)) if rows else (0, 0)
        where = f"step {step:,} of {total:,}" if total else f"step {step:,}"
        saved = sorted((self._training / "checkpoints").glob("step-*/state.json"))
        last = f"the last checkpoint is of step {int(saved[-1].parent.name[5:]):,}" if saved else "nothing was saved"
        if status == "none":
            return "nothing has been trained yet"
        if status == "running" and not rows:
            return "training begins"
        if status == "running":
            return f"{where}, {_duration((total - step) * _usual(rows))} left" if total else where
        if status == "stalled":
            return f"{where}, and no step for {_duration(self._quiet())}; one usually takes {_usual(rows):.2g} s"
        if status == "dead":
            return f"{where}: its process is gone; {last}; the same command goes on from there"
        if status == "failed":
            return f"{where}: {message}"
        if status == "stopped":
            return f"{where}: stopped; the same command goes on from there"
        return where


def _usual(rows: list[dict[str, Any]]) -> float:
    """Seconds of a step, the median of the last ones."""
    return statistics.median(row.get("seconds", 1.0) for row in rows[-50:])


def _duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
