"""The published quality rules, one recipe's rules a file: Gopher, C4, FineWeb."""

from smollab.curate.filters.c4 import c4_quality
from smollab.curate.filters.fineweb import fineweb_quality
from smollab.curate.filters.gopher import gopher_quality, gopher_repetition

__all__ = ["c4_quality", "fineweb_quality", "gopher_quality", "gopher_repetition"]
