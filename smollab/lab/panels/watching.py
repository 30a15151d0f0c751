"""A run that trains, watched in a notebook: the curves are drawn anew while it goes on."""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from smollab.lab.panels.panel import Panel
from smollab.watch.curves import latest
from smollab.watch.figure import plot_watched
from smollab.watch.state import State, Watched

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class WatchPanel(Panel):
    """Curves and numbers of a run as it trains; the same as `smollab watch`.

    The panel looks at the run's folder in a thread of its own until the run is over or `stop` is called. Where no
    kernel runs, a notebook shows the last look.

    Args:
        run: folder of the run; another process, or another thread of this one, trains there.
        every: seconds between two looks.
        live: whether to look again by itself; otherwise only when `refresh` is called.

    Raises:
        FileNotFoundError: there is no such folder.
    """

    def __init__(self, run: Path | str, every: float = 1.0, live: bool = True) -> None:
        self._watched = Watched(Path(run))
        self._every, self._ends = every, threading.Event()
        self.state: State = self._watched.look()
        """The run at the last look."""
        super().__init__()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        if live and not self.state.is_over:
            self._thread.start()

    def compute(self) -> "tuple[Figure, str]":
        """Look at the run once more."""
        self.state = self._watched.look()
        numbers = "; ".join(f"{name.strip()} {value}" for name, value in latest(self.state.rows))
        return plot_watched(self.state.rows), f"{self.state.status}: {self.state.words}\n{numbers}"

    def stop(self) -> None:
        """Look no more."""
        self._ends.set()

    def wait(self, seconds: float | None = None) -> State:
        """Wait until the run is over, at most so many seconds; returns the run as it is then."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.state.is_over and (end is None or time.monotonic() < end) and not self._ends.is_set():
            time.sleep(min(self._every, 0.2))
        return self.state

    def _follow(self) -> None:
        while not self._ends.wait(self._every) and not self.state.is_over:
            self.refresh()
