"""A shard becomes documents. Files that cannot be read are counted, not raised."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from smollab.curate.commoncrawl import fetch_records, read_captures
from smollab.curate.errors import CurationError
from smollab.curate.fetch import FetchError
from smollab.curate.html import decode_text, repair_unicode
from smollab.curate.pdf.truncation import CERTAIN, find_truncation, is_pdf
from smollab.curate.rows import read_hub, read_jsonl, read_parquet, without_surrogates
from smollab.curate.shards import CODE_LANGUAGES, Report, Shard, list_shards, name_of
from smollab.curate.storage import open_file
from smollab.curate.warc import WebRecord, read_warc
from smollab.documents import Document

__all__ = ["READERS", "list_shards", "read_shard"]

MAXIMUM_FILE_BYTES = 512 * 2**20
"""Larger single documents are not read."""
HTML_TYPES = ("text/html", "application/xhtml+xml", "")

Reader = Callable[[str, Shard, Report], Iterator[Document]]


def read_shard(shard: Shard, report: Report, journal: Path | None = None) -> Iterator[Document]:
    """Yield a shard's documents; what cannot be read is counted in the report.

    Args:
        shard: what to read.
        report: of what could not be read.
        journal: beginning of the names of files that remember single pages fetched (`cc`), so that a run that goes on
            after an interruption sees the same pages and fetches none twice.
    """
    yield from islice(_read_files(shard, report, journal), shard.limit)


def _read_files(shard: Shard, report: Report, journal: Path | None) -> Iterator[Document]:
    for number, file in enumerate(shard.files):
        reader = READERS[shard.kind]
        if shard.kind == "cc" and journal is not None:
            reader = partial(_read_commoncrawl, journal=journal.with_name(f"{journal.name}-{number}"))
        yield from _read_file(reader, file, shard, report)


def _read_file(reader: Reader, file: str, shard: Shard, report: Report) -> Iterator[Document]:
    try:
        yield from reader(file, shard, report)
    except CurationError:
        raise
    except FetchError as error:
        report.problem(file, str(error).removeprefix(f"{file}: "))
    except OSError as error:
        report.problem(name_of(file, shard), f"cannot be read: {error.strerror or error}")
    except Exception as error:  # one odd file must not end a run over thousands; the funnel shows it
        report.problem(name_of(file, shard), f"cannot be read: {type(error).__name__}: {error}")


def _read_whole(file: str, shard: Shard, report: Report) -> bytes | None:
    with open_file(file) as stream:
        raw = bytearray()
        while len(raw) <= MAXIMUM_FILE_BYTES and (more := stream.read(2**20)):
            raw += more
    if not raw:
        report.problem(name_of(file, shard), "empty file")
        return None
    if len(raw) > MAXIMUM_FILE_BYTES:
        report.problem(name_of(file, shard), f"above {MAXIMUM_FILE_BYTES >> 20} MiB")
        return None
    return bytes(raw)


def _read_warc(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    problems: Counter[str] = Counter()
    types = ("conversion",) if shard.kind == "wet" else ("response",)
    name = name_of(file, shard)
    try:
        with open_file(file) as stream:
            for record in read_warc(stream, problems, types):
                if shard.kind == "wet" or _is_wanted(record, shard, report):
                    yield _to_document(record, name, shard)
    finally:
        for what, count in problems.items():
            report.problem(name, what, count)


def _read_commoncrawl(part: str, shard: Shard, report: Report, journal: Path | None = None) -> Iterator[Document]:
    problems: Counter[str] = Counter()
    try:
        for capture, record in fetch_records(part, read_captures(part, problems), problems, journal):
            document = _to_document(record, capture.file, shard)
            if capture.truncated:
                document.metadata["truncated"] = f"declared: {capture.truncated}"
            yield document
    finally:
        for what, count in problems.items():
            report.problem(part, what, count)


def _is_wanted(record: WebRecord, shard: Shard, report: Report) -> bool:
    """Tell whether a record is of a format that the source extracts."""
    if record.status != 200:
        report.skip(f"HTTP status {record.status}")
        return False
    if _is_pdf(record):
        if "pdf" not in shard.formats:
            report.skip("content type application/pdf")
        return "pdf" in shard.formats
    if record.content_type not in HTML_TYPES or "html" not in shard.formats:
        report.skip(f"content type {without_surrogates(record.content_type)}")
        return False
    return True


def _is_pdf(record: WebRecord) -> bool:
    return is_pdf(record.body, record.url, record.content_type, record.detected_type)


def _to_document(record: WebRecord, file: str, shard: Shard) -> Document:
    """A WET record has its text; a response has its bytes, for an extraction step to read."""
    metadata: dict[str, Any] = {
        "url": without_surrogates(record.url),
        "date": without_surrogates(record.date),
        "content_type": without_surrogates(record.content_type),
        "file": file,
    }
    if record.offset >= 0:
        metadata["warc_offset"] = record.offset
    text, raw = "", record.body
    if shard.kind != "wet" and "pdf" in shard.formats and _is_pdf(record):
        metadata["format"] = "pdf"
        reasons = find_truncation(record.body, record.truncated, record.declared_length)
        if reasons and reasons[0].startswith(CERTAIN):
            metadata["truncated"] = without_surrogates(reasons[0])
    elif len(shard.formats) > 1:
        metadata["format"] = "html"
    if shard.kind == "wet":
        text, raw = repair_unicode(decode_text(record.body)), b""
    else:
        metadata["charset"] = without_surrogates(record.charset)
    id_ = metadata["url"] or without_surrogates(record.record_id) or f"{file}:{record.offset}"
    return Document(id_, text, shard.source, shard.language, metadata, raw)


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
    "cc": _read_commoncrawl,
    "html": _read_raw,
    "pdf": _read_raw,
    "text": _read_text,
    "code": _read_text,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "hub": read_hub,
}
