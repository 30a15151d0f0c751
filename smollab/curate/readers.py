"""A shard becomes documents. Files that cannot be read are counted, not raised."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from smollab.curate.fetch import FetchError
from smollab.curate.html import decode_text, repair_unicode
from smollab.curate.rows import read_hub, read_jsonl, read_parquet
from smollab.curate.shards import CODE_LANGUAGES, Report, Shard, list_shards, name_of, open_file
from smollab.curate.warc import WebRecord, read_warc
from smollab.documents import Document

__all__ = ["READERS", "list_shards", "read_shard"]

MAXIMUM_FILE_BYTES = 512 * 2**20
"""Larger single documents are not read."""
HTML_TYPES = ("text/html", "application/xhtml+xml", "")

Reader = Callable[[str, Shard, Report], Iterator[Document]]


def read_shard(shard: Shard, report: Report) -> Iterator[Document]:
    """Yield a shard's documents; what cannot be read is counted in the report."""
    reader = READERS[shard.kind]
    documents = (document for file in shard.files for document in _read_file(reader, file, shard, report))
    yield from islice(documents, shard.limit)


def _read_file(reader: Reader, file: str, shard: Shard, report: Report) -> Iterator[Document]:
    try:
        yield from reader(file, shard, report)
    except FetchError as error:
        report.problem(file, str(error).removeprefix(f"{file}: "))
    except OSError as error:
        report.problem(name_of(file, shard), f"cannot be read: {error.strerror or error}")


def _read_whole(file: str, shard: Shard, report: Report) -> bytes | None:
    with open_file(file) as stream:
        raw = stream.read(MAXIMUM_FILE_BYTES + 1)
    if not raw:
        report.problem(name_of(file, shard), "empty file")
        return None
    if len(raw) > MAXIMUM_FILE_BYTES:
        report.problem(name_of(file, shard), f"above {MAXIMUM_FILE_BYTES >> 20} MiB")
        return None
    return raw


def _read_warc(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    problems: Counter[str] = Counter()
    types = ("conversion",) if shard.kind == "wet" else ("response",)
    to_document = _from_wet if shard.kind == "wet" else _from_response
    try:
        with open_file(file) as stream:
            for record in read_warc(stream, problems, types):
                document = to_document(record, shard, report)
                if document is not None:
                    yield document
    finally:
        for what, count in problems.items():
            report.problem(name_of(file, shard), what, count)


def _from_wet(record: WebRecord, shard: Shard, report: Report) -> Document | None:
    text = repair_unicode(decode_text(record.body))
    metadata = {"url": record.url, "date": record.date}
    return Document(record.url or record.record_id, text, shard.source, shard.language, metadata)


def _from_response(record: WebRecord, shard: Shard, report: Report) -> Document | None:
    if record.status != 200:
        report.skipped[f"HTTP status {record.status}"] += 1
        return None
    if record.content_type not in HTML_TYPES:
        report.skipped[f"content type {record.content_type}"] += 1
        return None
    metadata = {"url": record.url, "date": record.date, "charset": record.charset}
    return Document(record.url or record.record_id, "", shard.source, shard.language, metadata, record.body)


def _read_raw(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """HTML and PDF files: the bytes, for an extraction step to read."""
    raw = _read_whole(file, shard, report)
    if raw is not None:
        yield Document(name_of(file, shard), "", shard.source, shard.language, {"file": name_of(file, shard)}, raw)


def _read_text(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    raw = _read_whole(file, shard, report)
    if raw is not None:
        name = name_of(file, shard)
        metadata = {"file": name}
        if shard.kind == "code":
            metadata["programming_language"] = CODE_LANGUAGES[Path(file).suffix.lower()]
        text = repair_unicode(decode_text(raw))
        if text.strip():
            yield Document(name, text, shard.source, shard.language, metadata)
        else:
            report.problem(name, "no text")


READERS: dict[str, Reader] = {
    "warc": _read_warc,
    "wet": _read_warc,
    "html": _read_raw,
    "pdf": _read_raw,
    "text": _read_text,
    "code": _read_text,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "hub": read_hub,
}
