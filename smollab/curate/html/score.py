"""How much of a page's text was found, and how much else: precision, recall and F1 over words.

**Source**: bag-of-words F1 as in the evaluation of article extraction (Bevendorff et al. 2023); each word counts as
often as it occurs, and the order does not matter.
"""

import re
from collections import Counter
from typing import NamedTuple

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")  # Chinese and Japanese have no spaces: a character is a word


class Score(NamedTuple):
    """All between 0 and 1."""

    f1: float
    """Harmonic mean of the other two."""
    precision: float
    """Share of the extracted words that are in the gold text."""
    recall: float
    """Share of the gold text's words that were extracted."""


def score_words(text: str, gold: str) -> Score:
    """Compare an extracted text with the text that a reader marked as the page's own."""
    found, wanted = Counter(_WORD.findall(text.lower())), Counter(_WORD.findall(gold.lower()))
    common = (found & wanted).total()
    if not common:
        nothing = float(not found and not wanted)
        return Score(nothing, nothing, nothing)
    precision, recall = common / found.total(), common / wanted.total()
    return Score(2 * precision * recall / (precision + recall), precision, recall)
