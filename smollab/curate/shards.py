"""Where documents are: an address becomes shards in a stable order.

A *shard* is what one worker reads at a time: one WARC, JSONL or Parquet file, or a handful of small files.
Places are looked up in the current folder first, then beside the package (for the samples that come with it).
"""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from smollab.curate.commoncrawl import list_parts
from smollab.curate.errors import CurationError
from smollab.curate.storage import find_remote_files, is_remote
from smollab.recipe import Source, resolve_place

__all__ = ["CODE_LANGUAGES", "Report", "Shard", "list_shards", "name_of"]

SHARD_BYTES = 16 * 2**20
"""Small files are gathered into shards of about this size."""
SHARD_FILES = 200
MAXIMUM_REASONS = 200
"""Different problems that are counted by name, for one file."""
CODE_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".ipynb": "notebook", ".c": "c", ".h": "c", ".cc": "c++",
    ".cpp": "c++", ".hpp": "c++", ".rs": "rust", ".go": "go", ".java": "java", ".js": "javascript",
    ".ts": "typescript", ".rb": "ruby", ".sh": "shell", ".sql": "sql", ".r": "r", ".jl": "julia",
    ".lua": "lua", ".php": "php", ".swift": "swift", ".kt": "kotlin", ".scala": "scala",
    ".hs": "haskell", ".ml": "ocaml", ".pl": "perl",
}  # fmt: skip
"""File name ending -> programming language."""
SUFFIXES = {
    "warc": (".warc.gz", ".warc", ".warc.zst"),
    "wet": (".wet.gz", ".wet", ".wet.zst"),
    "html": (".html", ".htm", ".xhtml"),
    "pdf": (".pdf",),
    "text": (".txt",),
    "code": tuple(CODE_LANGUAGES),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".json.zst"),
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
    """Paths or addresses; for a hub data set its place; for `cc` a part of an index."""
    root: str = ""
    """Folder that ids are relative to."""
    language: str = ""
    """Declared language."""
    limit: int | None = None
    """Read at most this many documents."""
    part: tuple[int, int] = (0, 1)
    """Of a hub data set: (this part, parts)."""
    formats: tuple[str, ...] = ("html",)
    """Of a crawl: what the source's steps extract, `html`, `pdf`, or both."""


@dataclass
class Report:
    """What was met while reading: nothing here stops a run."""

    problems: dict[str, Counter[str]] = field(default_factory=dict)
    """File -> what was wrong with it -> how often."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Records that are no documents, such as images in a WARC file -> how many."""

    def problem(self, file: str, what: str, count: int = 1) -> None:
        """Count a problem of a file."""
        _count(self.problems.setdefault(file, Counter()), what, count)

    def skip(self, what: str) -> None:
        """Count a record that is no document."""
        _count(self.skipped, what, 1)


def _count(counter: Counter[str], what: str, count: int) -> None:
    """Count; what strangers wrote (a content type, a status) must not fill the memory with names."""
    counter[what if what in counter or len(counter) < MAXIMUM_REASONS else "other"] += count


def list_shards(name: str, source: Source) -> list[Shard]:
    """Find a source's files and cut them into shards, in a stable order.

    Args:
        name: the source's name in the recipe.
        source: its address and limits.

    Raises:
        CurationError: an unknown kind, a place that does not exist, or nothing to read there.
    """
    formats = tuple(name for name in ("html", "pdf") if f"extract_{name}" in source.resolved_steps) or ("html",)
    return [replace(shard, formats=formats) for shard in _list_shards(name, source)]


def _list_shards(name: str, source: Source) -> list[Shard]:
    kind, place = source.kind, source.place
    language = source.language or ("code" if kind == "code" else "")
    if kind == "hub":
        return [Shard(name, kind, (place,), language=language, limit=source.limit)]
    if kind == "cc":
        try:
            parts = list_parts(place)
        except CurationError as error:
            raise CurationError(f"data.sources.{name}: {error}") from None
        if source.limit is not None:
            return [Shard(name, kind, tuple(parts), language=language, limit=source.limit)]
        return [Shard(name, kind, (part,), language=language) for part in parts]
    if kind not in SUFFIXES:
        known = ", ".join([*SUFFIXES, "cc", "hub"])
        raise CurationError(f"data.sources.{name}: unknown kind {kind!r} in {source.address!r}; known: {known}")
    if is_remote(place):
        return _list_remote(name, source, language)
    root = _resolve(name, source)
    files = [root] if root.is_file() else _find_files(root, SUFFIXES[kind])
    if not files:
        raise CurationError(
            f"data.sources.{name}: {root} holds no {' or '.join(SUFFIXES[kind][:2])} file; correct the address"
        )
    folder = root.parent if root.is_file() else root
    groups = [files] if source.limit is not None else _group(kind, files)
    return [Shard(name, kind, tuple(map(str, group)), str(folder), language, source.limit) for group in groups]


def name_of(file: str, shard: Shard) -> str:
    """The file as people know it: relative to the source's folder; bytes that are no UTF-8 as `\\xff`."""
    if is_remote(file) or shard.kind == "cc":
        return file
    path = Path(file)
    name = path.relative_to(shard.root).as_posix() if shard.root and path.is_relative_to(shard.root) else file
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _list_remote(name: str, source: Source, language: str) -> list[Shard]:
    try:
        files = find_remote_files(source.place, SUFFIXES[source.kind])
    except CurationError as error:
        raise CurationError(f"data.sources.{name}: {error}") from None
    if not files:
        wanted = " or ".join(SUFFIXES[source.kind][:2])
        raise CurationError(f"data.sources.{name}: {source.place} holds no {wanted} file; correct the address")
    if source.limit is not None:
        groups = [files]
    else:
        size = 1 if source.kind in ONE_FILE_A_SHARD else SHARD_FILES
        groups = [files[start : start + size] for start in range(0, len(files), size)]
    return [Shard(name, source.kind, tuple(group), language=language, limit=source.limit) for group in groups]


def _resolve(name: str, source: Source) -> Path:
    place = resolve_place(source.place)
    if not place.exists():
        raise CurationError(
            f"data.sources.{name}: {source.place} does not exist; correct the address or fetch the data"
        )
    return place.resolve()


def _find_files(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return files by their names, with folders that cannot be listed: reading tells what is wrong with them."""
    found: list[Path] = []

    def keep(error: OSError) -> None:
        found.append(Path(error.filename))

    for folder, folders, names in os.walk(root, onerror=keep):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in names if name.lower().endswith(suffixes) and name[0] != "."]
    return sorted(found)


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
        size += file.stat().st_size if file.is_file() else 0  # not of links into nowhere, pipes, ...
    return groups
