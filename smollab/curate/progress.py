"""Progress of a curation run: one bar per phase with its documents; plain lines when not on a terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Bars", "Progress", "Update"]


@dataclass(frozen=True, slots=True)
class Update:
    """How far a phase is."""

    phase: str
    """Such as `web: url to fineweb_quality`."""
    shards_done: int
    shards: int
    documents: int
    """Seen in this run so far."""


Progress = Callable[[Update], None]


class Bars:
    """Shows updates with rich; use as a context manager and pass as `progress`.

    Example:
        >>> with Bars() as progress:  # doctest: +SKIP
        ...     curate(recipe.data, recipe.curate, Path("out"), progress)
    """

    def __init__(self, console: Any = None):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._console = console or Console(stderr=True)
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("shards, {task.fields[documents]:,} documents"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, Any] = {}
        self._told: set[str] = set()

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def __call__(self, update: Update) -> None:
        """Show an update."""
        if not self._console.is_terminal:
            self._tell(update)
            return
        if update.phase not in self._tasks:
            self._tasks[update.phase] = self._bars.add_task(update.phase, total=update.shards, documents=0)
        self._bars.update(self._tasks[update.phase], completed=update.shards_done, documents=update.documents)

    def _tell(self, update: Update) -> None:
        """One line per finished phase."""
        if update.shards_done == update.shards and update.phase not in self._told:
            self._told.add(update.phase)
            line = f"{update.phase}: {update.shards} shards, {update.documents:,} documents"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
