"""Footnotes: small type at the foot of a column, below a short rule or beginning with a mark."""

import re
from collections.abc import Sequence

from smollab.curate.pdf.captions import begins_caption
from smollab.curate.pdf.page import Line, Page

SMALLER = 0.94
"""Font size of a footnote, at most, as a share of that of the text."""
MAX_NOTE_ROWS = 10
"""Of a note without a mark; longer ones may be text in small type."""
RULE_SHARE = 0.55
"""The rule above footnotes is at most so much of the width of the column."""

_MARK = re.compile(r"[¹²³⁴⁵⁶⁷⁸⁹⁰]{1,3}(?![⁰¹²³⁴-⁹⁻])|[*†‡§¶∗]{1,3}|\(?\d{1,3}[).]?\s?(?=[^\W\d])")


def _rule_above(above: Line, row: Line, page: Page) -> bool:
    return any(
        above.box[3] - 3 <= ruling[1] <= row.box[1] + 3 and ruling[0] < row.box[0] + 12 and ruling[2] > row.box[0]
        for ruling in page.horizontal_rulings
    )


def _is_note(above: Line, rows: Sequence[Line], page: Page, body_size: float) -> bool:
    """Tell an address or a remark without a mark: a few lines in small type at the foot of the page."""
    is_text = 0.97 * body_size <= above.size <= 1.03 * body_size and not above.bold
    low = rows[0].box[1] > 0.55 * page.height and rows[0].size <= 0.92 * body_size
    return is_text and low and len(rows) <= MAX_NOTE_ROWS and rows[0].text[0] not in "[("


def begins_footnote(text: str) -> bool:
    """Tell whether a line begins with a mark of a footnote."""
    return _MARK.match(text) is not None


def mark_footnotes(rows: Sequence[Line], page: Page, body_size: float) -> None:
    """Give the last rows of a column the role `footnote` where they are footnotes."""
    first = len(rows)
    while first > 0 and rows[first - 1].size <= SMALLER * body_size and rows[first - 1].role in (None, "footnote"):
        first -= 1
    for k in range(max(1, len(rows) - MAX_NOTE_ROWS), len(rows)):  # in type as large as the text
        if rows[k].text[0] in "¹²³⁴⁵⁶⁷⁸⁹" and _rule_above(rows[k - 1], rows[k], page):
            first = min(first, k)
            break
    if first < len(rows) and (begins_caption(rows[first].text) or rows[first].mono):
        return
    if first == len(rows) or rows[first].box[1] < 0.3 * page.height:
        return
    left, right = min(row.box[0] for row in rows), max(row.box[2] for row in rows)
    for k in range(first, len(rows)):
        above = rows[k - 1].box[3] - 3 if k else 0.0
        ruled = any(
            above <= y0 <= rows[k].box[1] + 3 and abs(x0 - left) < 12 and x1 - x0 <= RULE_SHARE * (right - left) + 5
            for x0, y0, x1, _ in page.horizontal_rulings
            if x1 - x0 > 20
        )
        ruled = ruled or (rows[k].text[0] in "¹²³⁴⁵⁶⁷⁸⁹" and k > 0 and _rule_above(rows[k - 1], rows[k], page))
        below_text = k == first and first > 0
        marked = begins_footnote(rows[k].text) or _is_note(rows[first - 1], rows[first:], page, body_size)
        if ruled or (below_text and marked):
            for row in rows[k:]:
                row.role = "footnote"
            return
