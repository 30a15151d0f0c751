"""C4's rules as FineWeb uses them: lines that are no sentences go, and pages of code or filler go whole.

**Source**: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer" (T5), section 2.2, in the reading of datatrove's `C4QualityFilter` (Apache-2.0) with
`filter_no_terminal_punct=False`: FineWeb does not ask that every line end in punctuation, because that rule
alone removed 30 % of the tokens (Penedo et al. 2024, section 3.5).

**Deviations**: sentences are counted by a regular expression instead of spaCy's rule-based sentencizer; the
count differs by abbreviations at most, and only matters between 3 and 6 sentences. A page with both filler
and code is named after the filler, whichever comes first. Lines behind a forbidden one are still measured.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from smollab.curate.rules import Filter, Rule
from smollab.documents import Document, replace
from smollab.recipe import C4Quality

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_SENTENCE_END = re.compile(r"""[.!?…؟।]+["'”’»)\]]*(?=\s|$)|[。！？]+""")
_POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_WORDS_LOOKED_FOR = re.compile("|".join(("lorem ipsum", "javascript", *_POLICY)), re.IGNORECASE)
_SHOWN = 80
"""Characters of a forbidden line that are kept as evidence."""


@dataclass(slots=True)
class Prose:
    """What is left of a text, and what was met in it."""

    lines: list[str]
    """Kept lines."""
    sentences: int = 0
    """In the kept lines."""
    lorem_ipsum: str = ""
    """The first line with filler text, or empty."""
    curly_bracket: str = ""
    """The first line with a curly bracket, or empty."""


def c4_quality(settings: C4Quality, by_language: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Filter:
    """Build the step that removes lines which are not prose, and drops code, filler, and what is too short then."""

    def prepare(document: Document) -> tuple[Document, Prose]:
        prose = read_prose(document.text, settings)
        return replace(document, text="\n".join(prose.lines).strip()), prose

    return Filter(
        "c4_quality", RULES, prepare, settings, by_language, edits=("minimum_words_per_line", "maximum_word_length")
    )


RULES = (
    Rule("lorem_ipsum", "lorem ipsum", "forbidden", "", lambda p: p.lorem_ipsum),
    Rule("curly_bracket", "curly bracket", "forbidden", "drop_curly_bracket", lambda p: p.curly_bracket),
    Rule("sentences", "too few sentences", "minimum", "minimum_sentences", lambda p: p.sentences),
)


def read_prose(text: str, settings: C4Quality) -> Prose:
    """Go through the lines of a text, keep those that are prose, and note what else is there."""
    prose = Prose([])
    has_citations = "[" in text
    # Most texts hold none of the words that are looked for: then no line needs to be searched.
    has_any = _WORDS_LOOKED_FOR.search(text) is not None
    for full_line in text.splitlines():
        line = full_line.strip()
        if has_citations:
            line = _CITATION.sub("", line)
        words = full_line.split()
        if len(words) < settings.minimum_words_per_line:
            continue
        if len(line) > settings.maximum_word_length and max(map(len, words)) > settings.maximum_word_length:
            continue
        lower = line.lower() if has_any else ""
        if "lorem ipsum" in lower:
            prose.lorem_ipsum = prose.lorem_ipsum or line[:_SHOWN]
        if "javascript" in lower:
            continue
        if "{" in line:
            prose.curly_bracket = prose.curly_bracket or line[:_SHOWN]
        if has_any and any(phrase in lower for phrase in _POLICY):
            continue
        prose.sentences += count_sentences(line)
        prose.lines.append(line)
    return prose


def count_sentences(line: str) -> int:
    """Count the sentences of a line: runs of closing punctuation, and a rest without any counts as one."""
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    rest = line[ends[-1] :] if ends else line
    return len(ends) + any(map(str.isalnum, rest))
