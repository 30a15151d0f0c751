"""Bytes -> text: which encoding was meant, and repair of text that was decoded wrongly before it came here.

**Source**: the order of evidence follows the WHATWG encoding sniffing algorithm (byte order mark, HTTP
header, `<meta>` in the first kilobytes), with one difference: bytes that are valid UTF-8 and not plain
ASCII are taken as UTF-8 whatever was declared, since no other encoding looks like it by accident.
"""

import codecs
import re
import unicodedata

import ftfy
from ftfy import TextFixerConfig
from ftfy.badness import is_bad

_META_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LATIN = {"iso8859-1", "ascii", "latin-1"}  # browsers read all of these as Windows-1252
_FIXES = TextFixerConfig(unescape_html=False, uncurl_quotes=False, fix_character_width=False, explain=False)
# UTF-8 read as Latin-1 or Windows-1252: a letter where a leading byte was, then what a following byte became.
_SUSPICIOUS = re.compile("[Â-ô][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
# Control characters, soft hyphens, zero-width signs and the byte order mark carry no text.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff]")


def decode_html(raw: bytes, declared: str = "") -> str:
    """Decode a page.

    Args:
        raw: the bytes as fetched.
        declared: charset of the HTTP header, if any.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        first_error = error.start
    meta = _META_CHARSET.search(raw, 0, 8192)
    for name in (declared, meta[1].decode("ascii") if meta else ""):
        encoding = _find_codec(name)
        if encoding == "utf-8":
            break  # declared, but some bytes are broken
        if encoding:
            return raw.decode(encoding, errors="replace")
    text = raw.decode("utf-8", errors="replace")
    # A few broken bytes in real UTF-8, or no UTF-8 at all: does anything but ASCII decode?
    damage = text.count("\ufffd")
    sound = sum(character > "\x7f" for character in text[: first_error + 100_000]) - damage
    return text if sound > damage else raw.decode("cp1252", errors="replace")


def decode_text(raw: bytes) -> str:
    """Decode a text file; undecodable bytes become U+FFFD unless Windows-1252 explains them."""
    return decode_html(raw)


def repair_unicode(text: str) -> str:
    """Undo wrong decodings (`â€™` for `’`), compose accents, drop invisible and control characters.

    ftfy (Speer 2019) costs ten times what the rest does, so it only sees text that a quick look and ftfy's own
    test find suspicious.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        if _SUSPICIOUS.search(text) and is_bad(text):
            text = ftfy.fix_text(text, _FIXES)
        text = unicodedata.normalize("NFC", text.replace("\xa0", " "))
    return _INVISIBLE.sub("", text)


def _find_codec(name: str) -> str:
    """Return Python's name of an encoding that may be decoded with, or an empty string."""
    try:
        codec = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return ""
    if not codec._is_text_encoding:  # type: ignore[attr-defined]  # rot13, base64 and the like
        return ""
    if codec.name.startswith(("utf-16", "utf-32", "utf-7")):  # impossible once ASCII markup could be read
        return ""
    return "cp1252" if codec.name in _LATIN else codec.name
