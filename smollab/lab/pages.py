"""Pages with all that the rules measured of them, and the rules' verdicts for any thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from smollab.curate import make_step
from smollab.curate.readers import read_shard
from smollab.curate.rules import Filter, Rule, Value
from smollab.curate.shards import Report, list_shards
from smollab.documents import Document, Drop
from smollab.recipe import Curate, Source

__all__ = ["Page", "find_rule", "judge", "load_pages", "make_filter", "measure", "threshold_of", "with_thresholds"]

SAMPLES = Path("data_samples") / "web"
MAXIMUM_CHARACTERS = 20_000
"""Longer pages are left out, so that a change of a threshold is answered at once."""
QUALITY_STEPS = ("gopher_quality", "fineweb_quality")


@dataclass(frozen=True)
class Page:
    """A page as it came out of extraction, and what the rules measured of it."""

    document: Document
    values: Mapping[str, Mapping[str, Value]]
    """Step -> rule -> value."""
    kind: str = ""
    """Of a page from `smollab.lab.ledger`: `real`, `junk` (written by us in the manner of the noisy web) or `other`."""
    topic: str = ""
    """The same for a page and its translations."""
    record: str = ""
    """Its name in the ledger."""

    @property
    def words(self) -> float:
        """Words that are not only signs."""
        return float(self.values["gopher_quality"]["words"] or 0)

    @property
    def with_letters(self) -> float:
        """Share of the words and signs with at least one letter."""
        return float(self.values["gopher_quality"]["alphabetic_words"] or 0)


def load_pages(files: Sequence[str] = ("noise", "en"), pages_per_file: int = 70) -> list[Page]:
    """Extract the text of sample pages, spread evenly over each file, and keep those whose language is one of ours.

    Args:
        files: names of shards in `data_samples/web`.
        pages_per_file: at most so many of each.
    """
    pages: list[Page] = []
    for file in files:
        (shard,) = list_shards("web", Source(address=f"warc:{SAMPLES / file}.warc.gz"))
        found = list(read_shard(shard, Report()))
        spread = found[:: max(1, len(found) // pages_per_file)]
        texts = (text for text in map(_extract, spread) if text is not None and len(text.text) <= MAXIMUM_CHARACTERS)
        pages += [measure(text) for text in islice(texts, pages_per_file)]
    return pages


def measure(document: Document, steps: Sequence[str] = QUALITY_STEPS) -> Page:
    """Measure a page the way the rules of some steps do."""
    return Page(document, {step: make_filter(step, Curate()).measure(document)[1] for step in steps})


def judge(pages: Sequence[Page], settings: Curate, steps: Sequence[str] = QUALITY_STEPS) -> list[Drop | None]:
    """Return the verdict on each page from its values alone: the first rule that fails; None: the page stays."""
    filters = [make_filter(step, settings) for step in steps]
    verdicts: list[Drop | None] = []
    for page in pages:
        drops = (filter_.judge(page.values[filter_.name], page.document.language) for filter_ in filters)
        verdicts.append(next((drop for drop in drops if drop), None))
    return verdicts


def make_filter(step: str, settings: Curate) -> Filter:
    """Build a step that consists of rules.

    Raises:
        TypeError: it does not.
    """
    filter_ = make_step(step, settings)
    if not isinstance(filter_, Filter):
        raise TypeError(f"the step {step!r} does not consist of rules")
    return filter_


def find_rule(key: str) -> Rule:
    """Return the rule that looks at a threshold, such as `gopher_quality.minimum_words`.

    Raises:
        KeyError: no rule does.
    """
    step, _, setting = key.partition(".")
    for rule in make_filter(step, Curate()).rules:
        if rule.setting == setting:
            return rule
    raise KeyError(f"no rule of {step} looks at {setting!r}")


def threshold_of(settings: Curate, key: str) -> float:
    """Return a threshold by its key; the one for languages without a threshold of their own."""
    return float(make_filter(key.partition(".")[0], settings).threshold(find_rule(key)))


def with_thresholds(settings: Curate, thresholds: Mapping[str, float]) -> Curate:
    """Return the settings with some thresholds changed, by keys such as `gopher_repetition.top_n_grams.2`."""
    for key, value in thresholds.items():
        find_rule(key)
        step, field, *inner = key.split(".")
        section: Any = getattr(settings, step)
        changed = {**getattr(section, field), inner[0]: value} if inner else value
        settings = replace(settings, **{step: replace(section, **{field: changed})})
    return settings


def _extract(document: Document) -> Document | None:
    """The page as it stands before the quality rules."""
    for name in ("url", "extract_html", "language"):
        result = make_step(name, Curate())(document)
        if isinstance(result, Drop):
            return None
        document = result
    return document
