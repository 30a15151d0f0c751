"""Headings that say the page's own text is over: "Comments", "Read also", "Weitere Artikel".

Names of classes differ from site to site; what readers are told differs from language to language only. A short
block that begins with one of these phrases ends the text for the rest of its container, unless the voice of the
text resumes: a paragraph in an element that held good text before.
"""

import re

from smollab.curate.html.blocks import Block, Page
from smollab.curate.html.phrases import COMMENTS, COOKIE_NOTICES, COUNTED_COMMENTS, LINES, RELATED
from smollab.curate.html.thresholds import DEFAULTS, Thresholds
from smollab.curate.html.vocabulary import HEADINGS

NOTICE_CHARACTERS = 600
"""Longer blocks are no notices."""
LINKED_ITEM = 0.5
"""A list item with more of it inside links leads somewhere."""
ENOUGH_BEFORE = 250
"""Characters of good text before a label of comments; with fewer, the comments are what the page is about."""
MAXIMUM_LABELS = 60
"""A page with more is a list of them, and each costs a look at all that follows."""
MAXIMUM_SHARE = 0.7
"""Of the page's good text that a label other than of comments may take away."""
_NONE = -2  # stands for the container of a block that does not exist


def _compile(phrases: str, *, whole_words: bool = True) -> re.Pattern[str]:
    """Match one of the phrases at the start of a lower-case text (four times faster than ignoring case)."""
    ending = r"(?!\w)" if whole_words else ""
    return re.compile(r"(?:" + phrases.replace("\n", "") + ")" + ending)


_PUNCTUATION = re.compile(r"\W*")
_STARTS_COMMENTS = re.compile(_compile(COMMENTS).pattern + r"\W*(?:\(?\d+\)?)?\W*$")
_STARTS_RELATED = _compile(RELATED)
_COUNTS_COMMENTS = _compile(r"\d+\W*(?:" + COUNTED_COMMENTS + ")", whole_words=False)
_COOKIE_NOTICE = re.compile(COOKIE_NOTICES.replace("\n", ""), re.IGNORECASE)
_IS_LINE = _compile(LINES)


def _is_cookie_notice(block: Block) -> bool:
    """Tell whether a site speaks of its own cookies, and not an article of cookies."""
    text = block.text
    return block.size <= NOTICE_CHARACTERS and "ookie" in text and _COOKIE_NOTICE.search(text) is not None


def label_of(block: Block, longest: int = DEFAULTS.label_characters) -> str:
    """Return what a short block announces: `comments`, `related`, nothing; or `meta` if it is boilerplate itself."""
    if block.size > longest or block.kind in ("pre", "row"):
        return ""
    if block.kind == "li" and block.link_density > LINKED_ITEM:
        return ""  # an item of a menu
    text = block.text.lower()
    start = _PUNCTUATION.match(text).end()  # type: ignore[union-attr]  # matches the empty string too
    if _STARTS_COMMENTS.match(text, start) or _COUNTS_COMMENTS.match(text, start):
        return "comments"
    if text.startswith("©") or _IS_LINE.match(text, start):
        return "meta"
    return "related" if _STARTS_RELATED.match(text, start) else ""


def find_ended(page: Page, good: list[int], verdicts: list[str], thresholds: Thresholds) -> None:
    """Mark in `verdicts` the blocks that follow a label of what is not the page's own text.

    Args:
        page: the page.
        good: for each block its characters of good text.
        verdicts: for each block why it goes, or empty; filled in.
        thresholds: of which `label_characters` is used.
    """
    blocks = page.blocks
    total = sum(weight for weight, verdict in zip(good, verdicts, strict=True) if not verdict)
    before = labels = 0
    homes: set[int] = set()  # elements that held good text
    for i, block in enumerate(blocks):
        if verdicts[i]:
            continue
        if _is_cookie_notice(block):
            verdicts[i] = "legal"
            continue
        if good[i]:
            before += good[i]
            homes.add(_home(page, i))
            continue
        label = label_of(block, thresholds.label_characters)
        if not label:
            continue
        if label == "meta":
            verdicts[i] = label if block.kind not in HEADINGS else ""
            continue
        labels += 1
        if labels > MAXIMUM_LABELS:
            break
        end = _scope(page, i)
        lost = sum(good[j] for j in range(i, end) if good[j] and _home(page, j) not in homes)
        if before < ENOUGH_BEFORE or (label != "comments" and lost > MAXIMUM_SHARE * total):
            if block.kind not in HEADINGS:
                verdicts[i] = label
            continue
        for j in range(i, end):
            if good[j] and _home(page, j) in homes:
                break
            verdicts[j] = verdicts[j] or label


def _home(page: Page, block: int) -> int:
    """Return the innermost element that holds more than the block: sites like to wrap each paragraph."""
    blocks, containers = page.blocks, page.containers
    index = blocks[block].container
    before = blocks[block - 1].container if block else _NONE
    after = blocks[block + 1].container if block + 1 < len(blocks) else _NONE
    while True:
        container = containers[index]
        end = container.end
        if container.parent < 0 or index <= before < end or index <= after < end:
            return index
        index = container.parent


def _scope(page: Page, label: int) -> int:
    """Return the index behind the last block that a label is about: the rest of the element it heads."""
    blocks = page.blocks
    index = blocks[label].container
    while True:
        end = page.containers[index].end
        behind = label + 1
        while behind < len(blocks) and index <= blocks[behind].container < end:
            behind += 1
        is_alone = behind == label + 1  # the label has an element to itself: what follows it is meant
        if not is_alone or page.containers[index].parent < 0:
            return behind
        index = page.containers[index].parent
