"""Words that a line break has cut are joined again, without a dictionary.

The document is its own dictionary: its words, counted, tell whether `exam-` and `ple` are one word (`example` stands
elsewhere), a word with a hyphen (`well-known` stands elsewhere), or two words that stay apart (`Ein- und Ausgabe`).
Where the document is silent, letters decide: a small letter goes on with the word before, except when both halves are
words by themselves in this document, and often so; a capital or a digit keeps the hyphen (`Nord-Amerika`, `x86-64`).

German nouns begin with a capital, so that `Daten-` and `bank` are joined although `Bank` is a word. Vietnamese does not
break words at all: a hyphen there is one that is written, and both its halves are words of the document.
"""

import re
from collections import Counter
from collections.abc import Iterable

from smollab.curate.pdf.letters import SOFT_HYPHEN

HYPHENS = "-\u2010" + SOFT_HYPHEN + "\u00ac"
"""The last is what old scanners and fonts put for a soft hyphen."""
OWN_WORD = 2
"""A half that occurs so often by itself is a word."""

_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010'’][^\W\d_]+)*")
_HEAD = re.compile(r"[^\W\d_]+(?:[-\u2010'’][^\W\d_]+)*$")
_TAIL = re.compile(r"[^\W\d_]+(?:[-\u2010'’][^\W\d_]+)*")
# What follows a hyphen that stands for the rest of a compound, in the six languages: "Ein- und Ausgabe".
_SUSPENDED = frozenset(
    ("and", "or", "to", "und", "oder", "bzw", "bis", "sowie", "et", "ou", "y", "e", "o", "u", "ed", "nor")
)
# An elided article or pronoun is never followed by a space: l’eau, dell’arte, d’água, qu’il.
_ELISION = re.compile(
    r"(?:^|[\s(«“\"])(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|un|all|dall|dell|nell|sull|coll|gl|quell|quest|bell|sant|anch)"
    r"['’]$",
    re.IGNORECASE,
)
_ADDRESS_END = re.compile(r"(?:https?://|www\.|ftp://)\S*$")
_PATH = re.compile(r"/\w+/|/\w+\.\w|\w_\w|[\w.]/[\w.]+/")
_NO_SPACES = "\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u3001-\u3003"
_ENDS_IDEOGRAPHIC = re.compile(f"[{_NO_SPACES}]$")
_BEGINS_IDEOGRAPHIC = re.compile(f"[{_NO_SPACES}]")


def count_words(lines: Iterable[str]) -> Counter[str]:
    """Count the words of a document, without those that the break of a line may have cut."""
    counts: Counter[str] = Counter()
    cut = False
    for line in lines:
        words = _WORD.findall(line)
        if cut and words:
            words = words[1:]
        cut = line[-1:] in HYPHENS if line else False
        counts.update(words[:-1] if cut else words)
    return counts


def join_lines(start: str, end: str, words: Counter[str]) -> tuple[str, str]:
    """Join two lines of a paragraph.

    Args:
        start: the text so far.
        end: the next line.
        words: the words of the document with their counts.

    Returns:
        The text so far, without a hyphen that goes, and what stands between it and the next line: a space or nothing.
    """
    last = start[-1:]
    if not last or not end:
        return start, ""
    if last in HYPHENS and len(start) > 1:
        return _join_at_hyphen(start, end, words)
    if last in "'’" and _ELISION.search(start[-12:]):
        return start, ""
    if last in "—/" and start[-2:-1].isalnum() and (last == "—" or _ADDRESS_END.search(start)):
        return start, ""
    if last in "._?&=%#~" and _ADDRESS_END.search(start) and end[:1].islower() and not end.split(" ", 1)[0].isalpha():
        return start, ""
    if _ENDS_IDEOGRAPHIC.search(start) and _BEGINS_IDEOGRAPHIC.match(end):
        return start, ""
    return start, " "


def _join_at_hyphen(start: str, end: str, words: Counter[str]) -> tuple[str, str]:
    hyphen, body = start[-1], start[:-1]
    if hyphen in (SOFT_HYPHEN, "\u00ac"):
        return body, ""
    if body[-1:].isspace() or body[-1:] in HYPHENS:  # a dash between words
        return start, " " if body[-1:].isspace() else ""
    if body[-1] == "/":  # TeX breaks after a slash with a hyphen: GNU/-Linux
        return body, ""
    if _ADDRESS_END.search(body) or _PATH.search(body.rsplit(" ", 1)[-1] + end.split(" ", 1)[0]):
        return start, ""
    head, tail = _HEAD.search(body), _TAIL.match(end)
    if head is None or tail is None:
        return start, "" if end[:1].isalnum() else " "
    first, second = head[0], tail[0]
    if second.lower() in _SUSPENDED and second.islower():
        return start, " "
    joined, hyphenated = words[first + second] + words[(first + second).lower()], words[f"{first}-{second}"]
    if joined or hyphenated:
        return (body, "") if joined >= hyphenated else (start, "")
    if not second[0].islower() and not (first.isupper() and second.isupper() and len(first) > 1):
        return start, ""
    part = first.rsplit("-", 1)[-1]
    both_words = words[part] + words[part.lower()] >= OWN_WORD and words[second] >= OWN_WORD
    if both_words and len(part) > 2 and len(second) > 3 and words[part] * words[second] >= OWN_WORD**2:
        return start, ""
    return body, ""
