"""The ledger: for every document read, what every rule measured and what became of it.

A pipeline that stops at the first failing rule knows only that one number. Here a document that fails goes on
being measured (nothing else happens to it any more), so that the ledger holds all values, and other thresholds can
be judged without a second look at the text (`smollab curate recut`), drawn as histograms, or asked about one page
(`smollab curate why`).

One Parquet file a shard, one row a document, in the order of reading:

    record   source/shard/number: unique, where the same URL may have been crawled twice
    id, url  of the document
    language, bytes (as fetched), characters (as extracted)
    step, reason, detail    of the drop; empty for documents that were kept
    gopher_quality.words, ...           the value of each rule; null where it was not measured
    c4_quality.characters, ...          the length of the text after a step that changed it

The idea of keeping scores apart from decisions is dolma's (Soldaini et al. 2024, attributes files).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from smollab.curate.errors import CurationError
from smollab.curate.rules import Filter, Value
from smollab.curate.steps import GLOBAL_STEPS, make_step
from smollab.documents import write_rows
from smollab.recipe import Curate, resolve_place

__all__ = ["LedgerRow", "code_hash", "read_ledger", "signatures", "write_ledger"]

TEXT_COLUMNS = ("record", "id", "url", "language", "step", "reason", "detail")
NUMBER_COLUMNS = ("bytes", "characters")


@dataclass(slots=True)
class LedgerRow:
    """One document's measurements and fate."""

    record: str
    id: str
    url: str = ""
    """Its address, which may be its id; empty where there is none."""
    language: str = ""
    bytes: int = 0
    """Size as fetched; 0 for sources that are text already."""
    characters: int = 0
    """Size as extracted."""
    step: str = ""
    """That dropped it; empty: kept."""
    reason: str = ""
    detail: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    """`step.rule` -> value, and `step.characters` -> length of the text after the step."""

    def values_of(self, step: str) -> dict[str, Value]:
        """Return the values of one step by the names of its rules."""
        prefix = f"{step}."
        return {name.removeprefix(prefix): value for name, value in self.values.items() if name.startswith(prefix)}


def write_ledger(path: Path, rows: Sequence[LedgerRow]) -> None:
    """Write rows as one Parquet file, atomically; columns are those of the values that occur."""
    import pyarrow as pa

    names = sorted({name for row in rows for name in row.values})
    texts = {name for name in names if any(isinstance(row.values.get(name), str) for row in rows)}
    columns = [(name, pa.large_string()) for name in TEXT_COLUMNS] + [(name, pa.int64()) for name in NUMBER_COLUMNS]
    columns += [(name, pa.large_string() if name in texts else pa.float64()) for name in names]
    write_rows(path, [_to_flat(row, names, texts) for row in rows], pa.schema(columns))


def read_ledger(*paths: Path) -> Iterator[LedgerRow]:
    """Yield the rows of ledger files, in order.

    Raises:
        CurationError: a file is broken.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fixed = (*TEXT_COLUMNS, *NUMBER_COLUMNS)
    for path in paths:
        try:
            with pq.ParquetFile(path) as shard:
                for batch in shard.iter_batches(batch_size=1024):
                    for row in batch.to_pylist():
                        values = {k: v for k, v in row.items() if k not in fixed and v is not None}
                        yield LedgerRow(**{name: row[name] for name in fixed}, values=values)
        except (pa.ArrowException, KeyError) as error:
            raise CurationError(f"{path}: broken ({error}); delete the run's `curate` folder, curate again") from None


def signatures(steps: Iterable[str], settings: Curate) -> dict[str, str]:
    """Say for each step what its values depend on, as a hash; empty where nothing recorded can be used again.

    A step's values are those of a text, which the steps before it may have changed: the hash is over all settings
    that change texts or values, but over no threshold. Steps that edit one document by what is in others
    (paragraph and line deduplication) end the chain.
    """
    chain: list[Any] = [code_hash()]
    result: dict[str, str] = {}
    own: Any
    for name in steps:
        if name in GLOBAL_STEPS:
            step = GLOBAL_STEPS[name](settings)
            result[name] = "" if step.edits or not chain else _hash([chain, name, step.key_settings])
            if step.edits:
                chain = []
            continue
        local = make_step(name, settings)
        if isinstance(local, Filter):
            values = [getattr(local.settings, f) for f in (*local.edits, *local.depends)]
            own = [name, [rule.name for rule in local.rules], values, _stamps(values)]
            changes = bool(local.edits)
        else:
            section = getattr(settings, name, None)
            own, changes = [name, asdict(section) if is_dataclass(section) else None], True  # type: ignore[arg-type]
        result[name] = _hash([chain, own]) if chain else ""
        if changes and chain:
            chain.append(own)
    return result


def _stamps(values: Any) -> list[Any]:
    """Return size and time of all files that settings name, such as evaluation sets: their content counts."""
    if isinstance(values, str):
        path = resolve_place(values) if values else Path()
        return [path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else []
    if isinstance(values, dict):
        values = list(values.values())
    return [_stamps(value) for value in values] if isinstance(values, list | tuple) else []


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@cache
def code_hash() -> str:
    """Hash this package's code: values measured by other code are not used again."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in files)).hexdigest()


def _to_flat(row: LedgerRow, names: Sequence[str], texts: set[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {name: getattr(row, name) for name in (*TEXT_COLUMNS, *NUMBER_COLUMNS)}
    for name in names:
        value = row.values.get(name)
        flat[name] = value if value is None or name in texts else float(value)
    return flat
