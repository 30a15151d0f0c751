"""Marks of list items: bullets, numbers, letters, labels of references."""

import re

BULLETS = "•◦▪‣●■□○▫◆◇➢➤✓✔★∙·⋅►▶\uf0b7\uf0a7\uf0d8\uf076\uf02d"
_BULLET = re.compile(rf"[{BULLETS}]\s*|[–—*-]\s+(?=\S)|o\s+(?=[A-Z])")
_NUMBERED = re.compile(
    r"(?:\(?\d{1,3}[.)]|\(?[a-zA-Z]\)|\([ivx]{1,5}\)|[ivx]{1,5}[.)]|[a-z]\.|\[[\w+.:-]{1,12}\])\s+(?=\S)"
)


def bullet(text: str) -> str:
    """Return the bullet at the beginning of a line with the white space after it, or nothing."""
    match = _BULLET.match(text)
    return match[0] if match and any(letter.isalnum() for letter in text[match.end() :]) else ""


def number(text: str) -> str:
    """Return the number, letter or label that begins a list item, with the white space after it, or nothing."""
    match = _NUMBERED.match(text)
    return match[0] if match else ""


def begins_item(text: str) -> bool:
    """Tell whether a line begins a list item."""
    return bool(bullet(text) or number(text))
