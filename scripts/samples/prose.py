"""`data_samples/text/`: the Jargon File, a public-domain dictionary of hackers' English, as plain text.

The file is one alphabet of 2,300 entries, most of them a paragraph; consecutive entries are put together to
documents of about ten thousand characters. Line breaks inside paragraphs and the braces around
cross-references are taken away.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from samples.manifest import Entry, license_of, origin_of
from samples.packages import Packages

PACKAGE = "dict-jargon"
INSIDE = "usr/share/dictd/jargon.dict.dz"
DOCUMENT_CHARACTERS = 10_000
PART_OF_SPEECH = re.compile(r"(n|v|vt|vi|adj|adv|prov|obs|imp|excl|interj|pref|suff)\b[^\n]{0,40}$")


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write one text file per group of entries."""
    packages.fetch([PACKAGE])
    text = gzip.decompress(packages.path(PACKAGE, INSIDE).read_bytes()).decode("utf-8")
    (folder / "text" / "jargon").mkdir(parents=True, exist_ok=True)
    entries = []
    for number, document in enumerate(_documents(_dictionary_entries(text)), start=1):
        path = f"text/jargon/{number:03}.txt"
        (folder / path).write_text(document, encoding="utf-8")
        origin = f"{origin_of(packages, PACKAGE, INSIDE)} (Jargon File 4.4.7), consecutive entries, unwrapped"
        entries.append(
            Entry(
                path=path,
                origin=origin,
                license=license_of(PACKAGE),
                packages=[PACKAGE],
                languages=["en"],
            )
        )
    return entries


def _dictionary_entries(text: str) -> Iterator[str]:
    """The entries as paragraphs: the word and its pronunciation on a line, then the explanation."""
    for block in re.split(r"\n(?=\S)", text):
        head, *lines = block.strip("\n").split("\n")
        if head.startswith("00-database") or not lines:
            continue
        without_braces = re.sub(r"\{([^{}]+)\}", r"\1", "\n".join(lines))
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", without_braces)]
        title, *explanation = [head, *filter(None, paragraphs)]
        if len(explanation) > 1 and (explanation[0].startswith("/") or PART_OF_SPEECH.match(explanation[0])):
            title = f"{title} {explanation.pop(0)}"
        if explanation:
            yield "\n\n".join([title, *explanation])


def _documents(entries: Iterable[str]) -> Iterator[str]:
    """Consecutive entries joined until a document is long enough."""
    group: list[str] = []
    for entry in entries:
        group.append(entry)
        if sum(map(len, group)) >= DOCUMENT_CHARACTERS:
            yield "\n\n".join(group) + "\n"
            group = []
    if group:
        yield "\n\n".join(group) + "\n"
