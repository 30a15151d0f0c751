"""Blocks inside the main container: which stay by themselves, by the list they are in, by their neighbors."""

from smollab.curate.html.blocks import Block
from smollab.curate.html.thresholds import Thresholds
from smollab.curate.html.vocabulary import HEADINGS

NEIGHBORS = 3
"""A sure block farther away is no company."""
LINKED_HEADING = 0.5
"""A heading with more of it inside links is one."""
_QUOTES = "\"'”’»)］」』】）"
_ENDS = (".", "!", "?", ":", "…", "。", "！", "？", "：", "؟", "।", "۔")


def judge(blocks: list[Block], thresholds: Thresholds) -> list[str]:
    """Return `kept` for each block that is text by itself or by the company it keeps, else why not."""
    verdicts = [_judge(block, thresholds) for block in blocks]
    _judge_lists(blocks, verdicts, thresholds)
    _judge_by_company(blocks, verdicts, thresholds)
    _judge_headings(blocks, verdicts)
    seen: set[str] = set()
    for i, block in enumerate(blocks):
        if verdicts[i] == "kept":
            if len(block.text) > 40 and block.text in seen:
                verdicts[i] = "repeated"  # pages repeat themselves for small screens
            seen.add(block.text)
    return verdicts


def _judge(block: Block, thresholds: Thresholds) -> str:
    if block.kind in HEADINGS:
        return "heading"
    if block.kind == "pre":
        return "line numbers" if block.text.replace("\n", "").replace(" ", "").isdigit() else "kept"
    if block.link_density > thresholds.link_density:
        return "links"
    if block.kind in ("li", "row"):
        return "kept"
    if not any(map(str.isalpha, block.text)):
        return "no words"  # a price, a rule, a counter
    if block.size >= thresholds.good_characters and block.link_density <= thresholds.good_link_density:
        return "kept"
    ends_sentence = block.text.rstrip(_QUOTES).endswith(_ENDS)
    return "kept" if ends_sentence and block.size >= thresholds.short_characters else "unsure"


def _judge_lists(blocks: list[Block], verdicts: list[str], thresholds: Thresholds) -> None:
    """A list or table stands or falls as a whole, by its links and by the length of its items."""
    start = 0
    while start < len(blocks):
        end = start + 1
        kind = blocks[start].kind
        if kind in ("li", "row"):
            while end < len(blocks) and blocks[end].kind == kind:
                end += 1
            group = blocks[start:end]
            characters = sum(block.size for block in group)
            links = sum(block.link_density * block.size for block in group)
            if links > thresholds.link_density * characters:
                verdict = "links"
            elif characters / len(group) < thresholds.short_characters:
                verdict = "unsure"
            else:
                verdict = "kept"
            verdicts[start:end] = [verdict] * len(group)
        start = end


def _judge_by_company(blocks: list[Block], verdicts: list[str], thresholds: Thresholds) -> None:
    """Short blocks stay between kept ones; longer ones beside one of them. Only sure verdicts count."""
    sure = list(verdicts)
    before = _nearest(sure)
    after = _nearest(sure[::-1])[::-1]
    for i, block in enumerate(blocks):
        if sure[i] != "unsure":
            continue
        needed = 2 if block.size < thresholds.byline_characters and block.kind == "p" else 1
        company = (before[i] == "kept") + (after[i] == "kept")
        verdicts[i] = "kept" if company >= needed else "short"


def _nearest(verdicts: list[str]) -> list[str]:
    """For each block, the last sure verdict before it (headings aside), if it is a neighbor."""
    result, last, age = [], "", 0
    for verdict in verdicts:
        result.append(last if age <= NEIGHBORS else "")
        age += 1
        if verdict not in ("unsure", "heading"):
            last, age = verdict, 0
    return result


def _judge_headings(blocks: list[Block], verdicts: list[str]) -> None:
    """A heading stays when kept text follows before a heading of its rank or higher.

    One that is a link and heads nothing but other headings is the name of the site or of a category.
    """
    kept_under = [False] * 7  # by rank: kept text seen since the last heading of that rank or higher, from below
    next_is_heading = False
    for i in range(len(blocks) - 1, -1, -1):
        if verdicts[i] == "heading":
            rank = int(blocks[i].kind[1])
            is_name = next_is_heading and blocks[i].link_density > LINKED_HEADING
            verdicts[i] = "kept" if kept_under[rank] and not is_name else "heading without text"
            next_is_heading = True
            for lower in range(rank, 7):
                kept_under[lower] = False
        elif verdicts[i] == "kept":
            kept_under = [True] * 7
            next_is_heading = False
