"""Deduplication of parts of documents: a paragraph or line that was seen before, anywhere, is cut out.

What repeats between pages that are not duplicates, such as menus, licenses and cookie banners, is found only at this
grain. The first occurrence stays. A document that loses so much that too little is left is dropped.

**Source**: CCNet (Wenzek et al. 2020, Deduplication): every paragraph, compared by 64 bits of a hash, lower case,
numbers to 0, without punctuation and accents. The least rest of a document is that of datatrove's sentence
deduplication (`min_doc_words=50`).

**Deviations**: CCNet compares within groups of shards that fit in memory, and its paragraphs are lines; here all
documents are compared, and a paragraph ends at a blank line.

**Fails when**: what repeats is meant, as in verse, tables and dialog: `minimum_piece_words` spares short pieces. A
piece whose first place is a document that is dropped later is gone for good.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from smollab.curate.dedup.equal_keys import find_equal
from smollab.curate.dedup.shingles import normalize
from smollab.curate.dedup.table import BLOCK_ROWS, Shards, Table, batched, disk_array, release, write_table
from smollab.documents import Document, Drop, replace
from smollab.recipe import RepeatedPieces

__all__ = ["PieceDedup", "split_pieces"]

_PIECES = {
    "paragraph": re.compile(r"(?s)(.+?)(\n\s*\n\s*|\Z)"),
    "line": re.compile(r"([^\n]*)(\n|\Z)"),
}


def split_pieces(text: str, grain: Literal["paragraph", "line"]) -> list[tuple[str, str]]:
    """Return the paragraphs or lines of a text, each with the white space after it; joined they are the text."""
    return [found.groups() for found in _PIECES[grain].finditer(text) if found.group()]  # type: ignore[misc]


@dataclass(frozen=True)
class PieceDedup:
    """A global step that edits documents: pieces that occurred before are cut out."""

    grain: Literal["paragraph", "line"]
    settings: RepeatedPieces

    @property
    def name(self) -> str:
        """Of the step."""
        return f"{self.grain}_dedup"

    @property
    def key_settings(self) -> dict[str, Any]:
        """Settings on which the keys depend; keys of pieces are not used again."""
        return {}

    @property
    def edits(self) -> bool:
        """It cuts pieces out of texts."""
        return True

    def describe(self, documents: Iterable[Document], output: Path, known: Path | None = None) -> int:
        """Write a shard's keys, one row for each piece, and return how many documents."""
        import pyarrow as pa

        count = 0

        def rows() -> Iterator[dict[str, Any]]:
            nonlocal count
            for batch in batched(documents):
                count += len(batch)
                yield {"key": [self._key(piece) for d in batch for piece, _ in split_pieces(d.text, self.grain)]}

        write_table(output, {"key": pa.uint64()}, rows())
        return count

    def compare(self, shards: Shards) -> None:
        """Find the pieces that occurred before and write each shard's verdicts."""
        import pyarrow as pa

        table = Table(shards.described)
        scratch = shards.work / "scratch"
        scratch.mkdir(exist_ok=True)
        repeated: NDArray[np.bool_] = disk_array(scratch / "repeated", len(table), 0, np.bool_)
        for _, again in find_equal(table.keys(["key"]), len(table), scratch):
            repeated[again] = True
            release(repeated)
        for shard, path in enumerate(shards.verdicts):
            start, end = table.starts[shard : shard + 2].tolist()
            blocks = ({"repeated": repeated[a : min(a + BLOCK_ROWS, end)]} for a in range(start, end, BLOCK_ROWS))
            write_table(path, {"repeated": pa.bool_()}, blocks)
        shutil.rmtree(scratch)

    def carry_out(self, verdicts: Path, documents: Iterable[Document]) -> Iterator[tuple[Document, Document | Drop]]:
        """Yield each document of a shard with what becomes of it: itself, edited, or a drop."""
        repeated = (value for block in Table([verdicts]).blocks("repeated") for value in block["repeated"].tolist())
        for document in documents:
            pieces = split_pieces(document.text, self.grain)
            left = [piece + space for piece, space in pieces if not next(repeated)]
            yield document, document if len(left) == len(pieces) else self._cut(document, left, len(pieces))

    def _cut(self, document: Document, left: list[str], pieces: int) -> Document | Drop:
        text = "".join(left).rstrip()
        words = len(text.split())
        cut = f"{pieces - len(left)} of {pieces} {self.grain}s seen before"
        if words < self.settings.minimum_words:
            return Drop(f"{self.name}: too little left", f"{words} words < {self.settings.minimum_words}; {cut}")
        return replace(document, text=text)

    def _key(self, piece: str) -> int:
        normal = normalize(piece)
        if normal.count(" ") + 1 < self.settings.minimum_piece_words or not normal:
            return 0
        return xxhash.xxh3_64_intdigest(normal.encode("utf-8", "replace")) | 1
