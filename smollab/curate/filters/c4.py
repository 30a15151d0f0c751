"""C4's rules as FineWeb uses them: lines that are no sentences go, and pages of code or filler go whole.

**Source**: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer" (T5), section 2.2, in the reading of datatrove's `C4QualityFilter` (Apache-2.0) with
`filter_no_terminal_punct=False`: FineWeb does not ask that every line end in punctuation, because that rule
alone removed 30 % of the tokens (Penedo et al. 2024, section 3.4).

**Deviation**: sentences are counted by a regular expression instead of spaCy's rule-based sentencizer; the
count differs by abbreviations at most, and only matters between 3 and 6 sentences.
"""

import re

from smollab.documents import Document, Drop, replace
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


def c4_quality(document: Document, settings: C4Quality) -> Document | Drop:
    """Remove lines that are not prose; drop the document if it is code, filler, or too little is left."""
    kept: list[str] = []
    sentences = 0
    for full_line in document.text.splitlines():
        line = _CITATION.sub("", full_line.strip())
        words = full_line.split()
        if len(words) < settings.minimum_words_per_line or max(map(len, words)) > settings.maximum_word_length:
            continue
        lower = line.lower()
        if "lorem ipsum" in lower:
            return Drop("c4_quality: lorem ipsum", line[:80])
        if "javascript" in lower:
            continue
        if settings.drop_curly_bracket and "{" in line:
            return Drop("c4_quality: curly bracket", line[:80])
        if any(phrase in lower for phrase in _POLICY):
            continue
        sentences += count_sentences(line)
        kept.append(line)
    if sentences < settings.minimum_sentences:
        return Drop("c4_quality: too few sentences", f"{sentences} < {settings.minimum_sentences}")
    return replace(document, text="\n".join(kept).strip())


def count_sentences(line: str) -> int:
    """Count the sentences of a line: runs of closing punctuation, and a rest without any counts as one."""
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    rest = line[ends[-1] :] if ends else line
    return len(ends) + any(map(str.isalnum, rest))
