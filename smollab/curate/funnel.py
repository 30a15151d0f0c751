"""The funnel: how much went into each step, how much came out, and why the rest did not."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from smollab.documents import Document, Drop

__all__ = ["Funnel", "ReasonCount", "SourceFunnel", "StepCount"]

EXAMPLES = 3
EXAMPLE_CHARACTERS = 300


@dataclass
class ReasonCount:
    """Drops for one reason."""

    documents: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)
    """Up to three: `id`, `detail`, `text` (its beginning)."""


@dataclass
class StepCount:
    """One step of one source."""

    name: str
    documents_in: int = 0
    documents_out: int = 0
    characters_in: int = 0
    """Before extraction these are bytes."""
    characters_out: int = 0
    drops: dict[str, ReasonCount] = field(default_factory=dict)
    """Reason -> how many, most frequent first in `Funnel`."""

    def count(self, before: Document, after: Document | Drop, size_in: int, size_out: int) -> None:
        """Count one document and what became of it."""
        self.documents_in += 1
        self.characters_in += size_in
        if isinstance(after, Document):
            self.documents_out += 1
            self.characters_out += size_out
            return
        reason = self.drops.setdefault(after.reason, ReasonCount())
        reason.documents += 1
        if len(reason.examples) < EXAMPLES:
            text = before.text[:EXAMPLE_CHARACTERS]
            reason.examples.append({"id": before.id, "detail": after.detail, "text": text})

    def add(self, other: "StepCount") -> None:
        """Add another shard's counts."""
        self.documents_in += other.documents_in
        self.documents_out += other.documents_out
        self.characters_in += other.characters_in
        self.characters_out += other.characters_out
        for name, count in other.drops.items():
            mine = self.drops.setdefault(name, ReasonCount())
            mine.documents += count.documents
            mine.examples = (mine.examples + count.examples)[:EXAMPLES]


@dataclass
class SourceFunnel:
    """All steps of one source, and what was met while reading it."""

    steps: list[StepCount] = field(default_factory=list)
    problems: dict[str, dict[str, int]] = field(default_factory=dict)
    """File -> what was wrong with it -> how often."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Records that are no documents -> how many."""
    languages: dict[str, int] = field(default_factory=dict)
    """Language -> documents kept."""

    @property
    def documents_read(self) -> int:
        """Documents that went into the first step."""
        return self.steps[0].documents_in if self.steps else sum(self.languages.values())

    @property
    def documents_kept(self) -> int:
        """Documents that came out of the last step."""
        return sum(self.languages.values())

    @property
    def characters_kept(self) -> int:
        """Characters that came out of the last step."""
        return self.steps[-1].characters_out if self.steps else 0

    def step(self, name: str) -> StepCount:
        """Return the counts of a step, new if it is not there yet."""
        for step in self.steps:
            if step.name == name:
                return step
        self.steps.append(StepCount(name))
        return self.steps[-1]

    def add(self, other: "SourceFunnel") -> None:
        """Add another shard's counts."""
        for step in other.steps:
            self.step(step.name).add(step)
        for file, problems in other.problems.items():
            mine = self.problems.setdefault(file, {})
            for what, count in problems.items():
                mine[what] = mine.get(what, 0) + count
        self.skipped = dict(Counter(self.skipped) + Counter(other.skipped))


@dataclass
class Funnel:
    """The funnel of every source, in the order of the recipe."""

    sources: dict[str, SourceFunnel] = field(default_factory=dict)

    @property
    def documents_read(self) -> int:
        """Of all sources."""
        return sum(source.documents_read for source in self.sources.values())

    @property
    def documents_kept(self) -> int:
        """Of all sources."""
        return sum(source.documents_kept for source in self.sources.values())

    @property
    def characters_kept(self) -> int:
        """Of all sources."""
        return sum(source.characters_kept for source in self.sources.values())

    def to_json(self) -> str:
        """Write as JSON, the same bytes for the same counts."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Funnel":
        """Read what `to_json` wrote."""
        return cls({name: read_source(values) for name, values in json.loads(text)["sources"].items()})

    @classmethod
    def load(cls, output: Path) -> "Funnel":
        """Read the funnel of a finished curation folder."""
        return cls.from_json((output / "funnel.json").read_text(encoding="utf-8"))


def read_source(values: dict[str, Any]) -> SourceFunnel:
    """Build a source's funnel from its JSON object."""
    steps = []
    for step in values["steps"]:
        drops = {name: ReasonCount(**count) for name, count in step["drops"].items()}
        steps.append(StepCount(**{**step, "drops": drops}))
    return SourceFunnel(**{**values, "steps": steps})
