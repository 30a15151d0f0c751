"""Use our local steps inside a datatrove pipeline, for those who run datatrove on Slurm.

    from datatrove.executor import SlurmPipelineExecutor
    from smollab.curate.datatrove_adapter import SmollabSteps

    pipeline = [
        WarcReader("s3://commoncrawl/crawl-data/CC-MAIN-2024-10/segments/", glob_pattern="*/warc/*"),
        SmollabSteps(("url", "extract_html", "language", "gopher_quality"), exclusion_writer=JsonlWriter("dropped/")),
        JsonlWriter("kept/"),
    ]

Deduplication looks at all documents and is no local step: use datatrove's there, or ours on its output.

This module imports datatrove, which is no dependency of smollab: `pip install datatrove`.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

from datatrove.data import Document as TroveDocument
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.typeshelper import StatHints

from smollab.curate.budget import CpuTimeExceeded, limit_cpu_time
from smollab.curate.errors import CurationError
from smollab.curate.steps import LOCAL_STEPS, make_step
from smollab.documents import Document, Drop, replace
from smollab.recipe import Curate

__all__ = ["SmollabSteps"]


class SmollabSteps(PipelineStep):  # type: ignore[misc]
    """Our local steps, one after the other, as one block of a datatrove pipeline.

    What a step sets is found in the metadata: `language`, `language_score`. Dropped documents are counted by reason,
    and given to the exclusion writer with `filter_reason` and `filter_detail`.
    """

    type = "🔻 - FILTER"
    name = "smollab"

    def __init__(
        self, steps: Iterable[str], settings: Curate | None = None, source: str = "web", exclusion_writer: Any = None
    ):
        """Name the steps.

        Args:
            steps: names of local steps, in order, as in a recipe.
            settings: their thresholds; left out: the published ones.
            source: name of the source, for the documents.
            exclusion_writer: a datatrove writer for the documents that are dropped.

        Raises:
            CurationError: a step that does not exist or is not local.
        """
        super().__init__()
        self.steps = tuple(steps)
        unknown = [name for name in self.steps if name not in LOCAL_STEPS]
        if unknown:
            raise CurationError(f"{unknown[0]!r} is no local step; known: {', '.join(LOCAL_STEPS)}")
        self.settings = settings or Curate()
        self.source = source
        self.exclusion_writer = exclusion_writer

    def run(self, data: Iterable[TroveDocument], rank: int = 0, world_size: int = 1) -> Iterator[TroveDocument]:
        """Yield what passes all steps."""
        steps = [(name, make_step(name, self.settings)) for name in self.steps]
        with self.exclusion_writer or nullcontext() as writer:
            for trove in data:
                self.stat_update(StatHints.total)
                with self.track_time():
                    before = self._from_trove(trove)
                    after, drop = _apply(before, steps, self.settings.cpu_seconds)
                _to_trove(trove, before, after)
                if drop is None:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(trove)
                    yield trove
                    continue
                self.stat_update(StatHints.dropped, f"dropped_{drop.reason}")
                if writer is not None:
                    trove.metadata |= {"filter_reason": drop.reason, "filter_detail": drop.detail}
                    writer.write(trove, rank)

    def _from_trove(self, trove: TroveDocument) -> Document:
        """Take over a document; what datatrove's readers of web pages call text is HTML until it is extracted."""
        text, raw, metadata = trove.text, b"", dict(trove.metadata)
        if any(name.startswith("extract_") for name in self.steps):
            media = next((m.media_bytes for m in trove.media if m.media_bytes), None)
            text, raw = "", media or text.encode("utf-8", "replace")
            if media is None:
                metadata["charset"] = "utf-8"  # the reader has decoded it
        language = str(metadata.get("language", ""))
        return Document(trove.id, text, self.source, language, metadata, raw)


def _apply(document: Document, steps: list[tuple[str, Any]], cpu_seconds: float) -> tuple[Document, Drop | None]:
    """Return the document as far as it came, and why it went no further."""
    for name, step in steps:
        try:
            with limit_cpu_time(cpu_seconds):
                result = step(document)
        except CpuTimeExceeded as error:
            return document, Drop(f"{name}: CPU time", f"> {error}")
        except (CurationError, ImportError):  # not the document's fault
            raise
        except Exception as error:  # one odd document must not end a run of millions; the statistics show it
            return document, Drop(f"{name}: error", f"{type(error).__name__}: {error}")
        if isinstance(result, Drop):
            return document, result
        document = result
    return replace(document, raw=b""), None


def _to_trove(trove: TroveDocument, before: Document, after: Document) -> None:
    """Write what the steps changed."""
    if not after.raw:  # a page that could not be extracted stays as it came
        trove.text = after.text
    metadata = dict(after.metadata)
    if before.metadata.get("charset") != trove.metadata.get("charset"):
        metadata.pop("charset", None)
    trove.metadata.update(metadata)
    if after.language:
        trove.metadata["language"] = after.language
