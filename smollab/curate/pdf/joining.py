"""Paragraphs that a column or a page has cut in two are joined again, over the footnotes and figures between.

The next paragraph goes on with the one before when that one does not end a sentence, and either ends with a hyphen, or
the next begins with a small letter, or, at the top of another column, the last line was full.
"""

from collections.abc import Sequence

from smollab.curate.pdf.hyphenation import HYPHENS
from smollab.curate.pdf.lists import begins_item
from smollab.curate.pdf.page import DROPPED, Block, Kind
from smollab.curate.pdf.paragraphs import ends_sentence

FLOATING: frozenset[Kind] = frozenset((*DROPPED, "table", "caption", "footnote", "side note"))
"""Kinds that may stand between the two parts of a paragraph."""
_OPEN: frozenset[Kind] = frozenset(("paragraph", "list item"))


def join_blocks(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks in order, those of one paragraph (or one listing of code) together."""
    chains: list[list[Block]] = []
    last: list[Block] | None = None  # the paragraph, list item or code that may go on
    floated = False
    for block in blocks:
        if block.kind in FLOATING:
            if block.kind not in DROPPED:
                chains.append([block])
            floated = True
            continue
        if last is not None and _continues(last[-1], block, floated):
            last.append(block)
        else:
            chains.append([block])
            last = chains[-1] if block.kind in ("paragraph", "list item", "code") else None
        floated = False
    return chains


def _continues(before: Block, after: Block, floated: bool) -> bool:
    moved = after.page != before.page or after.box[1] < before.box[3] - 5  # another page or column
    if not moved and not floated:
        return False
    if before.kind == "code" or after.kind == "code":
        return before.kind == after.kind and moved
    if before.kind not in _OPEN or after.kind != "paragraph" or begins_item(after.lines[0].text):
        return False
    last, first = before.lines[-1], after.lines[0]
    if abs(last.size - first.size) > 0.06 * first.size or ends_sentence(last.text):
        return False
    if last.text[-1] in HYPHENS or first.text[0].islower():
        return True
    # A capital may be a name in the middle of a sentence, where the last line reaches the margin.
    full = len(before.lines) > 1 and last.box[2] >= before.box[2] - last.size
    return moved and full and not last.bold and first.text[0].isalnum() and first.box[0] <= after.box[0] + 2
