"""Where documents come from: an address becomes shards, a shard becomes documents without text yet.

A *shard* is what one worker reads at a time: one WARC, JSONL or Parquet file, or a handful of small files. Places
are looked up in the current folder first, then beside the package (for the samples that come with it).
Files that cannot be read are counted, not raised.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from smollab.curate.errors import CurationError
from smollab.curate.fetch import FetchError, open_url
from smollab.curate.html import decode_text, repair_unicode
from smollab.curate.warc import read_warc
from smollab.documents import Document
from smollab.recipe import Source

__all__ = ["Report", "Shard", "list_shards", "read_shard"]

REPOSITORY = Path(__file__).resolve().parents[2]
SHARD_BYTES = 16 * 2**20
"""Small files are gathered into shards of about this size."""
SHARD_FILES = 200
MAXIMUM_FILE_BYTES = 512 * 2**20
"""Larger single documents are not read."""
HTML_TYPES = ("text/html", "application/xhtml+xml", "")
CODE_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".ipynb": "notebook", ".c": "c", ".h": "c", ".cc": "c++", ".cpp": "c++",
    ".hpp": "c++", ".rs": "rust", ".go": "go", ".java": "java", ".js": "javascript", ".ts": "typescript",
    ".rb": "ruby", ".sh": "shell", ".sql": "sql", ".r": "r", ".jl": "julia", ".lua": "lua", ".php": "php",
    ".swift": "swift", ".kt": "kotlin", ".scala": "scala", ".hs": "haskell", ".ml": "ocaml", ".pl": "perl",
}  # fmt: skip
SUFFIXES = {
    "warc": (".warc.gz", ".warc", ".warc.zst"),
    "wet": (".wet.gz", ".wet", ".warc.wet.gz", ".warc.wet"),
    "html": (".html", ".htm", ".xhtml"),
    "pdf": (".pdf",),
    "text": (".txt",),
    "code": tuple(CODE_LANGUAGES),
    "jsonl": (".jsonl", ".jsonl.gz", ".json", ".json.gz"),
    "parquet": (".parquet",),
}
ONE_FILE_A_SHARD = ("warc", "wet", "jsonl", "parquet")


@dataclass(frozen=True, slots=True)
class Shard:
    """What one worker reads at a time."""

    source: str
    """Name of the source in the recipe."""
    kind: str
    """Of the address: warc, pdf, ..."""
    files: tuple[str, ...]
    """Paths or URLs; for a hub data set its place."""
    root: str = ""
    """Folder that ids are relative to."""
    language: str = ""
    """Declared language."""
    limit: int | None = None
    """Read at most this many documents."""
    part: tuple[int, int] = (0, 1)
    """Of a hub data set: (this part, parts)."""


@dataclass
class Report:
    """What was met while reading: nothing here stops a run."""

    problems: dict[str, Counter[str]] = field(default_factory=dict)
    """File -> what was wrong with it -> how often."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Records that are no documents, such as images in a WARC file -> how many."""

    def problem(self, file: str, what: str) -> None:
        """Count a problem of a file."""
        self.problems.setdefault(file, Counter())[what] += 1


def list_shards(name: str, source: Source) -> list[Shard]:
    """Find a source's files and cut them into shards, in a stable order.

    Args:
        name: the source's name in the recipe.
        source: its address and limits.

    Raises:
        CurationError: an unknown kind, a place that does not exist, or nothing to read there.
    """
    kind, place = source.kind, source.place
    language = source.language or ("code" if kind == "code" else "")
    if kind == "hub":
        return [Shard(name, kind, (place,), language=language, limit=source.limit)]
    if kind not in SUFFIXES:
        known = ", ".join([*SUFFIXES, "hub"])
        raise CurationError(
            f"data.sources.{name}: unknown kind {kind!r} in {source.address!r}; known: {known}"
        )
    if "://" in place:
        return [Shard(name, kind, (place,), language=language, limit=source.limit)]
    root = _resolve(name, source)
    files = [root] if root.is_file() else _find_files(root, SUFFIXES[kind])
    if not files:
        raise CurationError(
            f"data.sources.{name}: {root} holds no {' or '.join(SUFFIXES[kind][:2])} file; correct the address"
        )
    folder = root.parent if root.is_file() else root
    groups = [files] if source.limit is not None else _group(kind, files)
    return [
        Shard(name, kind, tuple(map(str, group)), str(folder), language, source.limit) for group in groups
    ]


def read_shard(shard: Shard, report: Report) -> Iterator[Document]:
    """Yield a shard's documents; what cannot be read is counted in the report."""
    reader = READERS[shard.kind]
    documents = (document for file in shard.files for document in _read_file(reader, file, shard, report))
    yield from islice(documents, shard.limit)


Reader = Callable[[str, Shard, Report], Iterator[Document]]


def _read_file(reader: Reader, file: str, shard: Shard, report: Report) -> Iterator[Document]:
    try:
        yield from reader(file, shard, report)
    except FetchError as error:
        report.problem(file, str(error).removeprefix(f"{file}: "))
    except OSError as error:
        report.problem(_name(file, shard), f"cannot be read: {error.strerror or error}")


def _resolve(name: str, source: Source) -> Path:
    place = Path(source.place).expanduser()
    for candidate in (place, REPOSITORY / place):
        if candidate.exists():
            return candidate.resolve()
    raise CurationError(
        f"data.sources.{name}: {source.place} does not exist; correct the address or fetch the data"
    )


def _find_files(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    found = (path for path in root.rglob("*") if path.name.lower().endswith(suffixes) and path.is_file())
    return sorted(
        path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def _group(kind: str, files: list[Path]) -> list[list[Path]]:
    if kind in ONE_FILE_A_SHARD:
        return [[file] for file in files]
    groups: list[list[Path]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and (size > SHARD_BYTES or len(groups[-1]) >= SHARD_FILES):
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.stat().st_size
    return groups


@contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    if "://" in file:
        with open_url(file) as stream:
            yield stream  # type: ignore[misc]
    else:
        with Path(file).open("rb") as stream:
            yield stream


def _name(file: str, shard: Shard) -> str:
    """The file as people know it: relative to the source's folder."""
    if "://" in file:
        return file
    path = Path(file)
    return path.relative_to(shard.root).as_posix() if shard.root and path.is_relative_to(shard.root) else file


def _read_whole(file: str, shard: Shard, report: Report) -> bytes | None:
    with _open(file) as stream:
        raw = stream.read(MAXIMUM_FILE_BYTES + 1)
    if not raw:
        report.problem(_name(file, shard), "empty file")
        return None
    if len(raw) > MAXIMUM_FILE_BYTES:
        report.problem(_name(file, shard), f"above {MAXIMUM_FILE_BYTES >> 20} MiB")
        return None
    return raw


def _read_warc(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    problems: Counter[str] = Counter()
    types = ("conversion",) if shard.kind == "wet" else ("response",)
    try:
        with _open(file) as stream:
            for record in read_warc(stream, problems, types):
                if shard.kind == "wet":
                    text = repair_unicode(decode_text(record.body))
                    yield Document(record.url, text, shard.source, shard.language, {"url": record.url})
                elif record.status != 200:
                    report.skipped[f"HTTP status {record.status}"] += 1
                elif record.content_type not in HTML_TYPES:
                    report.skipped[f"content type {record.content_type}"] += 1
                else:
                    metadata = {"url": record.url, "date": record.date, "charset": record.charset}
                    id_ = record.url or record.record_id
                    yield Document(id_, "", shard.source, shard.language, metadata, record.body)
    finally:
        if problems:
            report.problems.setdefault(_name(file, shard), Counter()).update(problems)


def _read_raw(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    """HTML and PDF files: the bytes, for an extraction step to read."""
    raw = _read_whole(file, shard, report)
    if raw is not None:
        yield Document(
            _name(file, shard), "", shard.source, shard.language, {"file": _name(file, shard)}, raw
        )


def _read_text(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    raw = _read_whole(file, shard, report)
    if raw is not None:
        name = _name(file, shard)
        metadata = {"file": name}
        if shard.kind == "code":
            metadata["programming_language"] = CODE_LANGUAGES[Path(file).suffix.lower()]
        text = repair_unicode(decode_text(raw))
        if text.strip():
            yield Document(name, text, shard.source, shard.language, metadata)
        else:
            report.problem(name, "no text")


def _read_jsonl(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    name = _name(file, shard)
    with _open(file) as raw:
        lines: Any = gzip.open(raw) if file.endswith(".gz") else raw
        try:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                    text = row["text"]
                except (ValueError, KeyError, TypeError, RecursionError):
                    report.problem(name, "line without a JSON object with `text`")
                    continue
                document = _from_row(row, text, f"{name}:{number}", shard)
                if document is None:
                    report.problem(name, "empty text")
                else:
                    yield document
        except (EOFError, gzip.BadGzipFile) as error:
            report.problem(name, f"broken gzip: {error}")


def _read_parquet(file: str, shard: Shard, report: Report) -> Iterator[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = _name(file, shard)
    try:
        if "://" in file:
            with _open(file) as stream:
                table = pq.ParquetFile(pa.BufferReader(stream.read(MAXIMUM_FILE_BYTES)))
        else:
            table = pq.ParquetFile(file)
        if "text" not in table.schema_arrow.names:
            report.problem(name, "no column `text`")
            return
        number = 0
        for batch in table.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                number += 1
                document = _from_row(row, row["text"], f"{name}:{number}", shard)
                if document is None:
                    report.problem(name, "empty text")
                else:
                    yield document
    except pa.ArrowException as error:
        report.problem(name, f"broken Parquet: {str(error).splitlines()[0]}")


def _read_hub(place: str, shard: Shard, report: Report) -> Iterator[Document]:
    import datasets

    name, _, rest = place.partition(":")
    config, _, split = rest.partition(":")
    try:
        rows = datasets.load_dataset(name, config or None, split=split or "train", streaming=True)
        for number, row in enumerate(rows, 1):
            document = _from_row(row, row.get("text", ""), f"{place}:{number}", shard)
            if document is None:
                report.problem(place, "empty text")
            else:
                yield document
    except Exception as error:  # the hub's client raises errors of many libraries
        raise CurationError(f"hub:{place}: {type(error).__name__}: {str(error).splitlines()[0]}") from error


def _from_row(row: dict[str, Any], text: Any, fallback_id: str, shard: Shard) -> Document | None:
    if not isinstance(text, str) or not text.strip():
        return None
    language = shard.language or str(row.get("language") or "")
    metadata = {key: row[key] for key in ("url", "date", "dump") if isinstance(row.get(key), str)}
    id_ = str(row.get("id") or row.get("url") or fallback_id)
    return Document(id_, repair_unicode(text), shard.source, language, metadata)


READERS: dict[str, Reader] = {
    "warc": _read_warc,
    "wet": _read_warc,
    "html": _read_raw,
    "pdf": _read_raw,
    "text": _read_text,
    "code": _read_text,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "hub": _read_hub,
}
