"""What curation works on: documents, drops, and shards of both on disk.

A *document* is one text with its origin. A curation step either returns a document or a *drop*, which says
why the document left; both are written to Parquet shards, so that anyone can later ask why a page is missing.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Document",
    "Drop",
    "read_documents",
    "read_drops",
    "replace",
    "write_documents",
    "write_drops",
    "write_rows",
]


@dataclass(frozen=True, slots=True)
class Document:
    """One text and where it came from."""

    id: str
    """Unique and stable between runs: the URL, or the path of the file."""
    text: str
    """The text; empty until an extraction step has turned `raw` into text."""
    source: str
    """The recipe's name of the source, such as `web` or `pdf`."""
    language: str = ""
    """ISO 639-1 code, empty until it is known. Programming code has the language `code`."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Whatever else is known and can be written as JSON: url, date, content type, scores."""
    raw: bytes = b""
    """The bytes as fetched (HTML, PDF); never written to disk, emptied by extraction."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a document left the pipeline."""

    reason: str
    """Short and countable, the rule that failed: `gopher_quality: too few words`."""
    detail: str = ""
    """The measured value against its threshold: `31 words < 50`."""


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """Write documents as one Parquet shard, atomically, and return how many.

    A crash or a full disk never leaves a half-written shard under the final name.

    Raises:
        OSError: the disk is full or not writable.
    """
    rows = [
        {
            "id": d.id,
            "text": d.text,
            "source": d.source,
            "language": d.language,
            "metadata": json.dumps(d.metadata, ensure_ascii=False, sort_keys=True),
        }
        for d in documents
    ]
    write_rows(path, rows, _strings(("id", "text", "source", "language", "metadata")))
    return len(rows)


def read_documents(*paths: Path) -> Iterator[Document]:
    """Yield the documents of Parquet shards, in order, without loading a whole shard."""
    for row in _read_rows(paths):
        yield Document(row["id"], row["text"], row["source"], row["language"], json.loads(row["metadata"]))


def write_drops(path: Path, drops: Iterable[tuple[Document, str, Drop]]) -> int:
    """Write (document, step, drop) triples as one Parquet shard, atomically, and return how many.

    The text is kept as it was when the step refused it, so that a reader can judge the refusal.
    """
    rows = [
        {
            "id": document.id,
            "text": document.text,
            "source": document.source,
            "language": document.language,
            "step": step,
            "reason": drop.reason,
            "detail": drop.detail,
        }
        for document, step, drop in drops
    ]
    write_rows(path, rows, _strings(("id", "text", "source", "language", "step", "reason", "detail")))
    return len(rows)


def read_drops(*paths: Path) -> Iterator[tuple[Document, str, Drop]]:
    """Yield (document, step, drop) triples from Parquet shards, in order."""
    for row in _read_rows(paths):
        document = Document(row["id"], row["text"], row["source"], row["language"])
        yield document, row["step"], Drop(row["reason"], row["detail"])


def write_rows(path: Path, rows: list[dict[str, Any]], schema: "pa.Schema") -> None:
    """Write rows as one Parquet file, atomically.

    Raises:
        OSError: the disk is full or not writable.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), unfinished, compression="zstd")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _strings(columns: tuple[str, ...]) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(column, pa.large_string()) for column in columns])


def _read_rows(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    for path in paths:
        with pq.ParquetFile(path) as shard:
            for batch in shard.iter_batches(batch_size=256):
                yield from batch.to_pylist()
