"""FineWeb's own rules: pages whose lines look like a list, a menu or a form rather than prose.

**Source**: Penedo et al. 2024, "The FineWeb Datasets", section 3.5 (thresholds found by comparing the
histograms of a good and a bad dump), as in datatrove's `FineWebQualityFilter` (Apache-2.0).
"""

from smollab.curate.filters.repeats import count_repeats
from smollab.curate.words import words_of
from smollab.documents import Document, Drop
from smollab.recipe import FineWebQuality

SHORT_LINE = 30
"""Characters; the published length, up to which a line is short."""
TERMINAL_PUNCTUATION = tuple(".!?。！？．｡؟۔।॥։።៖។။၊‼⁇⁈⁉‽﹒﹖﹗܂܀᠃᠉߹")
"""What can end a sentence, in the scripts that have such a sign; closing quotes do not count."""


def fineweb_quality(document: Document, settings: FineWebQuality) -> Document | Drop:
    """Drop a document whose lines are unfinished, short, repeated, or not much longer than a word."""
    text = document.text
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return Drop("fineweb_quality: empty")
    finished = sum(line.endswith(TERMINAL_PUNCTUATION) for line in lines) / len(lines)
    if finished < settings.minimum_punctuated_lines:
        return Drop(
            "fineweb_quality: lines without punctuation",
            f"{finished:.4g} < {settings.minimum_punctuated_lines}",
        )
    short = sum(len(line) <= SHORT_LINE for line in lines) / len(lines)
    if short > settings.maximum_short_lines:
        return Drop("fineweb_quality: short lines", f"{short:.4g} > {settings.maximum_short_lines}")
    line_breaks = text.count("\n")
    repeated = count_repeats(lines)[1] / (len(text) - line_breaks)
    if repeated > settings.maximum_duplicate_line_characters:
        return Drop(
            "fineweb_quality: characters in duplicate lines",
            f"{repeated:.4g} > {settings.maximum_duplicate_line_characters}",
        )
    per_word = line_breaks / max(len(words_of(text)), 1)
    if per_word > settings.maximum_newlines_per_word:
        return Drop(
            "fineweb_quality: list",
            f"{per_word:.4g} newlines per word > {settings.maximum_newlines_per_word}",
        )
    return document
