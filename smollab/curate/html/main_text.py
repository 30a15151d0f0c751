"""Which blocks of a page are its own words: not menus, teasers, cookie notices or comments.

Three kinds of evidence, from strong to weak:

1. A part is *suspected* by its tag, class or id (`footer`, `class="share"`). Names lie, so a suspicion falls
   when the part holds most of the page's good text.
2. The *main container* is the deepest element that still holds most of the good text; what is outside goes.
3. Inside, blocks of mostly links go, and short ones stay only in good company (as in jusText; Pomikálek
   2011).

*Good text* is a block that reads like prose: at least 80 characters, less than a third of them links.

**Source**: the features are those of Kohlschütter et al. 2010 (text and link density); thresholds are ours.

**Fails when**: a page is only short lines (menus of restaurants, tables of scores), or keeps each sentence
of the article in a container of its own far from the others.
"""

from collections import defaultdict

from smollab.curate.html.blocks import Block, Page, read_page
from smollab.curate.html.encoding import repair_unicode
from smollab.curate.html.vocabulary import HEADINGS

GOOD_CHARACTERS = 80
"""A block at least this long reads like prose."""
GOOD_LINK_DENSITY = 1 / 3
"""... unless this share of it is links."""
LINK_DENSITY = 0.5
"""Blocks and lists with more links than this are navigation."""
MAIN_SHARE = 0.8
"""The main container holds at least this share of the good text."""
SHORT_CHARACTERS = 25
"""Shorter blocks are no sentences, and lists of shorter items no prose."""
BYLINE_CHARACTERS = 40
"""Paragraphs without an end, if shorter, need good text on both sides: bylines and dates stand at the edge."""


def extract_main_text(html: str) -> str:
    """Return the main text of a page: blocks separated by newlines, list items marked with `- `."""
    page = read_page(html)
    if not page.blocks:
        return ""
    suspected = find_boilerplate(page)
    blocks = [block for block in page.blocks if not suspected.intersection(block.suspicions)]
    main = find_main_container(page, blocks)
    inside = [block for block in blocks if is_inside(page, block.container, main)]
    kept = select(inside)
    heading = find_title(page, blocks, kept)
    lines = [heading] if heading else []
    return repair_unicode("\n".join(lines + render(kept)))


def weigh(block: Block) -> int:
    """Return the characters of a block if it is good text, and 0 if not."""
    if len(block.text) < GOOD_CHARACTERS or block.link_density > GOOD_LINK_DENSITY:
        return 0
    return len(block.text)


def find_boilerplate(page: Page) -> set[int]:
    """Return the indices of the suspected regions that do not talk their way out."""
    total = free = 0
    for block in page.blocks:
        weight = weigh(block)
        total += weight
        if not block.suspicions:
            free += weight
        for index in block.suspicions:
            page.regions[index].characters += weight
    guilty: set[int] = set()
    for index, region in enumerate(page.regions):
        # A wrapper named `with-sidebar` holds nearly everything; a comment section may, and is still one.
        is_wrapper = 2 * region.characters > total and region.category != "comments"
        if not is_wrapper:
            guilty.add(index)
    if total and free < min(500, total / 4):
        guilty -= _find_misnamed(page, guilty, total)
    return guilty


def _find_misnamed(page: Page, guilty: set[int], total: int) -> set[int]:
    """With hardly any text above suspicion, clear the category that holds most of it (forums: comments)."""
    by_category: dict[str, int] = defaultdict(int)
    for block in page.blocks:
        categories = {page.regions[index].category for index in block.suspicions if index in guilty}
        for category in categories:
            by_category[category] += weigh(block)
    if not by_category:
        return set()
    category, characters = max(by_category.items(), key=lambda item: item[1])
    if 2 * characters < total:
        return set()
    return {index for index in guilty if page.regions[index].category == category}


def find_main_container(page: Page, blocks: list[Block]) -> int:
    """Return the index of the container with the content.

    That is the innermost `<main>` or `<article>` that holds half of the good text; on a page without one, the
    innermost element that holds nearly all of it.
    """
    weights = [0] * len(page.containers)
    for block in blocks:
        weights[block.container] += weigh(block)
    for index in range(len(weights) - 1, 0, -1):  # children come after their parents
        weights[page.containers[index].parent] += weights[index]
    total = weights[0]
    if not total:
        return 0
    marked = [i for i, container in enumerate(page.containers) if container.is_main and 2 * weights[i] > total]
    if marked:
        return marked[-1]
    best = 0
    for index in range(1, len(weights)):
        if page.containers[index].parent == best and weights[index] >= MAIN_SHARE * total:
            best = index
    return best


def is_inside(page: Page, container: int, ancestor: int) -> bool:
    """Tell whether a container is the ancestor or lies within it."""
    while container > ancestor:
        container = page.containers[container].parent
    return container == ancestor


def select(blocks: list[Block]) -> list[Block]:
    """Keep the blocks that are text by themselves or by the company they keep."""
    verdicts = [_judge(block) for block in blocks]
    _judge_lists(blocks, verdicts)
    _judge_by_company(blocks, verdicts)
    _judge_headings(blocks, verdicts)
    seen: set[str] = set()
    kept = []
    for block, verdict in zip(blocks, verdicts, strict=True):
        if verdict != "keep" or (len(block.text) > 40 and block.text in seen):
            continue
        seen.add(block.text)  # pages repeat themselves for small screens
        kept.append(block)
    return kept


def _judge(block: Block) -> str:
    if block.kind in HEADINGS:
        return "heading"
    if block.kind == "pre":
        return "drop" if block.text.replace("\n", "").replace(" ", "").isdigit() else "keep"
    if block.link_density > LINK_DENSITY:
        return "drop"
    if weigh(block) or block.kind in ("li", "row"):
        return "keep"
    ends_sentence = block.text.rstrip("\"'”’»)").endswith((".", "!", "?", ":", "…", "。"))
    return "keep" if ends_sentence and len(block.text) >= SHORT_CHARACTERS else "unsure"


def _judge_lists(blocks: list[Block], verdicts: list[str]) -> None:
    """A list or table stands or falls as a whole, by its links and by the length of its items."""
    start = 0
    while start < len(blocks):
        end = start + 1
        kind = blocks[start].kind
        if kind in ("li", "row"):
            while end < len(blocks) and blocks[end].kind == kind:
                end += 1
            group = blocks[start:end]
            characters = sum(len(block.text) for block in group)
            links = sum(block.link_characters for block in group)
            if links > LINK_DENSITY * characters:
                verdicts[start:end] = ["drop"] * len(group)
            elif characters / len(group) < SHORT_CHARACTERS:
                verdicts[start:end] = ["unsure"] * len(group)
            else:
                verdicts[start:end] = ["keep"] * len(group)
        start = end


def _judge_by_company(blocks: list[Block], verdicts: list[str]) -> None:
    """Short blocks stay between kept ones; longer ones beside one of them. Only sure verdicts count."""
    sure = list(verdicts)
    before = _nearest(sure)
    after = _nearest(sure[::-1])[::-1]
    for i, block in enumerate(blocks):
        if sure[i] != "unsure":
            continue
        company = [before[i], after[i]]
        needed = 2 if len(block.text) < BYLINE_CHARACTERS and block.kind == "p" else 1
        verdicts[i] = "keep" if company.count("keep") >= needed else "drop"


def _nearest(verdicts: list[str]) -> list[str]:
    """For each block, the last sure verdict before it (headings aside), if at most 3 blocks away."""
    result, last, age = [], "", 0
    for verdict in verdicts:
        result.append(last if age <= 3 else "")
        age += 1
        if verdict in ("keep", "drop"):
            last, age = verdict, 0
    return result


def _judge_headings(blocks: list[Block], verdicts: list[str]) -> None:
    """A heading stays when kept text follows before a heading of its rank or higher."""
    for i, block in enumerate(blocks):
        if verdicts[i] != "heading":
            continue
        verdicts[i] = "drop"
        for j in range(i + 1, len(blocks)):
            if blocks[j].kind in HEADINGS and blocks[j].kind <= block.kind:
                break
            if verdicts[j] == "keep" and blocks[j].kind not in HEADINGS:
                verdicts[i] = "keep"
                break


def find_title(page: Page, blocks: list[Block], kept: list[Block]) -> str:
    """Return the page's first `<h1>` if it stands outside the main text and agrees with `<title>`."""
    if not kept or any(block.kind == "h1" for block in kept):
        return ""
    for block in blocks:
        if block.kind == "h1" and block.text.lower() in page.title.lower():
            return block.text
    return ""


def render(blocks: list[Block]) -> list[str]:
    """Return the lines of the text; headings lose their pilcrow, code stays verbatim."""
    lines = []
    for block in blocks:
        if block.kind == "li":
            lines.append("- " + block.text)
        elif block.kind in HEADINGS:
            lines.append(block.text.rstrip("¶# ").replace("\n", " "))
        else:
            lines.append(block.text)
    return [line for line in lines if line.strip()]
