"""The life of one document: what each step measured, against which threshold, and what became of it."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smollab.curate.errors import CurationError
from smollab.curate.ledger import LedgerRow, read_ledger
from smollab.curate.local import is_extraction
from smollab.curate.recorded import About, load_about
from smollab.curate.rules import Filter, Value
from smollab.curate.steps import GLOBAL_STEPS, make_step
from smollab.documents import Document, read_documents
from smollab.recipe import Curate, from_values

__all__ = ["Life", "Measurement", "find_lives", "tell", "text_as_extracted"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of a life: a step, and what it found."""

    step: str
    what: str
    """The rule's value by name, or `outcome` for steps that do not measure."""
    value: Value
    bound: str
    """The threshold, such as `>= 50`; empty where there is none."""
    passed: bool
    reached: bool
    """False: an earlier step had dropped the document; the value was measured for the ledger."""


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of one document."""

    row: LedgerRow
    source: str
    measurements: tuple[Measurement, ...]


def find_lives(output: Path, query: str) -> list[Life]:
    """Find all documents with an id (URL, path) or record, and tell the life of each.

    Args:
        output: a finished curation's folder.
        query: the URL, the id, or the record such as `web/0/17`.

    Raises:
        CurationError: no ledger, or no such document; names the nearest ids.
    """
    about = load_about(output)
    lives, ids = [], []
    for source, row in _rows(output, about):
        if query in (row.id, row.url, row.record):
            lives.append(Life(row, source, tuple(tell(row, source, about))))
        ids.append(row.id)
    if not lives:
        containing = [id_ for id_ in ids if query in id_][:3]
        nearest = list(dict.fromkeys(containing)) or difflib.get_close_matches(query, ids[:50_000], n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        raise CurationError(f"{query[:200]!r}: none of the {len(ids):,} documents of {output} has this id{hint}")
    return lives


def tell(row: LedgerRow, source: str, about: About) -> Iterator[Measurement]:
    """Yield what each step of a source made of a document, in order."""
    settings = from_values(Curate, about.settings)
    reached = True
    for name in about.steps[source]:
        dropped_here = row.step == name
        values = row.values_of(name)
        step = None if name in GLOBAL_STEPS else make_step(name, settings)
        if isinstance(step, Filter) and any(rule.name in values for rule in step.rules):
            for rule in step.rules:
                if rule.name not in values:
                    continue
                threshold = step.threshold(rule, str(row.values.get("language.language", row.language)))
                passed = rule.passes(values[rule.name], threshold)
                yield Measurement(name, rule.name, values[rule.name], _bound(rule.bound, threshold), passed, reached)
        elif reached:
            outcome = f"{row.reason.removeprefix(f'{name}: ')} {row.detail}".strip() if dropped_here else "passed"
            yield Measurement(name, "outcome", outcome, "", not dropped_here, reached)
        size = row.characters if is_extraction(name) and row.characters else values.get("characters")
        if size is not None:
            yield Measurement(name, "characters left", size, "", True, reached)
        reached = reached and not dropped_here


def text_as_extracted(output: Path, record: str) -> Document | None:
    """Return a document as it came out of extraction; None if it did not."""
    source, shard, _ = record.rsplit("/", 2)
    files = sorted((output / "extracted").glob(f"{source}-{int(shard):05d}-*.parquet"))
    return next((d for d in read_documents(*files) if d.metadata.get("record") == record), None)


def _rows(output: Path, about: About) -> Iterator[tuple[str, LedgerRow]]:
    for source in about.steps:
        for row in read_ledger(*sorted((output / "ledger").glob(f"{source}-[0-9]*.parquet"))):
            if row.record.rsplit("/", 2)[0] == source:  # not another source whose name only begins alike
                yield source, row


def _bound(bound: str, threshold: Any) -> str:
    if bound == "forbidden":
        return "none" if threshold else "allowed"
    if bound == "among":
        return f"in {', '.join(map(str, threshold))}"
    return f"{'>=' if bound == 'minimum' else '<='} {threshold:g}"
