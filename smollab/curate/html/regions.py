"""Suspected parts of a page: which suspicions hold, and which fall because the part is the page."""

from collections import defaultdict

from smollab.curate.html.blocks import Page

ARTICLE_CHARACTERS = 250
"""Good text above all suspicion that is enough to be what the page is about."""


def find_boilerplate(page: Page, good: list[int]) -> set[int]:
    """Return the indices of the suspected regions that do not talk their way out.

    Args:
        page: the page.
        good: for each block its characters of good text.
    """
    total = free = 0
    inside = [0] * len(page.regions)  # good text in each region
    for block, weight in zip(page.blocks, good, strict=True):
        total += weight
        if not block.regions:
            free += weight
        for index in block.regions:
            inside[index] += weight
    guilty: set[int] = set()
    for index, region in enumerate(page.regions):
        # A wrapper named `with-sidebar` holds nearly everything; a comment section may, and is still one.
        is_wrapper = 2 * inside[index] > total and region.category != "comments"
        if not is_wrapper:
            guilty.add(index)
    if total and not is_enough(free, total):
        guilty -= _find_misnamed(page, good, guilty, total)
    return guilty


def is_enough(free: int, total: int) -> bool:
    """Tell whether the good text above suspicion can be what the page is about."""
    return free >= min(500, total / 4)


def _find_misnamed(page: Page, good: list[int], guilty: set[int], total: int) -> set[int]:
    """With hardly any text above suspicion, clear the category that holds most of it (forums: comments)."""
    by_category: dict[str, int] = defaultdict(int)
    innocent = 0
    for block, weight in zip(page.blocks, good, strict=True):
        categories = {page.regions[index].category for index in block.regions if index in guilty}
        for category in categories:
            by_category[category] += weight
        innocent += 0 if categories else weight
    if not by_category:
        return set()
    category, characters = max(by_category.items(), key=lambda item: item[1])
    if 2 * characters < total or innocent > ARTICLE_CHARACTERS:
        return set()
    return {index for index in guilty if page.regions[index].category == category}
