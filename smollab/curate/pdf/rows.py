"""Lines of a column side by side become one row: MuPDF and PDFium cut a line at each wide gap."""

from collections.abc import Sequence

from smollab.curate.pdf.page import Line, union

SAME_ROW = 0.5
"""Lines that share more than this part of the height of the lower one stand in one row."""
TOUCHING = 0.12
"""Pieces nearer than this, in font sizes, belong to one word."""


def merge_rows(lines: Sequence[Line]) -> list[Line]:
    """Return the rows of a column from top to bottom, each as one line."""
    rows: list[list[Line]] = []
    initials: list[Line] = []
    typical = max((line.size for line in lines if len(line.text) > 2), default=0.0)
    for line in sorted(lines, key=lambda line: line.box[1] + line.box[3]):
        if len(line.text) <= 2 and line.text[:1].isupper() and line.size > 1.8 * typical > 0:
            initials.append(line)  # a drop cap is as high as several lines
        elif rows and _in_row(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    merged = [row[0] if len(row) == 1 else join_lines(row) for row in rows]
    for initial in initials:
        _put_before(merged, initial)
    return merged


def _in_row(row: list[Line], line: Line) -> bool:
    """Compare with the longest piece of the row, so that a tall bracket does not bind what stands above and below."""
    base = max(row, key=lambda piece: len(piece.text)).box
    overlap = min(base[3], line.box[3]) - max(base[1], line.box[1])
    return overlap > SAME_ROW * min(base[3] - base[1], line.height)


def join_lines(row: list[Line]) -> Line:
    """Return lines side by side as one."""
    row.sort(key=lambda line: line.box[0])
    longest = row[0] if len(row[0].text) > 3 else max(row, key=lambda line: len(line.text))
    mono = all(line.mono for line in row)
    text, end = "", 0.0
    for line in row:
        if text:
            gap = line.box[0] - end
            if mono:
                text += " " * max(1, round(gap / _character_width(longest)))
            elif gap > TOUCHING * longest.size:
                text += " "
        text += line.text
        end = line.box[2]
    return Line(
        box=union([line.box for line in row]),
        text=text,
        size=longest.size,
        font=longest.font,
        bold=all(line.bold for line in row),
        italic=all(line.italic for line in row),
        mono=mono,
        hidden=longest.hidden,
        role=row[0].role,
        pieces=row,
    )


def _character_width(line: Line) -> float:
    return max(1.0, line.width / max(1, len(line.text)))


def _put_before(rows: list[Line], initial: Line) -> None:
    """Put a drop cap before the first row beside it."""
    for k, row in enumerate(rows):
        if row.box[3] > initial.box[1] + 0.2 * initial.height and row.box[0] >= initial.box[0]:
            rows[k] = join_lines([row])
            rows[k].text = initial.text + row.text
            rows[k].box = (initial.box[0], row.box[1], row.box[2], row.box[3])
            return
    rows.append(initial)
