"""The end of a run: bring what all shards kept and dropped into the output folder, and write the funnel."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from smollab.curate.funnel import Funnel
from smollab.documents import Document, Drop, read_documents, read_drops, write_documents, write_drops

__all__ = ["gather"]

FILE_CHARACTERS = 64_000_000
"""An output file holds about this much text."""
UNKNOWN_LANGUAGE = "und"
"""ISO 639-2 for a language nobody determined."""


def gather(output: Path, kept: dict[str, list[Path]], dropped: dict[str, list[Path]], funnel: Funnel) -> None:
    """Write `kept/`, `dropped/` and, last, `funnel.json`.

    Args:
        output: the folder; what an earlier run left there is replaced.
        kept: source -> its kept parts in order.
        dropped: source -> its dropped parts in order.
        funnel: gets the languages of each source.
    """
    (output / "funnel.json").unlink(missing_ok=True)
    for name in ("kept", "dropped"):
        shutil.rmtree(output / name, ignore_errors=True)
        (output / name).mkdir(parents=True)
    for source, paths in kept.items():
        _gather_kept(output / "kept", source, read_documents(*paths), funnel)
    for source, paths in dropped.items():
        _gather_dropped(output / "dropped", source, read_drops(*paths))
    unfinished = output / "funnel.json.unfinished"
    unfinished.write_text(funnel.to_json(), encoding="utf-8")
    unfinished.replace(output / "funnel.json")


def _gather_kept(folder: Path, source: str, documents: Iterable[Document], funnel: Funnel) -> None:
    waiting: dict[str, list[Document]] = {}
    sizes: dict[str, int] = {}
    files: dict[str, int] = {}
    counts: dict[str, int] = {}

    def flush(language: str) -> None:
        number = files.get(language, 0)
        write_documents(folder / f"{source}-{language}-{number:05d}.parquet", waiting.pop(language))
        files[language], sizes[language] = number + 1, 0

    for document in documents:
        language = document.language or UNKNOWN_LANGUAGE
        waiting.setdefault(language, []).append(document)
        sizes[language] = sizes.get(language, 0) + len(document.text)
        counts[language] = counts.get(language, 0) + 1
        if sizes[language] >= FILE_CHARACTERS:
            flush(language)
        elif sum(sizes.values()) >= 2 * FILE_CHARACTERS:  # many languages, each with a little
            flush(max(sizes, key=lambda name: sizes[name]))
    for language in sorted(waiting):
        flush(language)
    funnel.sources[source].languages = dict(sorted(counts.items()))


def _gather_dropped(folder: Path, source: str, drops: Iterable[tuple[Document, str, Drop]]) -> None:
    waiting: list[tuple[Document, str, Drop]] = []
    size = number = 0
    for drop in drops:
        waiting.append(drop)
        size += len(drop[0].text)
        if size >= FILE_CHARACTERS:
            write_drops(folder / f"{source}-{number:05d}.parquet", waiting)
            waiting, size, number = [], 0, number + 1
    if waiting:
        write_drops(folder / f"{source}-{number:05d}.parquet", waiting)
