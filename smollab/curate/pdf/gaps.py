"""Spaces that a file does not write but leaves: a gap between two letters, as TeX does.

MuPDF puts a space into a gap of at least 0.15 font sizes, but only after a letter of the scripts below U+0700, or after
punctuation (`may_add_space` in its stext-device.c). After "ẽ", which Vietnamese writes, after an arrow or a minus sign
it puts none, and two words become one. Here those gaps are filled by the same rule.
"""

import re
from typing import Any

LEAST_GAP = 0.15
"""Width of the narrowest gap that is a space; font sizes. MuPDF's own value."""

_NO_SPACE_AFTER = re.compile("[\u1e00-\u1fff\u2100-\u22ff\ufb00-\ufb06]")
"""Letters after which MuPDF adds none: Latin and Greek with two marks, arrows, signs of formulas, ligatures."""


def may_lack_spaces(blocks: list[dict[str, Any]]) -> bool:
    """Tell whether a page, as `get_text("dict")` gives it, has letters after which spaces may be missing."""
    return any(
        _NO_SPACE_AFTER.search(span["text"])
        for block in blocks
        for line in block.get("lines", ())
        for span in line["spans"]
    )


def fill_gaps(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the spans of a page, as `get_text("rawdict")` gives it, their `text` with the spaces that are missing."""
    for block in blocks:
        for line in block.get("lines", ()):
            level = abs(line["dir"][1]) < 0.01 and line["dir"][0] > 0
            before: dict[str, Any] | None = None
            for span in line["spans"]:
                letters = []
                for letter in span["chars"]:
                    if (
                        level
                        and before
                        and _NO_SPACE_AFTER.match(before["c"])
                        and not letter["c"].isspace()
                        and letter["bbox"][0] - before["bbox"][2] >= LEAST_GAP * span["size"]
                    ):
                        letters.append(" ")
                    letters.append(letter["c"])
                    before = letter
                span["text"] = "".join(letters)
    return blocks
