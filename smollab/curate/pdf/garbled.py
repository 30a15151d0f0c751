r"""Pages whose letters are not what one sees: broken encodings and wrong maps from codes to Unicode.

A PDF draws glyphs by code; a map (`ToUnicode`) says which letters they are. Where it is missing or wrong the page looks
right and its text is junk. Three signs:

    no letters     U+FFFD, control characters, private use, `(cid:12)`: few of them within words, or many anywhere
    no words       more signs than letters and digits
    no language    the mean log-probability of a letter after another, under a model of seven languages, is below that
                   of all sound pages

The last one is a table of bigrams over 28 classes (a-z with diacritics stripped, space, other), so that a shifted
alphabet (each letter the next one) is found although it has letters only. Programs and formulas are left out by their
fonts.

**Source**: FinePDFs sends a file to OCR when a single U+FFFD is in its text; letter statistics of languages are Cavnar
and Trenkle's idea (1994).

**Deviations**: more than one character must be wrong: logos and bullets bring private-use characters into sound pages.

**Cost**: some 0.5 ms for a page: at most `SAMPLE` characters are looked at.

**Fails when**: a page has fewer than `LEAST_LETTERS` letters, is in another script, or a few words alone are wrong.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smollab.curate.pdf.page import Page

MODEL = Path(__file__).with_name("bigrams.npz")
"""Log-probabilities of pairs of letters; `scripts/fit_bigrams.py` counts them anew."""
SAMPLE = 4000
"""Characters of a page that are looked at, from its beginning."""
LEAST_LETTERS = 60
"""A page with fewer is not judged by its language."""
UNREADABLE_SHARE = 0.02
"""Most characters that are no text at all."""
BROKEN_SHARE = 0.002
"""Most of them within words: a lost ligature breaks words, a lost bullet does not."""
LEAST_COUNT = 3
"""Fewer such characters are an accident."""
LATIN_SHARE = 0.6
"""Least share of Latin letters among the letters for a page to be judged by bigrams."""
LEAST_LOG_PROBABILITY = -3.5
"""Mean over pairs of letters; nats. Sound pages of prose are above -3.3, shifted ones below -3.65."""
LEAST_WORD_SHARE = 0.5
"""Least letters and digits among the characters that are no white space."""

CLASSES = 28
_SPACE, _OTHER = 26, 27
_UNREADABLE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff"
_CID = re.compile(r"\(cid:\d+\)")
_ANY = re.compile(f"[{_UNREADABLE}]")
_BROKEN = re.compile(f"(?<=[^\\W\\d_])[{_UNREADABLE}]|[{_UNREADABLE}](?=[^\\W\\d_])")
_NO_PROSE = re.compile(r"\S*[\\_@/]\S*|(?:[.·…] ?){4,}")
_FORMULA_FONT = re.compile(r"cmmi|cmsy|cmex|msam|msbm|math|symbol|wasy|dingbat|stmary|awesome|icon", re.I)


class Signs(NamedTuple):
    """How far a text is from being one."""

    unreadable: float
    """Share of characters that are no text."""
    broken: float
    """Share of characters that are no text and stand within words."""
    words: float
    """Share of letters and digits among what is no white space; 1 where it cannot be told."""
    log_probability: float
    """Mean over pairs of letters, nats; 0 where it cannot be told."""

    @property
    def garbled(self) -> bool:
        """Whether one of them says so."""
        return (
            self.unreadable > UNREADABLE_SHARE
            or self.broken > BROKEN_SHARE
            or self.words < LEAST_WORD_SHARE
            or self.log_probability < LEAST_LOG_PROBABILITY
        )


def is_garbled(page: Page) -> bool:
    """Tell whether the text of a page is junk, so that the page must be read by OCR."""
    lines = [line for line in page.lines if not line.mono and not _FORMULA_FONT.search(line.font)]
    return measure("\n".join(line.text for line in lines)).garbled


def measure(text: str) -> Signs:
    """Return the signs of a text."""
    text = text[:SAMPLE]
    if not text.isascii() or not text.isprintable() or "(cid:" in text:
        text = _CID.sub("\ufffd", text)
        unreadable, broken = len(_ANY.findall(text)), len(_BROKEN.findall(text))
    else:
        unreadable = broken = 0
    prose = _NO_PROSE.sub(" ", text)
    written = len(prose) - sum(map(str.isspace, prose))
    words = sum(map(str.isalnum, prose)) / written if written >= 2 * LEAST_LETTERS else 1.0
    return Signs(
        unreadable / len(text) if unreadable >= LEAST_COUNT else 0.0,
        broken / len(text) if broken >= LEAST_COUNT else 0.0,
        words,
        mean_log_probability(prose),
    )


def mean_log_probability(text: str) -> float:
    """Return the mean log-probability of pairs of letters, in nats; 0 if there are too few or of another script."""
    codes = letter_classes(text)
    letters = codes < _SPACE
    if letters.sum() < LEAST_LETTERS or letters.sum() < LATIN_SHARE * sum(map(str.isalpha, text)):
        return 0.0
    pairs = letters[1:] | letters[:-1]
    return float(bigram_model()[codes[:-1], codes[1:]][pairs].mean())


def letter_classes(text: str) -> NDArray[np.int8]:
    """Return 0 to 25 for Latin letters without their diacritics, 26 for runs of white space, 27 for the rest."""
    plain = unicodedata.normalize("NFD", text.lower()).encode("utf-8", errors="ignore")
    codes = _TABLE[np.frombuffer(plain, np.uint8)]
    codes = codes[codes >= 0]  # diacritics and the like, as bytes beyond ASCII
    again = (codes[1:] == _SPACE) & (codes[:-1] == _SPACE)
    result: NDArray[np.int8] = codes[np.concatenate(([True], ~again))] if len(codes) else codes
    return result


def _table() -> NDArray[np.int8]:
    table = np.full(256, -1, np.int8)
    table[:128] = _OTHER
    table[list(b" \t\r\n")] = _SPACE
    table[list(range(ord("a"), ord("z") + 1))] = np.arange(26, dtype=np.int8)
    return table


_TABLE = _table()


def fit_bigrams(texts: Iterable[str]) -> NDArray[np.float32]:
    """Return the log-probability of each class after each other one, smoothed by one count."""
    counts = np.ones((CLASSES, CLASSES))
    for text in texts:
        codes = letter_classes(text)
        np.add.at(counts, (codes[:-1], codes[1:]), 1)
    return np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=1)
def bigram_model() -> NDArray[np.float32]:
    """Return the model that comes with the package."""
    with np.load(MODEL, allow_pickle=False) as data:
        model: NDArray[np.float32] = data["log_probability"]
    return model
