"""How much of a text is repetition: repeated lines, the most frequent n-gram, all repeated n-grams.

The definitions are those of Gopher as datatrove reads them, verdict for verdict; the computation is ours:
n-grams are compared as 64-bit numbers in numpy instead of as joined strings.
"""

from collections.abc import Iterable

import numpy as np

from smollab.curate.words import Words


def count_repeats(pieces: Iterable[str]) -> tuple[int, int]:
    """Count the pieces (lines, paragraphs) that repeat an earlier one, and their characters."""
    seen: set[str] = set()
    repeats = characters = 0
    for piece in pieces:
        if piece in seen:
            repeats += 1
            characters += len(piece)
        else:
            seen.add(piece)
    return repeats, characters


def count_top_n_gram_characters(words: Words, n: int) -> int:
    """Return the characters covered by the most frequent n-gram, its inner spaces included.

    Among equally frequent n-grams the first counts. A text with no repetition still has a top n-gram, which
    covers itself once: that is why very short texts fail this rule.
    """
    if len(words) < n:
        return 0
    positions, n_grams = words.recurring(n)
    start, most = 0, 1
    if len(positions):
        _, first, counts = np.unique(n_grams, return_index=True, return_counts=True)
        most = int(counts.max())
        start = int(positions[first[counts == most].min()])
    return (int(words.lengths[start : start + n].sum()) + n - 1) * most


def count_repeated_n_gram_characters(words: Words, n: int) -> int:
    """Return the characters of n-grams seen before, without spaces, none counted twice.

    Reading from the left, an n-gram that was met before is counted and leapt over whole; one that is new is
    remembered and the reading moves on by one word.
    """
    # Only n-grams that occur twice or more can be found or be remembered to any effect.
    positions, n_grams = words.recurring(n)
    if not len(positions):
        return 0
    ends = words.ends
    seen: set[int] = set()
    characters, resume_at = 0, 0
    for position, n_gram in zip(positions.tolist(), n_grams.tolist(), strict=True):
        if position < resume_at:
            continue
        if n_gram in seen:
            characters += int(ends[position + n] - ends[position])
            resume_at = position + n
        else:
            seen.add(n_gram)
    return characters
