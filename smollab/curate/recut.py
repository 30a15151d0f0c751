"""What another cut changes: which documents enter, which leave, and for which reasons."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from smollab.curate.ledger import LedgerRow, read_ledger
from smollab.curate.why import text_as_extracted

__all__ = ["Change", "Example", "compare_cuts"]

EXAMPLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One document that enters or leaves."""

    id: str
    record: str
    reason: str
    detail: str
    text: str
    """The beginning, as extracted."""


@dataclass
class Change:
    """What differs between two cuts of the same documents."""

    documents: int = 0
    kept_before: int = 0
    kept_after: int = 0
    entering: Counter[str] = field(default_factory=Counter)
    """Why they were dropped before -> how many enter."""
    leaving: Counter[str] = field(default_factory=Counter)
    """Why they are dropped now -> how many leave."""
    examples_entering: list[Example] = field(default_factory=list)
    examples_leaving: list[Example] = field(default_factory=list)


def compare_cuts(before: Path, after: Path, examples: int = 3) -> Change:
    """Compare the ledgers of two curations of the same sources.

    Args:
        before: output folder of the first.
        after: output folder of the second.
        examples: how many documents to show for each reason.
    """
    change = Change()
    shown: Counter[tuple[str, str]] = Counter()
    for file in sorted((after / "ledger").glob("*.parquet")):
        old = read_ledger(before / "ledger" / file.name)
        for was, now in zip(old, read_ledger(file), strict=True):
            change.documents += 1
            change.kept_before += not was.step
            change.kept_after += not now.step
            if bool(was.step) == bool(now.step):
                continue
            enters = not now.step
            row = was if enters else now
            (change.entering if enters else change.leaving)[row.reason] += 1
            shown[(str(enters), row.reason)] += 1
            if shown[(str(enters), row.reason)] <= examples:
                (change.examples_entering if enters else change.examples_leaving).append(_example(before, row))
    return change


def _example(output: Path, row: LedgerRow) -> Example:
    document = text_as_extracted(output, row.record)
    text = " ".join(document.text[:EXAMPLE_CHARACTERS].split()) if document else ""
    return Example(row.id, row.record, row.reason, row.detail, text)
