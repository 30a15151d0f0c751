"""Which rules a page fails, what each rule catches that no other does, and rates with intervals, all from a ledger."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smollab.curate.quality import bootstrap_interval
from smollab.lab.ledger import FILTERS
from smollab.lab.pages import Page, make_filter
from smollab.recipe import Curate

__all__ = ["RuleCount", "count_rules", "failing_rules", "failure_rates", "read_as", "share_with_interval"]


@dataclass(frozen=True)
class RuleCount:
    """What one rule does to a set of pages."""

    name: str
    """`step: reason`, as in a drop."""
    fails: int
    """Pages that fail it."""
    first: int
    """Pages that fail it before any other: the drops named after it."""
    alone: int
    """Pages that fail no other rule: what would be kept without it."""


def failing_rules(pages: Sequence[Page], settings: Curate, steps: Sequence[str] = FILTERS) -> list[list[str]]:
    """Return for each page the reasons of all rules that it fails, in the order in which they are judged."""
    rules = [(filter_, rule) for filter_ in (make_filter(step, settings) for step in steps) for rule in filter_.rules]
    failing = []
    for page in pages:
        language = page.document.language
        failing.append(
            [
                f"{filter_.name}: {rule.reason}"
                for filter_, rule in rules
                if not rule.passes(page.values[filter_.name].get(rule.name), filter_.threshold(rule, language))
            ]
        )
    return failing


def count_rules(pages: Sequence[Page], settings: Curate) -> list[RuleCount]:
    """Count for each rule the pages that fail it, in all, first and alone; in the order of the rules."""
    failing = failing_rules(pages, settings)
    fails = Counter(reason for reasons in failing for reason in reasons)
    first = Counter(reasons[0] for reasons in failing if reasons)
    alone = Counter(reasons[0] for reasons in failing if len(reasons) == 1)
    order = [
        f"{step}: {rule.reason}"
        for step in FILTERS
        for rule in make_filter(step, settings).rules
        if f"{step}: {rule.reason}" in fails
    ]
    return [RuleCount(name, fails[name], first[name], alone[name]) for name in order]


def failure_rates(pages: Sequence[Page], settings: Curate) -> dict[str, tuple[float, float, float]]:
    """Return for each rule that any page fails the share of pages that fail it, with its interval."""
    failing = [set(reasons) for reasons in failing_rules(pages, settings)]
    return {
        count.name: share_with_interval(pages, lambda index, name=count.name: name in failing[index])  # type: ignore[misc]
        for count in count_rules(pages, settings)
    }


def share_with_interval(
    pages: Sequence[Page], is_counted: Callable[[int], float], repeats: int = 400
) -> tuple[float, float, float]:
    """Return the mean of something over pages, and the middle 95 % of it when topics are drawn anew.

    A page and its translations are drawn together, since they are not independent.

    Args:
        pages: over which.
        is_counted: page's place in `pages` -> 0 or 1, or a difference of such.
        repeats: draws of the bootstrap.
    """
    counted = [is_counted(index) for index in range(len(pages))]
    mean = lambda rows: sum(counted[row] for row in rows) / len(rows)
    return (mean(range(len(pages))), *bootstrap_interval(mean, [page.topic for page in pages], repeats))


def read_as(page: Page, language: str) -> Page:
    """Return a page as rules would meet it that take it for another language: other stop words, other thresholds."""
    document = replace(page.document, language=language)
    _, values = make_filter("gopher_quality", Curate()).measure(document)
    return replace(page, document=document, values={**page.values, "gopher_quality": values})
