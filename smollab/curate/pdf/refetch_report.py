"""The summary of a refetch job as a table."""

from rich.table import Table

from smollab.curate.pdf.refetch import Summary
from smollab.curate.pdf.refetch_ledger import FETCHED, POSTPONED

__all__ = ["to_table"]

_MEANINGS = {
    "extends": "the old copy is the beginning of the new one",
    "different": "the file has changed since the crawl",
    "same": "byte for byte the old copy",
    "equal": "equal bytes came from another address",
    "failed": "not asked again",
    POSTPONED: "the same command asks again",
    "": "not asked yet",
}


def to_table(summary: Summary) -> Table:
    """Lay out what was found in the crawl, and what became of the truncated PDFs, with every reason and its count."""
    table = Table(title="PDFs of the crawl", title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column("count", justify="right")
    table.add_column("what", overflow="fold")
    found = summary.found
    for name in ("PDF records", "whole", "truncated", "truncated, found twice"):
        table.add_row(f"{found[name]:,}", name)
    for prefix in ("sign: ", "problem: "):
        for what, count in sorted(found.items(), key=lambda item: (-item[1], item[0])):
            if what.startswith(prefix):
                table.add_row(f"{count:,}", f"  {what}", style="dim")
    totals = {name: sum(n for (outcome, _), n in summary.outcomes.items() if outcome == name) for name in _MEANINGS}
    table.add_section()
    table.add_row(f"{sum(totals[name] for name in FETCHED):,}", "fetched again, of which", style="bold")
    for name, meaning in _MEANINGS.items():
        if not totals[name]:
            continue
        table.add_row(f"{totals[name]:,}", f"{name or 'waiting'}: {meaning}")
        reasons = {reason: n for (outcome, reason), n in summary.outcomes.items() if outcome == name and reason}
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(f"{count:,}", f"  {reason}", style="dim")
    return table
