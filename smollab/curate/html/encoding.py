"""Bytes -> text: which encoding was meant.

**Source**: the order of evidence follows the WHATWG encoding sniffing algorithm (byte order mark, HTTP
header, `<meta>` in the first kilobytes), with two differences. Bytes that are valid UTF-8 and not plain
ASCII are taken as UTF-8 whatever was declared, since no other encoding looks like it by accident. And a
declaration that turns out nonsense (servers send their default for pages they know nothing about) is dropped:
then the letters themselves decide.
"""

import codecs
import re

from charset_normalizer import from_bytes

_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]+(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE
)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LATIN = {"iso8859-1", "ascii", "latin-1"}  # browsers read all of these as Windows-1252
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932", "iso8859-9": "cp1254"}
"""Encodings that browsers read as a larger one, because pages use its further characters."""
_MARKUP = re.compile(rb"<(script|style)\b.*?</\1|<[^>]*>|&[a-z#0-9]+;", re.IGNORECASE | re.DOTALL)
_ODD_RUN = re.compile("[^\x00-\x7f\xa0]{4,}")
_CANDIDATES = (
    *("cp1251", "koi8_r", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1252"),
    *("cp1253", "cp1254", "cp1255", "cp1256", "cp1250", "cp874"),
)
"""Encodings that pages without a declaration are found in."""
_CENTRAL = re.compile("[a-z][¹³¿¼¾]|[¹³¿¼¾][a-z]|ø.*ì|ì.*ø", re.DOTALL)
"""What Polish and Czech in Windows-1250 become in Windows-1252; no Western language writes so."""
MIXED_BYTES = 2**16
"""As much text around the first byte that is no UTF-8 decides whether the page is UTF-8 all the same."""
DETECTED_BYTES = 2**15
"""As much text without markup is looked at to tell an undeclared encoding; a size, so that all machines agree."""
MAXIMUM_DAMAGE = 0.02
"""With a larger share of undecodable characters among those beyond ASCII, a declaration is wrong."""


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
    window = raw[max(first_error - MIXED_BYTES // 4, 0) : first_error + MIXED_BYTES]
    mixed = window.decode("utf-8", errors="smollab-mixed")
    damage = mixed.count("\ufffd") + mixed.count(_FROM_WINDOWS)
    sound = sum(character > "\x7f" for character in mixed) - damage - mixed.count(_FROM_WINDOWS)
    if sound > damage:  # UTF-8 with some broken bytes, or with pieces of another page pasted into it
        errors = "smollab-mixed" if len(raw) < 16 * MIXED_BYTES else "replace"
        return raw.decode("utf-8", errors=errors).replace(_FROM_WINDOWS, "")
    meta = _META_CHARSET.search(raw, 0, 8192)
    for name in (declared, meta[1].decode("ascii") if meta else ""):
        encoding = _find_codec(name)
        if encoding and encoding != "utf-8":
            text = raw.decode(encoding, errors="replace")
            if not _is_nonsense(text, encoding):
                return text
    return raw.decode(detect_encoding(raw), errors="replace")


def decode_text(raw: bytes) -> str:
    """Decode a text file, which declares nothing."""
    return decode_html(raw)


def detect_encoding(raw: bytes) -> str:
    """Return the most plausible encoding of bytes that are not UTF-8, by the letters it would make."""
    text = _MARKUP.sub(b" ", raw[: 8 * DETECTED_BYTES])
    words = [word for word in text.split() if not word.isascii()]  # the rest says the same in all of them
    sample = b" ".join(words)[:DETECTED_BYTES]
    if len(sample) < 16:
        return "cp1252"
    best = from_bytes(sample, steps=5, chunk_size=512, threshold=0.5, cp_isolation=list(_CANDIDATES)).best()
    encoding = _find_codec(best.encoding) if best else "cp1252"
    if encoding in ("cp1250", "cp1252", "cp1254"):  # differ in a few letters, which statistics take for each other
        return "cp1250" if _CENTRAL.search(sample.decode("cp1252", errors="replace")) else "cp1252"
    return encoding or "cp1252"


_FROM_WINDOWS = "\ue000"  # private use; marks a character that was saved, and is taken out again


def _mend_mixed(error: UnicodeError) -> tuple[str, int]:
    """Read a byte that is no UTF-8 as Windows-1252 where that makes a letter of a word or a quotation mark."""
    assert isinstance(error, UnicodeDecodeError)
    data, start = error.object, error.start
    byte = data[start]
    neighbors = data[max(start - 1, 0) : start] + data[start + 1 : start + 2]
    is_word = byte in b"\xe0\xc0\xe9\xf3" and not neighbors.strip(b" ")  # à, À, é, ó
    is_in_word = byte >= 0xC0 and byte not in b"\xd7\xf7" and any(chr(n).isalpha() for n in neighbors if n < 128)
    if is_word or is_in_word or byte in b"\x91\x92\x93\x94\x95\x96\x97\xab\xbb":
        return bytes([byte]).decode("cp1252") + _FROM_WINDOWS, start + 1
    return "\ufffd", error.end


codecs.register_error("smollab-mixed", _mend_mixed)


def _is_nonsense(text: str, encoding: str) -> bool:
    """Tell whether a page cannot have been meant in this encoding."""
    beyond = sum(character > "\x7f" for character in text)
    if text.count("\ufffd") > MAXIMUM_DAMAGE * beyond:
        return True
    if encoding != "cp1252":
        return False
    # Western words hold one accented letter or two; Cyrillic or Chinese read as Windows-1252 holds nothing else.
    odd = sum(map(len, _ODD_RUN.findall(text)))
    return odd >= 16 and 2 * odd > beyond


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
    return "cp1252" if codec.name in _LATIN else _WIDER.get(codec.name, codec.name)
