"""What the quality model sees of a text: its words, their pieces of four letters, and the shape of its sentences.

Pieces of four letters let one language help another (*constel-lation*, *constel-lación*) and cover words that no
excerpt had. The shape tells what no single word does: whether words repeat, how long sentences and lines are.

**Cost**: at most the first 2,000 characters are read, about as much as the 512 tokens of FineWeb-Edu's classifier.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["MAXIMUM_CHARACTERS", "SHAPES", "describe_shape", "split_word", "tokenize"]

MAXIMUM_CHARACTERS = 2000
"""Read from the beginning of a text."""
PIECE = 4
"""Letters in a piece of a word; its beginning and end count as one letter each."""
SHAPES = (
    "share of different words",
    "words per sentence",
    "lines that end a sentence",
    "characters per line (logarithm)",
    "lines that begin with a dash",
)
"""What `describe_shape` returns, in order."""

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_SENTENCE_END = re.compile(r"[.!?。](?=\s|$)")


def tokenize(text: str) -> list[str]:
    """Return the lower-case words, numbers and signs of the beginning of a text; every digit is a 0, at most four."""
    tokens = _TOKEN.findall(text[:MAXIMUM_CHARACTERS].lower())
    return [token if not token[0].isdigit() else "0" * min(len(token), 4) for token in tokens]


@lru_cache(maxsize=50_000)
def split_word(word: str) -> tuple[str, ...]:
    """Return a word's features: the word between two spaces, and if it has letters its pieces of four characters."""
    padded = f" {word} "
    if not word[0].isalpha() or len(padded) <= PIECE:
        return (padded,)
    return (padded, *(padded[start : start + PIECE] for start in range(len(padded) - PIECE + 1)))


def split_text(text: str) -> Iterator[str]:
    """Yield the features of all words of a text, in order."""
    for word in tokenize(text):
        yield from split_word(word)


def describe_shape(text: str) -> tuple[float, ...]:
    """Return the numbers of `SHAPES`."""
    text = text[:MAXIMUM_CHARACTERS]
    words = tokenize(text)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not words or not lines:
        return (0.0,) * len(SHAPES)
    sentences = max(len(_SENTENCE_END.findall(text)), 1)
    return (
        len(set(words)) / len(words),
        len(words) / sentences,
        sum(line.endswith((".", "!", "?", ":")) for line in lines) / len(lines),
        math.log1p(sum(map(len, lines)) / len(lines)),
        sum(line.startswith("-") for line in lines) / len(lines),
    )
