"""Letters as they should be: ligatures taken apart, accents put on the letters that they stand beside.

Old TeX fonts hold accents as characters of their own, drawn over the letter: `´e` or `e´` in the file for `é`.
"""

import re
import unicodedata
from functools import lru_cache

from smollab.curate.pdf.page import Span
from smollab.curate.unicode import repair_unicode

SOFT_HYPHEN = "\xad"

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "ĳ": "ij", "Ĳ": "IJ", "ŉ": "ʼn"}
)
# TeX's fonts hold ligatures at these codes: OT1 and T1. Where a font has no names for its letters (Type 3), as from old
# TeX, the codes come out, which Python takes for white space.
LIGATURE_CODES = dict(zip("\x0b\x0c\r\x0e\x0f\x1b\x1c\x1d\x1e\x1f", ["ff", "fi", "fl", "ffi", "ffl"] * 2, strict=True))
"""Code -> letters."""
_CODED_LIGATURE = re.compile(r"(?<=[^\W\d_])[\x0b\x0c\x0e\x0f\x1b-\x1f]|[\x0b-\x0f\x1b-\x1f](?=[^\W\d_])")
_COMBINING = {
    "´": "\u0301",
    "`": "\u0300",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¨": "\u0308",
    "¸": "\u0327",
    "˘": "\u0306",
    "ˇ": "\u030c",
    "˚": "\u030a",
    "˙": "\u0307",
    "˝": "\u030b",
}
# TeX draws the accent first, then the letter beneath it; the space between is a matter of rounding.
_LOOSE_ACCENT = re.compile(r"([´ˆ˜¨˘ˇ˚˙˝]) ?([A-Za-zıȷ])")
_LOOSE_GRAVE = re.compile(r"(?<=\w)(`) ?([aeiouAEIOUı])(?=[\w\s,.;:!?]|$)")
_LOOSE_CEDILLA = re.compile(r"([cCsStT]) ?(¸)|(¸) ?([cCsStT])")
_TO_REPAIR = re.compile("[\ufb00-\ufb06ĳĲŉ´`ˆ˜¨¸˘ˇ˚˙˝]")


_RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_RAISABLE = re.compile(r"[0-9+\-−n,]+")


def raise_digits(span: Span) -> str:
    """Return the text of a span; digits set as superscripts stay apart from the word or number before: `10⁶`."""
    if span.superscript and _RAISABLE.fullmatch(span.text.strip()):
        return span.text.translate(_RAISED)
    return span.text


def tidy(text: str, keep_spaces: bool = False) -> str:
    """Return the text of a line: white space single, ligatures as letters, accents composed, Unicode repaired.

    A soft hyphen at the end stays, since it says that the word goes on in the next line.

    Args:
        text: as in the file.
        keep_spaces: leave white space within the line as it is: it aligns code.
    """
    text = _CODED_LIGATURE.sub(lambda code: LIGATURE_CODES[code[0]], text)
    if keep_spaces:
        return repair_unicode(text.translate(_LIGATURES)).strip()
    text = " ".join(text.split())
    if text.isascii() and text.isprintable() and "`" not in text:
        return text
    goes_on = text.endswith(SOFT_HYPHEN)
    if _TO_REPAIR.search(text):
        text = _compose_accents(text.translate(_LIGATURES))
    text = " ".join(repair_unicode(text).split())
    return text + SOFT_HYPHEN if goes_on else text


def _compose_accents(text: str) -> str:
    text = _LOOSE_ACCENT.sub(_compose, text)
    text = _LOOSE_GRAVE.sub(_compose, text)
    return _LOOSE_CEDILLA.sub(_compose_cedilla, text)


def _compose(match: re.Match[str]) -> str:
    letter = {"ı": "i", "ȷ": "j"}.get(match[2], match[2])
    composed = unicodedata.normalize("NFC", letter + _COMBINING[match[1]])
    return composed if len(composed) == 1 else match[0]


def _compose_cedilla(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", (match[1] or match[4]) + _COMBINING["¸"])


_MONO_NAMES = ("mono", "nimbusmon", "courier", "typewriter", "cmtt", "lmtt", "sftt", "consol", "menlo", "sourcecode")
_BOLD_NAMES = ("bold", "black", "heavy", "cmbx", "sfbx", "ecbx", "-medi", "demi")
_ITALIC_NAMES = ("italic", "oblique", "slanted", "cmti", "cmsl", "sfti", "ecti", "-it")


@lru_cache(maxsize=256)
def is_mono_name(font: str) -> bool:
    """Tell whether the name of a font is that of a monospaced one."""
    return any(part in font.lower() for part in _MONO_NAMES)


@lru_cache(maxsize=256)
def is_bold_name(font: str) -> bool:
    """Tell whether the name of a font is that of a bold one."""
    return any(part in font.lower() for part in _BOLD_NAMES)


@lru_cache(maxsize=256)
def is_italic_name(font: str) -> bool:
    """Tell whether the name of a font is that of an italic or slanted one."""
    return any(part in font.lower() for part in _ITALIC_NAMES)
