"""Read texts that are already rows: JSONL, Parquet, and data sets of the Hugging Face hub."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any

from smollab.curate.errors import CurationError
from smollab.curate.html import repair_unicode
from smollab.curate.shards import Report, Shard, name_of, open_file
from smollab.documents import Document

__all__ = ["read_hub", "read_jsonl", "read_parquet"]

MAXIMUM_PARQUET_BYTES = 4 * 2**30
"""Of a Parquet file behind an http(s) address, which must be fetched whole."""
_KEPT_COLUMNS = ("url", "date", "dump")


def read_jsonl(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """Read one JSON object a line, with `text` and perhaps `id`, `url`, `language`; plain or gzip."""
    name = name_of(file, shard)
    with open_file(file) as raw:
        for number, line in enumerate(_lines(raw, file.endswith(".gz"), name, report), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                text = row["text"]
            except (ValueError, KeyError, TypeError, RecursionError):
                report.problem(name, "line without a JSON object with `text`")
                continue
            yield from _to_documents(row, text, f"{name}:{number}", name, shard, report)


def read_parquet(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """Read a Parquet file with a column `text` and perhaps `id`, `url`, `language`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = name_of(file, shard)
    try:
        with open_file(file) as stream:
            source = pa.BufferReader(stream.read(MAXIMUM_PARQUET_BYTES)) if "://" in file else stream
            table = pq.ParquetFile(source)
            if "text" not in table.schema_arrow.names:
                report.problem(name, "no column `text`")
                return
            columns = [c for c in ("text", "id", "language", *_KEPT_COLUMNS) if c in table.schema_arrow.names]
            number = 0
            for batch in table.iter_batches(batch_size=256, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield from _to_documents(row, row["text"], f"{name}:{number}", name, shard, report)
    except pa.ArrowException as error:
        report.problem(name, f"broken Parquet: {str(error).splitlines()[0]}")


def read_hub(place: str, shard: Shard, report: Report) -> Iterator[Document]:
    """Stream `NAME[:CONFIG[:SPLIT]]` from the hub.

    Raises:
        CurationError: the hub's client fails: no such data set, no network, no access.
    """
    import datasets

    name, _, rest = place.partition(":")
    config, _, split = rest.partition(":")
    try:
        rows = datasets.load_dataset(name, config or None, split=split or "train", streaming=True)
        for number, row in enumerate(rows, 1):
            yield from _to_documents(row, row.get("text", ""), f"{place}:{number}", place, shard, report)
    except Exception as error:  # the client raises errors of many libraries
        reason = (str(error).splitlines() or [""])[0]
        raise CurationError(f"hub:{place}: {type(error).__name__}: {reason}; check the name and the network") from error


def _lines(raw: IO[bytes], packed: bool, name: str, report: Report) -> Iterator[bytes]:
    if not packed:
        yield from raw
        return
    try:
        with gzip.open(raw) as lines:
            yield from lines
    except (EOFError, OSError, zlib.error) as error:
        report.problem(name, f"broken gzip: {error}")


def _to_documents(
    row: dict[str, Any], text: Any, fallback_id: str, name: str, shard: Shard, report: Report
) -> Iterator[Document]:
    """Yield the row's document; none, and a problem counted, when its text is empty."""
    if not isinstance(text, str) or not text.strip():
        report.problem(name, "empty text")
        return
    language = shard.language or str(row.get("language") or "")
    metadata = {key: row[key] for key in _KEPT_COLUMNS if isinstance(row.get(key), str)}
    id_ = str(row.get("id") or row.get("url") or fallback_id)
    yield Document(id_, repair_unicode(text), shard.source, language, metadata)
