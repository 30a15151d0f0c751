"""Progress on long work: a live bar in a terminal, a plain line now and then anywhere else.

Notebooks get plain text too: saved progress widgets break the display of notebooks on GitHub.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(highlight=False)
"""Where everything is printed."""

Advance = Callable[[int, str], None]
"""Called with how many more are done and a few words on the state, such as `loss 3.21`."""


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Show the progress of `total` things, of which `done` are done already.

    Example:
        >>> with progress("squares", total=2) as advance:
        ...     for i in range(2):
        ...         advance(1, f"{i * i}")
        squares: 1 of 2 · 0
        squares: 2 of 2 · 1
    """
    if console.is_terminal and not console.is_jupyter:
        columns = (
            TextColumn("  {task.description:<9}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
        )
        with Progress(*columns, console=console) as bars:
            task = bars.add_task(title, total=total, completed=done, state="")

            def advance(more: int, state: str = "") -> None:
                bars.update(task, advance=more, state=state)

            yield advance
    else:
        yield _plain(title, total, done)


def _plain(title: str, total: int, done: int) -> Advance:
    """Print a line at each tenth of the work, but at least every 20 seconds."""
    count, last_time, last_tenth = done, time.monotonic(), 10 * done // max(total, 1)

    def advance(more: int, state: str = "") -> None:
        nonlocal count, last_time, last_tenth
        count += more
        tenth = 10 * count // max(total, 1)
        if tenth > last_tenth or time.monotonic() - last_time > 20:
            last_time, last_tenth = time.monotonic(), tenth
            if not console.quiet:
                print(f"{title}: {count} of {total}" + (f" · {state}" if state else ""), flush=True)

    return advance
