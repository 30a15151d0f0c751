"""Read texts that are already rows: JSONL, Parquet, and data sets of the Hugging Face hub.

Rows come from many tools, so a field may have one of several names, and may lie in a table `metadata` (as datatrove
writes it). Whatever cannot be read is counted.
"""

import codecs
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from smollab.curate.compressed import read_lines
from smollab.curate.errors import CurationError
from smollab.curate.html import decode_text, repair_unicode
from smollab.curate.shards import Report, Shard, name_of
from smollab.curate.storage import open_file, open_seekable
from smollab.documents import Document

__all__ = ["read_hub", "read_jsonl", "read_parquet", "without_surrogates"]

MAXIMUM_LINE_BYTES = 64 * 2**20
"""Longer lines are skipped."""
MAXIMUM_ROW_GROUP_BYTES = 4 * 2**30
"""Unpacked; pyarrow holds the text of a whole row group."""
_TEXT = ("text", "content", "raw_content")
_FIELDS = {
    "id": ("id", "doc_id", "warc_record_id"),
    "url": ("url", "warc_url", "target_uri"),
    "date": ("date", "timestamp", "warc_date", "created"),
    "language": ("language", "lang"),
    "dump": ("dump",),
}
"""What is kept -> names of the field, the first that is there counts. Dates are kept as they are written."""


def read_jsonl(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """Read one JSON object a line, with `text` and perhaps `id`, `url`, `date`, `language`; plain, gzip or zstd."""
    name = name_of(file, shard)
    problems: Counter[str] = Counter()
    with open_file(file) as stream:
        try:
            lines = read_lines(stream, problems, lambda opening: opening.lstrip().startswith(b"{"), MAXIMUM_LINE_BYTES)
            for number, line in enumerate(lines, 1):
                if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    problems["UTF-16, not UTF-8: convert it"] += 1
                    return
                yield from _read_line(line, number, name, shard, report)
        finally:
            for what, count in problems.items():
                report.problem(name, what, count)


def _read_line(line: bytes, number: int, name: str, shard: Shard, report: Report) -> Iterator[Document]:
    line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
    if not line.strip(b" \t\r\0"):
        return
    try:
        content = line.decode("utf-8")
    except UnicodeDecodeError:
        report.problem(name, "line that is not UTF-8: decoded as well as possible")
        content = decode_text(line)
    try:
        row = json.loads(content, strict=False)
        text = next(row[field] for field in _TEXT if field in row)
    except (ValueError, TypeError, RecursionError, StopIteration):
        array = number == 1 and content.lstrip().startswith("[")
        report.problem(name, "a JSON array, not JSON lines" if array else "line without a JSON object with `text`")
        return
    yield from _to_documents(row, text, f"{name}:{number}", name, shard, report)


def read_parquet(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """Read a Parquet file with a column `text` and perhaps `id`, `url`, `date`, `language`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = name_of(file, shard)
    try:
        with open_seekable(file) as stream:
            table = pq.ParquetFile(stream)
            columns = table.schema_arrow.names
            text = next((column for column in _TEXT if column in columns), None)
            if text is None:
                report.problem(name, "no column `text`")
                return
            wanted = {text, "metadata", *(column for names in _FIELDS.values() for column in names)}
            number = 0
            for group in range(table.num_row_groups):
                facts = table.metadata.row_group(group)
                if facts.total_byte_size > MAXIMUM_ROW_GROUP_BYTES:
                    report.problem(name, f"row group above {MAXIMUM_ROW_GROUP_BYTES >> 30} GiB")
                    number += facts.num_rows
                    continue
                chosen = [column for column in columns if column in wanted]
                for batch in table.iter_batches(batch_size=64, row_groups=[group], columns=chosen):
                    for row in batch.to_pylist():
                        number += 1
                        yield from _to_documents(row, row[text], f"{name}:{number}", name, shard, report)
    except pa.ArrowException as error:
        report.problem(name, f"broken Parquet: {(str(error).splitlines() or [''])[0]}")


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
            text = next((row[field] for field in _TEXT if field in row), "")
            yield from _to_documents(row, text, f"{place}:{number}", place, shard, report)
    except Exception as error:  # the client raises errors of many libraries
        reason = (str(error).splitlines() or [""])[0]
        raise CurationError(f"hub:{place}: {type(error).__name__}: {reason}; check the name and the network") from error


def without_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which no file can hold, by U+FFFD; whole pairs become their character."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _to_documents(
    row: dict[str, Any], text: Any, fallback_id: str, name: str, shard: Shard, report: Report
) -> Iterator[Document]:
    """Yield the row's document; none, and a problem counted, when its text is empty."""
    if isinstance(text, bytes):
        text = decode_text(text)
    if not isinstance(text, str) or not text.strip():
        report.problem(name, "empty text")
        return
    nested = row.get("metadata")
    tables = (row, nested) if isinstance(nested, dict) else (row,)
    facts = {kept: _find(tables, names) for kept, names in _FIELDS.items()}
    metadata: dict[str, Any] = {key: facts[key] for key in ("url", "date", "dump") if facts[key]}
    id_ = facts["id"] or facts["url"] or fallback_id
    language = shard.language or facts["language"]
    yield Document(id_, repair_unicode(without_surrogates(text)), shard.source, language, metadata)


def _find(tables: tuple[dict[str, Any], ...], names: tuple[str, ...]) -> str:
    """Return the first value there is under one of the names, as text; empty if none."""
    for table in tables:
        for name in names:
            value = table.get(name)
            if value is not None and not isinstance(value, dict | list | bytes) and str(value):
                return without_surrogates(value.isoformat() if hasattr(value, "isoformat") else str(value))
    return ""
