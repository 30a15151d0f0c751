"""FineWeb's own rules: pages whose lines look like a list, a menu or a form rather than prose.

**Source**: Penedo et al. 2024, "The FineWeb Datasets", section 3.6 (thresholds found by comparing the
histograms of a good and a bad dump), as in datatrove's `FineWebQualityFilter` (Apache-2.0).
"""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from smollab.curate.filters.repeats import count_repeats
from smollab.curate.rules import Filter, Rule
from smollab.curate.words import words_of
from smollab.recipe import FineWebQuality

SHORT_LINE = 30
"""Characters; the published length, up to which a line is short."""
TERMINAL_PUNCTUATION = tuple(".!?。！？．｡؟۔।॥։៖។။၊‼⁇⁈⁉‽﹒﹖﹗܂܀᠃᠉߹")
"""What can end a sentence, in the scripts that have such a sign; closing quotes do not count."""


def fineweb_quality(
    settings: FineWebQuality, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> Filter:
    """Build the filter that drops documents whose lines are unfinished, short, repeated, or a list."""
    return Filter("fineweb_quality", RULES, lambda d: (d, Lines(d.text, d.language)), settings, by_language)


class Lines:
    """What the rules measure of a text's lines; empty lines do not count."""

    def __init__(self, text: str, language: str):
        self.text, self.language = text, language

    @cached_property
    def lines(self) -> list[str]:
        """Lines with something on them."""
        return [line for line in self.text.split("\n") if line.strip()]

    def punctuated(self) -> float | None:
        """Return the share of lines that end in punctuation."""
        return self._share(line.endswith(TERMINAL_PUNCTUATION) for line in self.lines)

    def short(self) -> float | None:
        """Return the share of lines of at most 30 characters."""
        return self._share(len(line) <= SHORT_LINE for line in self.lines)

    def duplicate_characters(self) -> float | None:
        """Return the share of characters in lines that repeat an earlier one."""
        if not self.lines:
            return None
        return count_repeats(self.lines)[1] / (len(self.text) - self.text.count("\n"))

    def newlines_per_word(self) -> float:
        """Return the line breaks per word."""
        return self.text.count("\n") / max(len(words_of(self.text, self.language)), 1)

    def _share(self, marks: Any) -> float | None:
        return sum(marks) / len(self.lines) if self.lines else None


RULES = (
    Rule("empty", "empty", "forbidden", "", lambda t: not t.lines),
    Rule(
        "punctuated_lines",
        "lines without punctuation",
        "minimum",
        "minimum_punctuated_lines",
        Lines.punctuated,
    ),
    Rule("short_lines", "short lines", "maximum", "maximum_short_lines", Lines.short),
    Rule(
        "duplicate_line_characters",
        "characters in duplicate lines",
        "maximum",
        "maximum_duplicate_line_characters",
        Lines.duplicate_characters,
    ),
    Rule(
        "newlines_per_word",
        "list",
        "maximum",
        "maximum_newlines_per_word",
        Lines.newlines_per_word,
        " newlines per word",
    ),
)
