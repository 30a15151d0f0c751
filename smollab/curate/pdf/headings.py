"""Headings: short blocks in larger or bolder type than the text. Each kind of type is a level, the largest first."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from smollab.curate.pdf.page import Block
from smollab.curate.pdf.typography import Typography

LARGER = 1.07
"""Font size of a heading, as a multiple of that of the text; at that of the text it must be bold, or numbered."""
SMALLEST = 0.84
"""Font size of a bold heading, at least, as a share of that of the text."""
MAX_ROWS = 4
MAX_CHARACTERS = 200
MAX_LEVEL = 6
MAX_SHARE = 0.2
"""A kind of type with more of the document's letters than this is text, not a heading."""

_NUMBERED = re.compile(r"(?:(?:\d{1,2}\.)*\d{1,2}\.?|[IVX]{1,5}\.|[A-Z]\.(?:\d{1,2}\.?)*|§\s*\d+)\s+[A-ZÀ-ÝĐ]")
_UNNUMBERED = re.compile(
    r"abstract|introduction|references|bibliography|acknowledge?ments?|conclusions?|appendix|"
    r"zusammenfassung|einleitung|literatur(?:verzeichnis)?|danksagung|anhang|résumé|références|bibliographie|remerciements|"
    r"annexe|resumen|introducción|referencias|bibliografía|agradecimientos|conclusiones|riassunto|sommario|introduzione|"
    r"bibliografia|ringraziamenti|conclusioni|resumo|introdução|referências|agradecimentos|conclusão|"
    r"tài liệu tham khảo",
    re.IGNORECASE,
)

_MONTHS = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec janvier février mars avril mai juin juillet août septembre octobre novembre décembre januar "
    "februar märz juni juli oktober dezember enero febrero marzo abril mayo junio julio agosto septiembre setiembre "
    "octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro "
    "fevereiro março maio junho julho setembro outubro novembro dezembro"
).replace(" ", "|")
_DATE = re.compile(
    r"(?:(?:le|am|den) |\w{1,12}: )?(?:\d{1,2}(?:st|nd|rd|th|er|º|\.)? (?:de )?)?"
    rf"(?:{_MONTHS})\.?(?: \d{{1,2}}(?:st|nd|rd|th)?)?,?"
    r"(?: de| del)? \d{4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|"
    r"(?:ngày \d{1,2} )?tháng \d{1,2},?(?: năm)? \d{4}",
    re.IGNORECASE,
)
"""A date alone, in the languages of `_UNNUMBERED`."""

_Type = tuple[float, bool]


def mark_headings(blocks: Sequence[Block], typography: Typography) -> None:
    """Give the kind `heading`, with levels from 1, to the blocks of a document that are headings."""
    found = [block for block in blocks if _looks_like_heading(block, typography)]
    letters = Counter[_Type]()
    total = 0
    for block in blocks:
        total += sum(len(row.text) for row in block.lines)
    for block in found:
        letters[_type(block)] += sum(len(row.text) for row in block.lines)
    text_types = {kind for kind, count in letters.items() if count > MAX_SHARE * total and len(blocks) > 10}
    byline = _byline(blocks)
    found = [block for block in found if _type(block) not in text_types and id(block) not in byline]
    levels = rank_types(_type(block) for block in found)
    for block in found:
        block.kind, block.level = "heading", levels[_type(block)]


def _byline(blocks: Sequence[Block]) -> set[int]:
    """Return (the ids of) the blocks between the title on the first page and the text: authors and their addresses."""
    first_page = [block for block in blocks if block.page == 1 and block.kind in ("paragraph", "list item")]
    if not first_page:
        return set()
    title = max(first_page, key=lambda block: (block.lines[0].size, -block.box[1]))
    byline: set[int] = set()
    for block in first_page[first_page.index(title) + 1 :]:
        text = " ".join(row.text for row in block.lines)
        if len(text) > MAX_CHARACTERS or _NUMBERED.match(text) or _UNNUMBERED.match(text) or block.lines[0].bold:
            break
        byline.add(id(block))
    return byline


def rank_types(types: Iterable[_Type]) -> dict[_Type, int]:
    """Number kinds of type (size in points, bold) from the largest; sizes within half a point are one."""
    levels: dict[_Type, int] = {}
    level, previous = 0, None
    for size, bold in sorted(set(types), key=lambda kind: (-kind[0], not kind[1])):
        if previous is None or previous[0] - size > 0.5 or (previous[1] != bold):
            level += 1
            previous = (size, bold)
        levels[size, bold] = min(level, MAX_LEVEL)
    return levels


def _type(block: Block) -> _Type:
    return block.lines[0].size, block.lines[0].bold


def _looks_like_heading(block: Block, typography: Typography) -> bool:
    if block.kind not in ("paragraph", "list item") or len(block.lines) > MAX_ROWS:
        return False
    text = " ".join(row.text for row in block.lines)
    if len(text) > MAX_CHARACTERS or sum(letter.isalpha() for letter in text) < max(2, 0.3 * len(text)):
        return False
    if _DATE.fullmatch(text.strip("()[] .")):
        return False
    size, bold = min(row.size for row in block.lines), all(row.bold for row in block.lines)
    if size >= LARGER * typography.body_size:
        return text[0].isupper() or text[0].isdigit() or size > 1.3 * typography.body_size or not text[0].islower()
    if size < SMALLEST * typography.body_size or text[-1] in ",;" or (text[-1] == "." and len(text) > 60):
        return False
    if bold and not typography.body_bold:
        return block.kind == "paragraph" or _NUMBERED.match(text) is not None
    if block.kind == "list item" and all(row.italic for row in block.lines) and _NUMBERED.match(text):
        return len(block.lines) == 1 and text[-1] != "."
    if size < 0.95 * typography.body_size:
        return False
    small = len(block.lines) <= 2 and len(text) <= 90 and text[-1] != "."
    slanted = all(row.italic for row in block.lines) and text[0].isupper() and text[-1].isalnum() and len(text) <= 70
    numbered = _NUMBERED.match(text) is not None and block.lines[0].font != typography.body_font
    distinct = slanted or numbered or (text.isupper() and len(text) > 3)
    return small and bool(distinct or _UNNUMBERED.fullmatch(text.strip(" .:0123456789"))) and not block.lines[0].mono
