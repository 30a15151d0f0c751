"""The manifest: what every sample file is, where it comes from, its license, size and checksum."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from samples.packages import Packages

NAME = "manifest.json"
UNLISTED = ("manifest.json", "README.md")
"""Files that describe the samples and are no samples themselves."""
OUR_LICENSE = "Apache-2.0"
"""Of what we made ourselves: the license of the repository."""
LICENSES = {
    "installation-guide-amd64": "GPL-2.0-only",
    "debian-reference": "GPL-2.0-or-later",
    "debian-faq": "LicenseRef-debian-faq",
    "debian-history": "GPL-2.0-or-later",
    "debian-refcard": "GPL-3.0-or-later",
    "maint-guide": "GPL-2.0-or-later",
    "developers-reference": "GPL-2.0-or-later",
    "debian-handbook": "GPL-2.0-or-later OR CC-BY-SA-3.0",
    "gnome-user-docs": "CC-BY-SA-3.0",
    "debian-policy": "GPL-2.0-or-later",
    "libreoffice-help": "MPL-2.0",
    "python3.11-doc": "PSF-2.0",
    "libpython3.11": "PSF-2.0",
    "linux-doc-6.1": "GPL-2.0-only",
    "texlive-latex-base-doc": "LPPL-1.3c",
    "dict-jargon": "LicenseRef-public-domain",
    "base-files": "LicenseRef-verbatim-copies",
}
"""Package, without its language, -> SPDX expression as read from its copyright file."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the manifest says about one file, apart from size and checksum."""

    path: str
    """Relative to the samples' folder."""
    origin: str
    """Package, version and path inside; or how we made it."""
    license: str
    """SPDX expression."""
    packages: list[str] = field(default_factory=list)
    """Debian packages with text of which the file is made; their copyright files lie in `licenses/`."""
    languages: list[str] = field(default_factory=list)
    """ISO 639-1."""
    made_by_us: bool = False
    """True where no text of others is in it."""
    record_count: int = 1
    """Records of a WARC file, lines of a JSONL file, pages of a PDF; else 1."""
    records: list[dict[str, str]] = field(default_factory=list)
    """For WARC files: address, type, kind, language and package of each record, in order."""


def license_of(package: str) -> str:
    """The SPDX expression of a package, such as `debian-reference-fr`."""
    return next(license for name, license in LICENSES.items() if package.startswith(name))


def licenses_of(packages: Iterable[str], *others: str) -> str:
    """The SPDX expression of a file that holds texts of several packages."""
    parts = sorted({*map(license_of, packages), *others})
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts)


def origin_of(packages: Packages, package: str, inside: str = "") -> str:
    """Where a file comes from, in words: `Debian package NAME VERSION, PATH`."""
    return f"Debian package {package} {packages.version(package)}" + (f", {inside}" if inside else "")


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    """Write `manifest.json`, a line per file and a line per record so that changes read well in git."""
    rows = []
    for entry in sorted(entries, key=lambda e: e.path):
        data = (folder / entry.path).read_bytes()
        facts = {"path": entry.path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        described = {key: value for key, value in asdict(entry).items() if value != [] or key == "languages"}
        rows.append(_row(facts | described))
    (folder / NAME).write_text('{"files": [\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8")


def check_manifest(folder: Path) -> list[str]:
    """Compare the files on disk with the manifest and return the differences as sentences."""
    listed = {row["path"]: row for row in read_manifest(folder)}
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in UNLISTED and "__pycache__" not in path.parts
    }
    problems = [f"{path}: listed, but not there" for path in sorted(listed.keys() - found)]
    problems += [f"{path}: there, but not listed" for path in sorted(found - listed.keys())]
    for path in sorted(found & listed.keys()):
        if hashlib.sha256((folder / path).read_bytes()).hexdigest() != listed[path]["sha256"]:
            problems.append(f"{path}: differs from the manifest's checksum")
    return problems


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """The manifest's rows, one per file."""
    return json.loads((folder / NAME).read_text(encoding="utf-8"))["files"]


def _row(facts: dict[str, Any]) -> str:
    records = facts.pop("records", [])
    text = json.dumps(facts, ensure_ascii=False)
    if not records:
        return text
    lines = ",\n  ".join(json.dumps(record, ensure_ascii=False) for record in records)
    return f'{text[:-1]}, "records": [\n  {lines}]}}'
