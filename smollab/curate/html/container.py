"""The element that holds the page's own text."""

from smollab.curate.html.blocks import Page
from smollab.curate.html.thresholds import Thresholds

TITLE_CHARACTERS = 15
"""A heading this long that `<title>` repeats names what the page is about."""
TITLED_SHARE = 0.25
"""Of the good text that the article under that heading must hold."""


def find_main_container(page: Page, good: dict[int, int], thresholds: Thresholds) -> int:
    """Return the index of the container with the content.

    That is the one `<article>` of several whose heading is the page's title; else the innermost `<main>` or
    `<article>` that holds half of the good text; on a page without one, the innermost element that holds nearly
    all of it.

    Args:
        page: the page.
        good: blocks above suspicion -> their characters of good text.
        thresholds: of which `main_share` is used.
    """
    weights = [0] * len(page.containers)
    for i, weight in good.items():
        weights[page.blocks[i].container] += weight
    for index in range(len(weights) - 1, 0, -1):  # children come after their parents
        weights[page.containers[index].parent] += weights[index]
    total = weights[0] if weights else 0
    if not total:
        return 0
    titled = _find_titled_article(page, good, weights)
    if titled:
        return titled
    marked = [i for i, container in enumerate(page.containers) if container.is_main and 2 * weights[i] > total]
    if marked:
        return marked[-1]
    best = 0
    for index in range(1, len(weights)):
        if page.containers[index].parent == best and weights[index] >= thresholds.main_share * total:
            best = index
    return best


def _find_titled_article(page: Page, good: dict[int, int], weights: list[int]) -> int:
    """Of several articles on a page (the next ones to read, other posts), return the one that it is named after."""
    title = page.title.lower()
    for i in good:
        block = page.blocks[i]
        if block.kind not in ("h1", "h2") or block.size < TITLE_CHARACTERS or block.text.lower() not in title:
            continue
        index = block.container
        while index > 0 and page.containers[index].tag != "article":
            index = page.containers[index].parent
        if index > 0 and weights[index] >= TITLED_SHARE * weights[0]:
            return index
    return 0
