"""The end of a run: bring what all shards kept and dropped into the output folder, and write the funnel."""

import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from smollab.curate.funnel import Funnel
from smollab.curate.ledger import read_ledger, write_ledger
from smollab.curate.local import LocalTask
from smollab.curate.parts import parts_of, write_json
from smollab.curate.recorded import About
from smollab.documents import Document, Drop, read_documents, read_drops, write_documents, write_drops

__all__ = ["gather"]

RECORDED = ("ledger", "extracted", "keys")
"""Folders with what is recorded for other cuts."""
FILE_CHARACTERS = 64_000_000
"""An output file holds about this much text."""
UNKNOWN_LANGUAGE = "und"
"""ISO 639-2 for a language nobody determined."""


def gather(output: Path, stages: dict[str, list[list[LocalTask]]], funnel: Funnel, about: About | None) -> None:
    """Write `kept/`, `dropped/`, `ledger/`, `extracted/` and, last, `funnel.json`.

    Args:
        output: the folder; what an earlier run left there is replaced.
        stages: source -> its stages, each with the tasks of all shards.
        funnel: gets the languages of each source.
        about: written beside the ledger; None: there is no ledger.
    """
    (output / "funnel.json").unlink(missing_ok=True)
    for name in ("kept", "dropped", *RECORDED):
        shutil.rmtree(output / name, ignore_errors=True)
    for name in ("kept", "dropped", *(RECORDED if about else ())):
        (output / name).mkdir(parents=True)
    for source, tasks in stages.items():
        kept = [path for task in tasks[-1] for path in parts_of(task.folder, task.index, "kept")]
        dropped = [path for stage in tasks for t in stage for path in parts_of(t.folder, t.index, "dropped")]
        _gather_kept(output / "kept", source, read_documents(*kept), funnel)
        _gather_dropped(output / "dropped", source, read_drops(*dropped))
        if about:
            for shard in zip(*tasks, strict=True):
                _gather_ledger(output, source, shard)
    if about:
        write_json(output / "ledger" / "about.json", asdict(about))
    unfinished = output / "funnel.json.unfinished"
    unfinished.write_text(funnel.to_json(), encoding="utf-8")
    unfinished.replace(output / "funnel.json")


def _gather_ledger(output: Path, source: str, stages: tuple[LocalTask, ...]) -> None:
    """Write the ledger of a shard, with what its later stages added, and bring its extracted texts."""
    first, *later = stages
    rows = {row.record: row for row in read_ledger(*parts_of(first.folder, first.index, "ledger"))}
    for task in later:
        for addition in read_ledger(*parts_of(task.folder, task.index, "ledger")):
            row = rows[addition.record]
            row.values.update(addition.values)
            row.language = addition.language
            row.step, row.reason, row.detail = addition.step, addition.reason, addition.detail
    write_ledger(output / "ledger" / f"{source}-{first.index:05d}.parquet", list(rows.values()))
    for task in stages:
        for keys in task.folder.glob(f"{task.index:05d}.*.keys.parquet"):
            step = keys.name.split(".")[1]
            shutil.copyfile(keys, output / "keys" / f"{source}-{first.index:05d}.{step}.parquet")
    for number, path in enumerate(parts_of(first.folder, first.index, "extracted")):
        shutil.copyfile(path, output / "extracted" / f"{source}-{first.index:05d}-{number:05d}.parquet")


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
