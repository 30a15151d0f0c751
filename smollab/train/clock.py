"""Ending on time: a run with `train.seconds` looks at the clock and stretches or shrinks what is left of its schedule.

Speed changes while a run lasts: other programs come and go, sequences grow longer. So every so often the steps to come
are counted anew, from the seconds left and the speed since the last look. Warmup-stable-decay bears that well: until
the decay, a longer or shorter stable part is the same training; in it, what is left of the decay is stretched evenly.

A clock would make a run that cannot be repeated. So each decision is written to `decisions.json` before it is
followed, and a step that has one follows it rather than the clock: a run that was stopped, or is repeated with a copy
of the file, computes the same.
"""

import json
import time
from collections import deque
from functools import reduce
from pathlib import Path

from smollab.recipe import Recipe
from smollab.scaling.budget import stretched
from smollab.train.processes import from_main, is_main

now = time.perf_counter
"""Seconds; benchmarks that share a machine count CPU time instead."""

LOOK_EVERY = 8
"""A look at the clock after this part of the steps that were left at the last look: ever more often toward the end."""
WINDOW = 16
"""Speed is that of this part of the steps: a few slow ones must not end a run early."""
TOLERANCE = 0.02
"""A smaller change of the steps to come is not worth a decision."""


class Clock:
    """The time of a run, over all its sessions.

    Args:
        recipe: as planned; without `train.seconds`, nothing is ever decided.
        folder: of the run; receives decisions.json.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        """As planned, with the decisions so far."""
        self._path = folder / "decisions.json"
        self._began = now()
        self._seconds = recipe.train.seconds
        self._decisions = read_decisions(self._path) if self._seconds is not None else {}
        self._times = deque([self._began], maxlen=1 + max(8, recipe.total_steps // WINDOW))
        self._next_look = self._after(0)

    @property
    def total_steps(self) -> int:
        """Of the run, with all that was decided in earlier sessions."""
        return sum(max(self._decisions.items())) if self._decisions else self.recipe.total_steps

    def resume(self, step: int, spent: float) -> None:
        """Go on after a step, for which earlier sessions took so many seconds."""
        done = [(at, left) for at, left in sorted(self._decisions.items()) if at <= step]
        self.recipe = reduce(lambda changed, decision: stretched(changed, *decision), done, self.recipe)
        self._began -= spent
        self._times.clear()
        self._times.append(now())
        self._next_look = self._after(step)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far; 0 where nobody asks for them, so that equal runs have equal checkpoints."""
        return 0.0 if self._seconds is None else now() - self._began

    def look(self, step: int) -> bool:
        """Decide after a step whether the steps to come should be more or fewer; True if `recipe` has changed.

        All ranks call this after every step.
        """
        if self._seconds is None:
            return False
        self._times.append(now())
        left = self.recipe.total_steps - step
        if step in self._decisions:
            wanted = self._decisions[step]
        elif step < self._next_look or left < 1:
            return False
        else:
            per_step = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
            wanted = from_main(max(1, min(4 * left, round((self._seconds - self.elapsed) / per_step))))
            self._next_look = step + max(1, wanted // LOOK_EVERY)
            if abs(wanted - left) <= max(1, TOLERANCE * left):
                return False
            self._decisions[step] = wanted
            self._record()
        self.recipe = stretched(self.recipe, step, wanted)
        self._next_look = self._after(step)
        return True

    def _after(self, step: int) -> int:
        """The next look after a step; none within the warmup."""
        left = self.recipe.total_steps - step
        return max(step + max(1, left // LOOK_EVERY), self.recipe.schedule.warmup_steps + 1)

    def _record(self) -> None:
        if is_main():
            unfinished = self._path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(self._decisions, indent=1) + "\n", encoding="utf-8")
            unfinished.replace(self._path)


def read_decisions(path: Path) -> dict[int, int]:
    """Step -> steps to come after it, as decided there; none if there is no file.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return {int(step): int(left) for step, left in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{path}: damaged ({error}); delete the folder {path.parent} to train anew") from None
