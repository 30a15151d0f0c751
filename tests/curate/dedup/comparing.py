"""Runs a global step over documents in a folder, as the pipeline does, and says what became of each."""

from smollab.curate.dedup import Shards
from smollab.documents import Document, Drop, write_documents


def compare(step, folder, *shards):
    """Describe and compare shards of documents; return the `Shards`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "work").mkdir(exist_ok=True)
    files = [folder / f"{i:03d}.kept.parquet" for i in range(len(shards))]
    described = [folder / f"{i:03d}.keys.parquet" for i in range(len(shards))]
    for file, keys, documents in zip(files, described, shards, strict=True):
        write_documents(file, documents)
        assert step.describe(iter(documents), keys) == len(documents)
    verdicts = tuple(folder / f"{i:03d}.verdicts.parquet" for i in range(len(shards)))
    compared = Shards(
        described=tuple(described),
        documents=tuple((file,) for file in files),
        verdicts=verdicts,
        work=folder / "work",
    )
    step.compare(compared)
    return compared


def outcomes(step, folder, *shards):
    """Return (before, after) for every document of every shard."""
    verdicts = compare(step, folder, *shards).verdicts
    return [
        pair for path, documents in zip(verdicts, shards, strict=True) for pair in step.carry_out(path, iter(documents))
    ]


def originals(step, folder, texts, **metadata):
    """Return for each text the number of the one kept in its place: itself, or the one its drop names."""
    documents = [Document(str(i), text, "web", "en", dict(metadata)) for i, text in enumerate(texts)]
    return [
        int(after.detail.removeprefix("of ")) if isinstance(after, Drop) else int(before.id)
        for before, after in outcomes(step, folder, documents)
    ]
