"""A run in the terminal: curves in Braille characters, each of which is a raster of 2 x 4 dots."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from smollab.watch.curves import CURVES, curve, latest
from smollab.watch.state import State

if TYPE_CHECKING:
    from rich.console import RenderableType

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot of a Braille character, by row and column."""
COLORS = {"running": "green", "finished": "green", "none": "yellow", "stopped": "yellow", "stalled": "red"}


def braille(values: Sequence[float], width: int, height: int) -> list[str]:
    """A curve over evenly spaced values, as lines of characters; its highest point is on the first line.

    Where there are more values than columns, each column shows the range of its values: a spike is never lost.

    Args:
        values: finite numbers.
        width: characters of a line.
        height: lines.
    """
    columns, dots = 2 * width, 4 * height
    if 1 < len(values) < columns:
        values = _interpolated(values, columns)
    cells = [[0] * width for _ in range(height)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    place = lambda value: round((high - value) / span * (dots - 1))
    before: int | None = None
    for column in range(columns if values else 0):
        first = column * len(values) // columns
        stop = max(first + 1, (column + 1) * len(values) // columns)
        top, bottom = place(max(values[first:stop])), place(min(values[first:stop]))
        if before is not None:  # join it to the column before
            top, bottom = min(top, max(before, 0)), max(bottom, before)
        before = place(values[stop - 1])
        for dot in range(top, bottom + 1):
            cells[dot // 4][column // 2] |= DOTS[dot % 4][column % 2]
    return ["".join(chr(0x2800 + cell) for cell in line) for line in cells]


def _interpolated(values: Sequence[float], count: int) -> list[float]:
    """So many values on the straight lines between those given."""
    places = [index * (len(values) - 1) / (count - 1) for index in range(count)]
    ends = [(values[int(place)], values[min(int(place) + 1, len(values) - 1)], place % 1) for place in places]
    return [first + (second - first) * share for first, second, share in ends]


def chart(title: str, steps: Sequence[float], values: Sequence[float], width: int, height: int) -> "RenderableType":
    """A curve with the values of its top and bottom, and of its first and last step."""
    from rich.panel import Panel

    if not values:
        return Panel("\n" * height + "not measured yet", title=title, title_align="left", border_style="dim")
    marks = [f"{max(values):.3g}", *[""] * (height - 2), f"{min(values):.3g}"]
    margin = max(map(len, marks)) + 1
    room = max(width - margin - 4, 8)
    lines = [f"{mark:>{margin - 1}} {line}" for mark, line in zip(marks, braille(values, room, height), strict=True)]
    ends = f"{steps[0]:.0f}", f"step {steps[-1]:.0f}"
    lines.append(" " * margin + ends[0] + ends[1].rjust(room - len(ends[0])))
    return Panel("\n".join(lines), title=f"{title}: {values[-1]:.4g}", title_align="left", border_style="dim")


def draw(name: str, state: State, width: int = 100, height: int = 6) -> "RenderableType":
    """The whole picture of a run.

    Args:
        name: of the run.
        state: as it is now.
        width: of the terminal, in characters.
        height: lines of each curve.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = Text.assemble((name, "bold"), "  ", (state.status, COLORS.get(state.status, "red bold")), "  ", state.words)
    columns = 2 if width >= 90 else 1
    curves = Table.grid(expand=False)
    panels = [chart(title, *curve(state.rows, title), math.floor(width / columns), height) for title in CURVES]
    for start in range(0, len(panels), columns):
        curves.add_row(*panels[start : start + columns])
    facts, pairs = Table.grid(padding=(0, 2)), latest(state.rows)
    half = -(-len(pairs) // columns)
    for index in range(half):
        facts.add_row(*(word for pair in pairs[index::half] for word in pair))
    return Group(head, curves, facts) if state.rows else Group(head)
