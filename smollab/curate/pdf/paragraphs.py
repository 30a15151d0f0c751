"""Rows of a column -> blocks: where paragraphs, list items, headings, code begin and end.

Two rows belong together unless something says that a new block begins:

- another font size or weight, or a distance clearly above the usual one;
- a mark of a list item, the name of a figure or table, another role;
- the indent of a first line; or a line back at the margin where the ones before hang;
- a *forced break*: the first word of the next row would have fitted in this one, so that the author ended it here.

The last is the surest sign of the end of a paragraph, and needs no indent and no space between paragraphs.
"""

from collections.abc import Sequence

from smollab.curate.pdf.captions import begins_caption
from smollab.curate.pdf.footnotes import begins_footnote
from smollab.curate.pdf.lists import begins_item, bullet
from smollab.curate.pdf.page import Block, Kind, Line, union
from smollab.curate.pdf.typography import Typography, pitches_by_size

SAME_SIZE = 0.08
"""Font sizes that differ by less are one."""
WIDE_PITCH = 1.3
"""A distance of so many usual ones separates blocks."""
SLIGHTLY_WIDE = 1.12
"""A distance of so many usual ones separates them after the end of a sentence."""
TITLE_SIZE = 1.2
"""Lines in type larger than this are those of titles; body sizes."""
INDENT = 0.7
"""Of a first line, at least; font sizes."""
SENTENCE_END = ".!?:;…。！？"
_RAISED = "¹²³⁴⁵⁶⁷⁸⁹"
_CLOSING = "\"'”’»)]*¹²³⁴⁵⁶⁷⁸⁹⁰"


def ends_sentence(text: str) -> bool:
    """Tell whether a line ends with a mark that ends a sentence, quotes and notes aside."""
    return text.rstrip(_CLOSING)[-1:] in SENTENCE_END if text else False


def split_blocks(rows: Sequence[Line], page_number: int, typography: Typography) -> list[Block]:
    """Cut the rows of a column into blocks, of kinds paragraph, list item, code, caption, footnote and by roles."""
    if not rows:
        return []
    pitches = pitches_by_size(rows)
    code = _code_rows(rows, typography)
    left, right = _margins(rows)
    blocks: list[Block] = []
    current: list[Line] = []
    kind: Kind = "paragraph"

    def close() -> None:
        if current:
            blocks.append(Block(kind, union([row.box for row in current]), page_number, list(current)))
            current.clear()

    for k, row in enumerate(rows):
        following = rows[k + 1] if k + 1 < len(rows) else None
        pitch = pitches.get(row.size, typography.leading * row.size)
        if current and _goes_on(current, row, following, kind, code[k], pitch, (left, right), typography):
            current.append(row)
            continue
        close()
        kind = _kind(row, rows[k - 1] if k else None, code[k], pitch, typography)
        current.append(row)
    close()
    return blocks


def _kind(row: Line, before: Line | None, is_code: bool, pitch: float, typography: Typography) -> Kind:
    if row.role is not None:
        return row.role
    if is_code:
        return "code"
    apart = before is None or row.box[1] - before.box[3] > 0.5 * pitch or row.size < 0.95 * typography.body_size
    if begins_caption(row.text, apart and row.size < 0.95 * typography.body_size) and apart:
        return "caption"
    if begins_item(row.text):
        return "list item"
    return "paragraph"


def _margins(rows: Sequence[Line]) -> tuple[float, float]:
    lefts, rights = sorted(row.box[0] for row in rows), sorted(row.box[2] for row in rows)
    return lefts[len(lefts) // 20], rights[-1 - len(rights) // 20]


def _code_rows(rows: Sequence[Line], typography: Typography) -> list[bool]:
    """Tell the rows that are code: monospaced, and more than the wrapped end of a sentence."""
    if typography.typewritten:
        return [False] * len(rows)
    code = [row.mono and row.role is None and not bullet(row.text) for row in rows]
    left, _ = _margins(rows)
    for k, row in enumerate(rows):
        if code[k] and not (k and code[k - 1]) and not (k + 1 < len(rows) and code[k + 1]):
            indented = row.box[0] > left + row.size
            apart = k == 0 or row.box[1] - rows[k - 1].box[3] > 0.4 * row.size
            ended = k == 0 or ends_sentence(rows[k - 1].text)
            followed = k + 1 == len(rows) or rows[k + 1].box[1] - row.box[3] > 0.4 * row.size
            code[k] = ((indented or apart) and ended) or (apart and followed)
    return code


def _goes_on(
    current: list[Line],
    row: Line,
    following: Line | None,
    kind: Kind,
    is_code: bool,
    pitch: float,
    margins: tuple[float, float],
    typography: Typography,
) -> bool:
    """Tell whether a row belongs to the block so far."""
    previous, first = current[-1], current[0]
    distance = row.box[3] - previous.box[3]
    if (row.role or "") != (previous.role or ""):
        return False
    if (kind == "code") != is_code:
        return False
    if is_code:
        return distance < 2.6 * pitch and _near(previous.size, row.size)
    if not _near(previous.size, row.size) and not (len(row.text) < 12 or len(previous.text) < 4):
        return False
    if distance > WIDE_PITCH * pitch + 0.5 or distance < -0.5 * pitch:
        return False
    if row.role in ("contents", "figure"):
        return True
    if row.role == "footnote":
        return not begins_footnote(row.text) or (previous.box[2] >= margins[1] - 2 and not ends_sentence(previous.text))
    if min(first.size, row.size) > TITLE_SIZE * typography.body_size and row.bold == first.bold:
        return True  # lines of a title are broken where its author likes
    if _changes_style(previous, row, margins) or row.text[0] in _RAISED:
        return False
    if begins_item(row.text) and (kind == "list item" or bullet(row.text) or _is_ended(previous, row, margins)):
        return False
    if begins_caption(row.text) and ends_sentence(previous.text):
        return False
    if kind == "list item":
        if row.box[0] > first.box[0] + 0.5 * row.size:
            return not _forced_break(previous, row, margins) or row.text[:1].islower()
        return row.text[:1].islower() or not (ends_sentence(previous.text) or _forced_break(previous, row, margins))
    return not _begins_paragraph(current, row, following, pitch, margins)


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= SAME_SIZE * max(a, b)


def _changes_style(previous: Line, row: Line, margins: tuple[float, float]) -> bool:
    """Bold or slanted words may begin or end a paragraph; a row of them that ends early is a heading."""
    if row.text[:1].islower():
        return False
    if row.bold != previous.bold:
        return row.bold or margins[1] - previous.box[2] > row.size
    return previous.italic and not row.italic and _forced_break(previous, row, margins)


def _is_ended(previous: Line, row: Line, margins: tuple[float, float]) -> bool:
    return ends_sentence(previous.text) or _forced_break(previous, row, margins) or row.box[0] > previous.box[0] + 2


def _begins_paragraph(
    current: list[Line], row: Line, following: Line | None, pitch: float, margins: tuple[float, float]
) -> bool:
    previous = current[-1]
    indent = INDENT * row.size
    centered = abs((previous.box[0] + previous.box[2]) - (row.box[0] + row.box[2])) < 2 * row.size
    if centered and previous.box[0] > margins[0] + indent:
        return False  # lines of a centered text
    ended = ends_sentence(previous.text) or _forced_break(previous, row, margins)
    if row.text[:1].islower() and not ended:
        return False
    inset = row.box[0] - previous.box[0]
    back = following is None or following.box[0] < row.box[0] - 0.5 * indent
    flush = len(current) > 2 and all(abs(line.box[0] - previous.box[0]) < 2 for line in current[1:])
    if inset > indent and ended and (back or flush):
        return True
    if ended and row.box[3] - previous.box[3] > SLIGHTLY_WIDE * pitch + 0.3:
        return True
    if inset < -indent and len(current) > 1 and min(line.box[0] for line in current[1:]) > row.box[0] + indent:
        return True  # back at the margin after lines that hang or are set in
    return _forced_break(previous, row, margins)


def _forced_break(previous: Line, row: Line, margins: tuple[float, float]) -> bool:
    """Tell whether the first word of a row would have fitted at the end of the one before."""
    room = margins[1] - previous.box[2]
    if room < 2 * previous.size or previous.text[-1:] in "-\u2010\xad":
        return False
    word = row.text.split(" ", 1)[0]
    needed = row.width * (len(word) + 1) / max(1, len(row.text))
    if ends_sentence(previous.text):
        return room > needed + 0.6 * row.size
    width = margins[1] - margins[0]
    return room > needed + max(3 * row.size, 0.25 * width) and not row.text[:1].islower()
