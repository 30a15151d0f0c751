"""What is normal in a document: the size and leading of its text, and the fonts of its headings."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from smollab.curate.pdf.hyphenation import count_words
from smollab.curate.pdf.page import Line, Page

MONO_SHARE = 0.6
"""A document with more of its letters in a monospaced font is typewritten: that font is not code."""
DEFAULT_LEADING = 1.2
"""From baseline to baseline, in font sizes."""


@dataclass(slots=True)
class Typography:
    """Measures of a whole document."""

    body_size: float
    """Font size of most letters; points."""
    body_bold: bool
    body_font: str
    leading: float
    """From line to line, in font sizes."""
    typewritten: bool
    words: Counter[str] = field(default_factory=Counter)
    """How often each word occurs: `hyphenation` asks."""


def measure(pages: Iterable[Page]) -> Typography:
    """Measure the lines of a document that have no role."""
    sizes: Counter[tuple[float, bool]] = Counter()
    fonts: Counter[str] = Counter()
    leadings: list[float] = []
    mono = letters = 0
    words: Counter[str] = Counter()
    for page in pages:
        lines = [line for line in page.lines if line.role is None]
        words += count_words(line.text for line in lines)
        for line, following in zip(lines, [*lines[1:], None], strict=False):
            sizes[line.size, line.bold] += len(line.text)
            fonts[line.font] += len(line.text)
            letters += len(line.text)
            mono += len(line.text) * line.mono
            if (
                following
                and following.size == line.size
                and len(line.text) > 30
                and abs(following.box[0] - line.box[0]) < 2
            ):
                pitch = (following.box[3] - line.box[3]) / max(1.0, line.size)
                if 0.9 < pitch < 2.6:
                    leadings.append(pitch)
    (body_size, body_bold) = sizes.most_common(1)[0][0] if sizes else (10.0, False)
    return Typography(
        body_size=body_size,
        body_bold=body_bold,
        body_font=fonts.most_common(1)[0][0] if fonts else "",
        leading=median(leadings) if leadings else DEFAULT_LEADING,
        typewritten=mono > MONO_SHARE * letters,
        words=words,
    )


def _are_stacked(line: Line, following: Line) -> bool:
    return line.size == following.size and len(line.text) > 30 and abs(following.box[0] - line.box[0]) < 2


def pitches_by_size(rows: Iterable[Line]) -> dict[float, float]:
    """Return the usual distance between the rows of a column, for each font size with enough of them; points."""
    found: defaultdict[float, list[float]] = defaultdict(list)
    previous = None
    for row in rows:
        if previous is not None and previous.size == row.size:
            pitch = row.box[3] - previous.box[3]
            if 0.9 * row.size < pitch < 2.6 * row.size:
                found[row.size].append(pitch)
        previous = row
    return {size: median(pitches) for size, pitches in found.items() if len(pitches) >= 4}
