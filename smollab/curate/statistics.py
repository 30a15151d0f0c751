"""Mixture statistics: how much of the curated text comes from which source, language, site and year.

Counted from the kept documents. Characters and bytes are always known; tokens only once a tokenizer has been chosen,
so `add_tokens` joins the exact counts that tokenizing left, by source and language.

    output/statistics.json
        source, language, source_language, domain, year -> name -> documents, characters, bytes[, tokens]
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from smollab.documents import Document, read_documents

__all__ = [
    "DIMENSIONS",
    "NO_DOMAIN",
    "NO_YEAR",
    "Amount",
    "add_tokens",
    "count_mixture",
    "domain_of",
    "load_statistics",
    "write_statistics",
    "year_of",
]

DIMENSIONS = ("source", "language", "source_language", "domain", "year")
NO_DOMAIN, NO_YEAR = "no address", "no date"
UNKNOWN_LANGUAGE = "und"
STATISTICS = "statistics.json"

Statistics = dict[str, dict[str, "Amount"]]
"""Dimension -> name -> amount, the largest first."""


@dataclass(slots=True)
class Amount:
    """How much text."""

    documents: int = 0
    characters: int = 0
    bytes: int = 0
    """Of the text as UTF-8."""
    tokens: int | None = None
    """Training and held-out tokens; None where nobody has counted them."""

    def add(self, text: str) -> None:
        """Count one more document."""
        self.documents += 1
        self.characters += len(text)
        self.bytes += len(text.encode("utf-8", "surrogatepass"))


def count_mixture(documents: Iterable[Document]) -> Statistics:
    """Count documents, characters and bytes along every dimension.

    Args:
        documents: such as `read_documents(*paths)`; one pass, nothing is kept.
    """
    statistics: Statistics = {dimension: {} for dimension in DIMENSIONS}
    for document in documents:
        language = document.language or UNKNOWN_LANGUAGE
        names = (document.source, language, f"{document.source}-{language}", domain_of(document), year_of(document))
        for dimension, name in zip(DIMENSIONS, names, strict=True):
            statistics[dimension].setdefault(name, Amount()).add(document.text)
    return {dimension: _sorted(amounts) for dimension, amounts in statistics.items()}


def add_tokens(statistics: Statistics, counted: Mapping[str, Mapping[str, int]]) -> Statistics:
    """The statistics with exact tokens by source, language, and both; domains and years have none.

    Args:
        statistics: from `count_mixture`.
        counted: `web-en` -> `train_tokens`, `held_out_tokens`, as in `tokenize/tokens/statistics.json`.
    """
    result: Statistics = {d: {n: Amount(**asdict(a)) for n, a in rows.items()} for d, rows in statistics.items()}
    for name, row in counted.items():
        source, _, language = name.rpartition("-")
        for dimension, key in (("source", source), ("language", language), ("source_language", name)):
            if key in result[dimension]:
                amount = result[dimension][key]
                amount.tokens = (amount.tokens or 0) + row["train_tokens"] + row["held_out_tokens"]
    return result


def write_statistics(output: Path) -> Statistics:
    """Count what a finished curation kept and write `statistics.json` beside it, atomically."""
    statistics = count_mixture(read_documents(*sorted((output / "kept").glob("*.parquet"))))
    rows = {d: {name: _without_none(amount) for name, amount in amounts.items()} for d, amounts in statistics.items()}
    unfinished = output / f"{STATISTICS}.unfinished"
    unfinished.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(output / STATISTICS)
    return statistics


def load_statistics(output: Path) -> Statistics:
    """Read the statistics of a curation folder; counts them if it was curated before they were written.

    Raises:
        FileNotFoundError: the folder was not curated.
    """
    path = output / STATISTICS
    if not path.is_file():
        if not (output / "kept").is_dir():
            raise FileNotFoundError(f"{path}: nothing was curated here; run `smollab curate`")
        return count_mixture(read_documents(*sorted((output / "kept").glob("*.parquet"))))
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {dimension: {name: Amount(**row) for name, row in rows.items()} for dimension, rows in values.items()}


def domain_of(document: Document) -> str:
    """Host of the document's address, without `www.` and port; `NO_DOMAIN` where there is none."""
    try:
        host = urlsplit(str(document.metadata.get("url") or "")).hostname or ""
    except ValueError:
        host = ""
    return host.removeprefix("www.") or NO_DOMAIN


def year_of(document: Document) -> str:
    """Year in which the document was fetched, from an ISO 8601 date; `NO_YEAR` where there is none."""
    year = str(document.metadata.get("date") or "")[:4]
    return year if len(year) == 4 and year.isascii() and year.isdigit() else NO_YEAR


def _sorted(amounts: Mapping[str, Amount]) -> dict[str, Amount]:
    return dict(sorted(amounts.items(), key=lambda item: (-item[1].bytes, item[0])))


def _without_none(amount: Amount) -> dict[str, int]:
    return {key: value for key, value in asdict(amount).items() if value is not None}
