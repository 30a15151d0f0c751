"""The figures of the slides on filters: the small crawl of notebook 1.3, curated on the spot."""

from functools import cache
from typing import TYPE_CHECKING

from smollab.lab.ledger import (
    FILTERS,
    LANGUAGES,
    curate_sample,
    fineweb2_thresholds,
    fineweb_thresholds,
    read_pages,
)
from smollab.lab.pages import Page, judge
from smollab.lab.panels.thresholds import ThresholdPanel
from smollab.lab.rule_counts import count_rules, failure_rates, read_as, share_with_interval
from smollab.lab.runs import Run
from smollab.plots.rules import plot_rule_counts, plot_shares, plot_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_RULES = 12
NOTHING = (0.0, 0.0, 0.0)


@cache
def _pages() -> tuple[list[Page], list[Page]]:
    """Real pages and junk."""
    pages = read_pages(curate_sample())
    return [page for page in pages if page.kind == "real"], [page for page in pages if page.kind == "junk"]


def words_with_letters(run: Run) -> "Figure":
    """One value on real pages and on junk."""
    real, junk = ([page.with_letters for page in group] for group in _pages())
    return plot_values(real, junk, 0.8, label="share of words with a letter")


def threshold_panel(run: Run) -> "Figure":
    """The panel of the notebook with one threshold moved."""
    real, junk = _pages()
    panel = ThresholdPanel(real + junk, fineweb_thresholds())
    panel.thresholds["gopher_quality.minimum_alphabetic_words"].value = 0.75
    return panel.compute()[0]


def rule_rates(run: Run) -> "Figure":
    """How much each rule takes from real pages and from junk."""
    rates = [failure_rates(group, fineweb_thresholds()) for group in _pages()]
    common = sorted(rates[0] | rates[1], key=lambda name: -max(rate.get(name, NOTHING)[0] for rate in rates))
    common = common[:SHOWN_RULES]
    rows = {
        name: [rate.get(rule, NOTHING) for rule in common]
        for name, rate in zip(("real pages", "junk"), rates, strict=True)
    }
    return plot_shares(common, rows, "share of the pages that fail the rule")


def rule_overlap(run: Run) -> "Figure":
    """What each rule drops, first and alone."""
    real, junk = _pages()
    counts = count_rules(real + junk, fineweb_thresholds())
    largest = sorted(counts, key=lambda count: -count.fails)[:SHOWN_RULES]
    return plot_rule_counts([(c.name, c.fails, c.first, c.alone) for c in counts if c in largest])


def rules_by_language(run: Run) -> "Figure":
    """What each language keeps under English rules and under FineWeb2's."""
    english = fineweb_thresholds()
    shares: dict[str, list[tuple[float, float, float]]] = {}
    for language in LANGUAGES:
        mine = [page for page in _pages()[0] if page.document.language == language]
        cuts = {
            "English rules": judge([read_as(page, "en") for page in mine], english, FILTERS),
            "own stop words": judge(mine, english, FILTERS),
            "FineWeb2's thresholds": judge(mine, fineweb2_thresholds(), FILTERS),
        }
        for name, verdicts in cuts.items():
            kept = [drop is None for drop in verdicts]
            shares.setdefault(name, []).append(share_with_interval(mine, kept.__getitem__))
    return plot_shares(LANGUAGES, shares, "share of the pages kept")


FIGURES = {
    figure.__name__: figure
    for figure in (words_with_letters, threshold_panel, rule_rates, rule_overlap, rules_by_language)
}
"""Name of the file, without its ending -> what draws it."""
