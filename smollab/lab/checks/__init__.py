"""Self-checking exercises: a check takes the learner's function and says what is right or wrong about it.

Expected values are written out or come from an independent computation, never from the learner's function. A stub
that was not touched is reported and not failed, so that notebooks run from top to bottom.
"""

from smollab.lab.checks import (
    architecture,
    deduplication,
    extraction,
    filters,
    memory,
    mixture,
    pdf,
    positions,
    quality,
    tour,
    transfer,
)
from smollab.lab.checks.exercise import WrongAnswer

__all__ = [
    "WrongAnswer",
    "architecture",
    "deduplication",
    "extraction",
    "filters",
    "memory",
    "mixture",
    "pdf",
    "positions",
    "quality",
    "tour",
    "transfer",
]
