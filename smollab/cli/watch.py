"""The verbs for a run in its folder: watch, replay."""

import argparse
import time
from pathlib import Path


def watch(options: argparse.Namespace) -> None:
    """Show how a run trains, drawn anew as it goes on."""
    from rich.live import Live

    from smollab.progress import console
    from smollab.watch.state import Watched
    from smollab.watch.terminal import draw

    if options.every <= 0:
        raise ValueError(f"--every {options.every}: must be above 0")
    folder = Path(options.run) if Path(options.run).is_dir() else Path("runs") / options.run
    watched = Watched(folder)
    name = folder.resolve().name
    state = watched.look()
    picture = lambda: draw(name, state, console.width, height=4 if console.height < 45 else 6)
    if options.once or not console.is_terminal:
        console.print(picture())
        if not state.is_well:
            raise SystemExit(1)
        return
    with Live(picture(), console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while not state.is_over:
            time.sleep(options.every)
            state = watched.look()
            live.update(picture(), refresh=True)


def replay(options: argparse.Namespace) -> None:
    """Compute a step again that the run has recorded; exits with status 1 if the numbers are others."""
    from smollab.progress import console
    from smollab.train.replay import replay_run

    folder = Path(options.run) if Path(options.run).is_dir() else Path("runs") / options.run
    result = replay_run(folder, options.step)
    console.print(str(result), markup=False, soft_wrap=True)
    console.print(result.table())
    if not result.same:
        raise SystemExit(1)
