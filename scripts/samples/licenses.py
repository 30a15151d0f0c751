"""`data_samples/licenses/`: the copyright files of the packages, and the licenses they refer to."""

from collections.abc import Iterable
from pathlib import Path

from samples.manifest import Entry, license_of, origin_of
from samples.packages import Packages

COMMON = ("GFDL-1.2", "GPL-2", "GPL-3", "MPL-2.0")
"""Licenses that Debian keeps once for all packages."""


def build(packages: Packages, folder: Path, names: Iterable[str]) -> list[Entry]:
    """Write one file per different copyright file, named after the first package that has it."""
    (folder / "licenses").mkdir(parents=True, exist_ok=True)
    same: dict[bytes, list[str]] = {}
    for name in sorted(names):
        same.setdefault(packages.copyright(name).read_bytes(), []).append(name)
    entries = []
    for data, sharing in same.items():
        path = f"licenses/{sharing[0]}.txt"
        (folder / path).write_bytes(data)
        entries.append(
            Entry(
                path=path,
                origin=f"{origin_of(packages, sharing[0])}, copyright file of {', '.join(sharing)}",
                license=license_of(sharing[0]),
                packages=sharing,
            )
        )
    return entries + _common_licenses(packages, folder)


def _common_licenses(packages: Packages, folder: Path) -> list[Entry]:
    packages.fetch(["base-files"])
    entries = []
    for name in COMMON:
        inside = f"usr/share/common-licenses/{name}"
        path = f"licenses/common/{name}.txt"
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(packages.path("base-files", inside).read_bytes())
        entries.append(
            Entry(path=path, origin=origin_of(packages, "base-files", inside), license=license_of("base-files"))
        )
    return entries
