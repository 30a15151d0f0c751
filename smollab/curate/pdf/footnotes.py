"""Footnotes: small type at the foot of a column, below a short rule or beginning with a mark."""

import re
from collections.abc import Sequence

from smollab.curate.pdf.page import Line, Page

SMALLER = 0.94
"""Font size of a footnote, at most, as a share of that of the text."""
RULE_SHARE = 0.55
"""The rule above footnotes is at most so much of the width of the column."""

_MARK = re.compile(r"[¹²³⁴⁵⁶⁷⁸⁹⁰]{1,3}(?![⁰¹²³⁴-⁹⁻])|[*†‡§¶∗]{1,3}|\(?\d{1,3}[).]?\s?(?=[^\W\d])")


def begins_footnote(text: str) -> bool:
    """Tell whether a line begins with a mark of a footnote."""
    return _MARK.match(text) is not None


def mark_footnotes(rows: Sequence[Line], page: Page, body_size: float) -> None:
    """Give the last rows of a column the role `footnote` where they are footnotes."""
    first = len(rows)
    while first > 0 and rows[first - 1].size <= SMALLER * body_size and rows[first - 1].role in (None, "footnote"):
        first -= 1
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
        if ruled or (k == first and first > 0 and begins_footnote(rows[k].text)):
            for row in rows[k:]:
                row.role = "footnote"
            return
