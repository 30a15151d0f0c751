"""The table of curation steps: what a recipe's `steps` may name.

To add a step, write its function in a file of its own and add one line here (and a section to `recipe.Curate`
if it has thresholds).
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from smollab.curate.decontaminate import decontaminate
from smollab.curate.dedup import PieceDedup, Shards, byte_dedup, exact_dedup, minhash_dedup, url_dedup
from smollab.curate.extract import extract_html
from smollab.curate.filters import c4_quality, fineweb_quality, gopher_quality, gopher_repetition
from smollab.curate.language import identify_language
from smollab.curate.page_language import identify_page_language
from smollab.curate.pdf import extract_pdf
from smollab.curate.pii import mask_pii
from smollab.curate.quality import edu_quality
from smollab.curate.toxicity import toxicity
from smollab.curate.unicode import fix_unicode
from smollab.curate.urls import filter_url
from smollab.documents import Document, Drop
from smollab.recipe import Curate, RecipeError

__all__ = ["GLOBAL_STEPS", "LOCAL_STEPS", "Dedup", "Step", "check_steps", "make_step"]

Step = Callable[[Document], Document | Drop]
"""A local step looks at one document at a time."""


class Dedup(Protocol):
    """A global step: it sees all documents, through a few 64-bit keys for each."""

    @property
    def name(self) -> str:
        """Of the step; drops are `name: reason`."""
        ...

    @property
    def key_settings(self) -> dict[str, Any]:
        """Settings on which the keys depend, and not only the verdicts."""
        ...

    @property
    def edits(self) -> bool:
        """Whether it changes texts; else it only drops documents."""
        ...

    def describe(self, documents: Iterable[Document], output: Path, known: Path | None = None) -> int:
        """Write the keys of a shard's documents to a file, and return how many documents."""
        ...

    def compare(self, shards: Shards) -> None:
        """Compare the keys of all shards and write the verdicts on each shard's documents to a file."""
        ...

    def carry_out(self, verdicts: Path, documents: Iterable[Document]) -> Iterator[tuple[Document, Document | Drop]]:
        """Yield the documents that were described, in order, each with what becomes of it."""
        ...


LOCAL_STEPS: dict[str, Callable[[Curate], Step]] = {
    "url": lambda curate: filter_url(curate.url, curate.by_language),
    "extract_html": lambda curate: extract_html,
    "fix_unicode": lambda curate: fix_unicode,
    "extract_pdf": lambda curate: partial(extract_pdf, settings=curate.extract_pdf),
    "language": lambda curate: identify_language(curate.language, curate.by_language),
    "page_language": lambda curate: identify_page_language(
        curate.page_language, curate.language.languages, curate.by_language
    ),
    "gopher_repetition": lambda curate: gopher_repetition(curate.gopher_repetition, curate.by_language),
    "gopher_quality": lambda curate: gopher_quality(curate.gopher_quality, curate.by_language),
    "c4_quality": lambda curate: c4_quality(curate.c4_quality, curate.by_language),
    "fineweb_quality": lambda curate: fineweb_quality(curate.fineweb_quality, curate.by_language),
    "edu_quality": lambda curate: edu_quality(curate.edu_quality, curate.by_language),
    "toxicity": lambda curate: toxicity(curate.toxicity, curate.by_language),
    "decontaminate": lambda curate: decontaminate(curate.decontaminate, curate.by_language),
    "pii": lambda curate: partial(mask_pii, settings=curate.pii),
}
GLOBAL_STEPS: dict[str, Callable[[Curate], Dedup]] = {
    "byte_dedup": lambda curate: byte_dedup(),
    "url_dedup": lambda curate: url_dedup(),
    "exact_dedup": lambda curate: exact_dedup(),
    "minhash_dedup": lambda curate: minhash_dedup(curate.minhash_dedup),
    "paragraph_dedup": lambda curate: PieceDedup("paragraph", curate.paragraph_dedup),
    "line_dedup": lambda curate: PieceDedup("line", curate.line_dedup),
}


def make_step(name: str, settings: Curate) -> Step:
    """Build a local step from its section of the recipe."""
    return LOCAL_STEPS[name](settings)


def check_steps(source: str, names: Iterable[str]) -> None:
    """Refuse a step that does not exist, and name the nearest that does.

    Raises:
        RecipeError: an unknown or repeated step.
    """
    known = [*LOCAL_STEPS, *GLOBAL_STEPS]
    seen: set[str] = set()
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
            raise RecipeError(f"data.sources.{source}.steps: no curation step {name!r}; {hint}")
        if name in seen:
            raise RecipeError(f"data.sources.{source}.steps: {name!r} is listed twice")
        seen.add(name)
