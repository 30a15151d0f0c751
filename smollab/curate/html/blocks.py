"""Blocks of text, and the containers and regions of a page that they stand in."""

import re
from dataclasses import dataclass, field

LINE_BREAK = "\x00"  # stands for <br>; a parsed page holds no NUL
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
WIDE_CHARACTERS = 3
"""A Chinese, Japanese or Korean character says about as much as this many letters."""


@dataclass(slots=True)
class Block:
    """One paragraph, heading, list item, table row or piece of code."""

    kind: str
    """`p`, `h1` ... `h6`, `li`, `pre`, `row`."""
    text: str
    size: int
    """Characters; wide ones count more."""
    link_density: float
    """Share of the characters inside links."""
    container: int
    """Index of the innermost container."""
    regions: tuple[int, ...]
    """Indices of the suspected regions it stands in."""
    cell: int = -1
    """Number of the table cell it stands in, or -1."""


@dataclass(slots=True)
class Container:
    """An element that holds blocks. The containers inside it follow it in the list, up to `end`."""

    tag: str
    parent: int
    is_main: bool
    """The page says that its content is here: `<article>`, `<main>`, `role=main`, `itemprop=articleBody`."""
    end: int = 0
    """Index behind the last container inside."""


@dataclass(slots=True)
class Region:
    """A part of the page that looks like boilerplate by its tag, class or id."""

    category: str
    """A key of `vocabulary.SUSPICIONS`."""


@dataclass(slots=True)
class Unread:
    """A suspected part that was stepped over."""

    pieces: list[str]
    """Its tags, each with the text behind it."""
    size: int
    """The good text in it has no more characters than this, as far as is known."""


@dataclass(slots=True)
class Page:
    """The blocks of a page and the containers and suspected regions they stand in."""

    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    unread: dict[int, Unread] = field(default_factory=dict)
    """Index of an empty block -> the suspected part that it stands for."""


def measure(text: str) -> int:
    """Return the length of a text in letters; a Chinese, Japanese or Korean character counts for several.

    A few among many letters are not looked for.
    """
    length = len(text)
    if text.isascii() or len(text.encode(errors="ignore")) < 1.25 * length:  # wide ones take three bytes each
        return length
    return length + (WIDE_CHARACTERS - 1) * len(_WIDE.findall(text))


def tidy(text: str, verbatim: bool) -> str:
    """Collapse white space as a browser does; in code only strip empty lines around it."""
    if verbatim:
        return text.replace(LINE_BREAK, "\n").strip("\n").rstrip()
    text = text.strip()
    if text.isprintable() and "  " not in text:
        return text  # the only white space that can be printed is the space: nothing to do, and soon seen
    if LINE_BREAK not in text:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.split(LINE_BREAK))
    return "\n".join(line for line in lines if line)


def unescape(text: str) -> str:
    """Undo the four escapes that a serialized text node can hold."""
    return text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
