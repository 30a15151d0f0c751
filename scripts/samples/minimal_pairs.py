"""`data_samples/evaluation/minimal_pairs.jsonl`: pairs of sentences that differ in one point of grammar.

The pairs are written in `pairs/LANGUAGE.txt`, one sentence per line below the name of a phenomenon:

    The {file,folder} on the two disks [is|are] full.     {..} a sentence each; [good|bad]
    The program <will|not> start.                         <..> two neighbors, swapped in the bad sentence
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samples.manifest import OUR_LICENSE, Entry
from samples.packages import Packages
from samples.web import LANGUAGES

TEMPLATES = Path(__file__).parent / "pairs"


@dataclass(frozen=True)
class Pair:
    """A grammatical sentence and nearly the same one with a mistake."""

    language: str
    phenomenon: str
    good: str
    bad: str


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write the pairs of all languages as JSON lines."""
    lines = []
    for language in LANGUAGES:
        counts: dict[str, Iterator[int]] = {}
        for pair in read_pairs(language):
            number = next(counts.setdefault(pair.phenomenon, itertools.count(1)))
            name = f"{language}-{pair.phenomenon.replace(' ', '-')}-{number:02}"
            lines.append(json.dumps({"id": name, **vars(pair)}, ensure_ascii=False))
    path = "evaluation/minimal_pairs.jsonl"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        Entry(
            path=path,
            origin="written by us: scripts/samples/pairs/",
            license=OUR_LICENSE,
            languages=list(LANGUAGES),
            made_by_us=True,
            record_count=len(lines),
        )
    ]


def read_pairs(language: str) -> Iterator[Pair]:
    """The pairs of one language, in the order of its file."""
    phenomenon = ""
    for line in (TEMPLATES / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            phenomenon = line.lstrip("# ")
        elif line:
            for sentence in expand(line):
                yield Pair(language, phenomenon, *both_sides(sentence))


def expand(template: str) -> Iterator[str]:
    """All sentences a template stands for: `{a,b}` is either."""
    parts = re.split(r"\{([^}]*)\}", template)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    for choice in itertools.product(*choices):
        yield "".join(choice)


def both_sides(sentence: str) -> tuple[str, str]:
    """The good and the bad form of a sentence with one `[good|bad]` or `<first|second>`."""
    replaced = re.fullmatch(r"(.*)\[(.*)\|(.*)\](.*)", sentence)
    if replaced:
        before, good, bad, after = replaced.groups()
        return before + good + after, before + bad + after
    swapped = re.fullmatch(r"(.*)<(.*)\|(.*)>(.*)", sentence)
    if not swapped:
        raise ValueError(f"no [good|bad] and no <first|second> in {sentence!r}")
    before, first, second, after = swapped.groups()
    return f"{before}{first} {second}{after}", f"{before}{second} {first}{after}"
