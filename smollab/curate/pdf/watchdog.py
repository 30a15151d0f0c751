"""End a process that does nothing: a deadlock burns no CPU time, so no limit on CPU time ends it.

What is watched is progress, not the clock alone: a process that gets a little CPU time now and then, as on a very busy
machine, is left alone however long it takes, so that the outcome does not depend on the load. Only one that used none
at all for a long time is killed.
"""

import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

__all__ = ["STILL_S", "Watchdog", "cpu_ticks_of"]

STILL_S = 300.0
"""Longest time without any CPU time; seconds of a clock that stands still while the machine sleeps."""
CHECKS = 10
"""In that time."""


class Watchdog:
    """Watches a process while the body runs; `bit` tells afterwards whether it was killed.

    Example:
        >>> with Watchdog(child) as dog:  # doctest: +SKIP
        ...     answer = read_message(child.stdout)
    """

    def __init__(self, child: "subprocess.Popen[bytes]", still_s: float | None = None):
        """Prepare to watch.

        Args:
            child: the process.
            still_s: how long it may do nothing; None: `STILL_S`.
        """
        self._child = child
        self._still_s = STILL_S if still_s is None else still_s
        self._done = threading.Event()
        self._thread: threading.Timer | None = None
        self.bit = False

    def __enter__(self) -> "Watchdog":
        # Most documents are read long before the first check: until then this is a timer, and costs little.
        self._thread = threading.Timer(self._still_s / CHECKS, self._watch)
        self._thread.daemon = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.cancel()

    def _watch(self) -> None:
        used, since = cpu_ticks_of(self._child.pid), time.monotonic()
        while not self._done.wait(self._still_s / CHECKS):
            now = cpu_ticks_of(self._child.pid)
            if now != used:
                used, since = now, time.monotonic()
            elif time.monotonic() - since > self._still_s:
                self.bit = True
                self._child.kill()
                return


def cpu_ticks_of(pid: int) -> float:
    """Return the CPU time of a process, its finished children included; where that cannot be told, never the same."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return float(sum(map(int, status.rpartition(")")[2].split()[11:15])))
    except (OSError, ValueError, IndexError):
        return time.monotonic()
