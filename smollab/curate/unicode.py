"""Repair of Unicode: mojibake mended, accents composed, characters removed that carry no text.

As a step (`fix_unicode`) it does what FineWeb2 does before its last filters: ftfy on every text that is not plain
ASCII. Readers and extractors call `repair_unicode`, which costs a tenth: ftfy sees only what a quick look finds
suspicious. So behind a reader the step finds little left to do: what lost half of itself, such as `voilÃ le travail`.

**Source**: ftfy (Speer 2019); FineWeb2's pipeline (Penedo et al. 2025) uses it with its defaults, except that, like
there, quotes, ligatures and wide characters stay as they were written.
"""

import re
import unicodedata

import ftfy
from ftfy import TextFixerConfig
from ftfy.badness import is_bad

from smollab.documents import Document, replace

_FIXES = TextFixerConfig(
    unescape_html=False, uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, explain=False
)
# UTF-8 read as Latin-1 or Windows-1252: a letter where a leading byte was, then what a following byte became.
_SUSPICIOUS = re.compile("[Â-ô][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_LEADING = bytes(range(ord("Â"), ord("ô") + 1))  # what such a pair starts with, in Latin-1
# Control characters, soft hyphens, word joiners, byte order marks, lone surrogates, and the signs that reverse the
# direction of letters: they carry no text, and the last make it read otherwise than it is.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_JOINER_OR_DIRECTION = re.compile("[\u200b-\u200f\u061c]")  # rare, and each needs a look at what stands before it
_JOINED_SCRIPTS = "\u0600-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_EMOJI = "\u200d\ufe0f\u2600-\u27bf\U0001f000-\U0001faff"
# Joiners belong to Arabic, Persian and Indic spelling and hold emoji together; elsewhere they split equal words.
_STRAY_JOINER = re.compile(f"(?<![{_JOINED_SCRIPTS}{_EMOJI}])[\u200c\u200d]")
# Between Thai, Lao, Khmer and Burmese words the zero-width space is the space.
_STRAY_ZERO_WIDTH_SPACE = re.compile("(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
# Marks of direction matter beside letters that run from right to left only.
_STRAY_DIRECTION = re.compile("(?<![\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc])[\u200e\u200f\u061c]")


def fix_unicode(document: Document) -> Document:
    """Mend the text of a document; a curation step."""
    text = repair_unicode(document.text, thorough=True)
    return document if text == document.text else replace(document, text=text)


def repair_unicode(text: str, *, thorough: bool = False) -> str:
    """Undo wrong decodings (`â€™` for `’`), compose accents, drop invisible and control characters.

    Args:
        text: the text; may hold lone surrogates.
        thorough: let ftfy see all text that is not ASCII, not only what looks suspicious.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        if thorough or _looks_misread(text):
            text = ftfy.fix_text(text, _FIXES)
        text = unicodedata.normalize("NFC", text.replace("\xa0", " "))
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # none of the characters below can be printed; a look at all is faster than a search
    if _JOINER_OR_DIRECTION.search(text):
        text = _STRAY_DIRECTION.sub("", _STRAY_ZERO_WIDTH_SPACE.sub("", _STRAY_JOINER.sub("", text)))
    return _INVISIBLE.sub("", text)


def _looks_misread(text: str) -> bool:
    """Tell whether a line holds a pair that UTF-8 read as Latin-1 or Windows-1252 becomes, and ftfy finds it bad."""
    latin = text.encode("latin-1", errors="ignore")
    if len(latin.translate(None, _LEADING)) == len(latin):
        return False  # soon seen; the search below looks at each character, and ftfy at each several times
    return any(_SUSPICIOUS.search(line) is not None and is_bad(line) for line in text.split("\n"))
