"""Read the examples of evaluation sets: JSONL files, and the fields of their rows that hold text."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smollab.curate.errors import CurationError
from smollab.recipe.toml import resolve_place

__all__ = ["Example", "read_examples", "split_words"]

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Example:
    """One text of an evaluation set."""

    id: str
    """`FILE:ID/FIELD`: the file's name, the row's `id` (its line where it has none) and the field."""
    text: str


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def read_examples(evaluations: Mapping[str, tuple[str, ...]]) -> Iterator[Example]:
    """Yield the texts of evaluation sets; a field may hold a text or a list of texts.

    Args:
        evaluations: JSONL file -> fields.

    Raises:
        CurationError: no set is named, a file cannot be read, or a row has none of the fields.
    """
    if not evaluations:
        raise CurationError(
            "decontaminate: no evaluation set is named; give files and fields in the recipe, such as "
            'evaluations = { "questions.jsonl" = ["question", "answer"] }'
        )
    for name, fields in evaluations.items():
        path = resolve_place(name)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CurationError(f"decontaminate.evaluations: {path} cannot be read ({error})") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield from _examples_of(path, number, line, fields)


def _examples_of(path: Path, number: int, line: str, fields: tuple[str, ...]) -> Iterator[Example]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CurationError(f"{path}:{number}: not JSON ({error})") from None
    present = [field for field in fields if isinstance(row, dict) and field in row]
    if not present:
        has = ", ".join(row) if isinstance(row, dict) else type(row).__name__
        raise CurationError(f"{path}:{number}: none of the fields {', '.join(fields)}; the row has {has}")
    for field in present:
        texts = row[field] if isinstance(row[field], list) else [row[field]]
        for text in texts:
            yield Example(f"{path.name}:{row.get('id', number)}/{field}", str(text))
