"""Debian packages as a source of real documents: download, unpack, licenses.

Nothing is installed and no root is needed: `apt-get download` fetches a package, `dpkg -x` unpacks it.
"""

import functools
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


class BuildError(RuntimeError):
    """The samples cannot be built; the message names the cause and the way out."""


class Packages:
    """A folder with Debian packages and their unpacked files.

    Args:
        folder: where `NAME_VERSION_ARCH.deb` files lie or will be downloaded to; each is unpacked into
            `folder/unpacked/NAME/`.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def fetch(self, names: Iterable[str]) -> None:
        """Download and unpack the packages that are not there yet.

        Raises:
            BuildError: a package is missing and `apt-get` is not there, or it fails.
        """
        names = list(names)
        missing = [name for name in names if not self._archives(name)]
        if missing:
            self._download(missing)
        for name in names:
            self._unpack(name)

    def path(self, name: str, inside: str = "") -> Path:
        """Where a file of a package was unpacked to.

        Raises:
            BuildError: the package has no such file; Debian may have moved it in a newer version.
        """
        path = self.folder / "unpacked" / name / inside
        if not path.exists():
            raise BuildError(f"package {name} {self.version(name)} has no {inside!r}")
        return path

    def has(self, name: str, inside: str) -> bool:
        """Whether an unpacked package has a file."""
        return (self.folder / "unpacked" / name / inside).exists()

    def version(self, name: str) -> str:
        """The version in the name of the package's file, such as `4:7.4.7-1`."""
        return self._archive(name).name.split("_")[1].replace("%3a", ":")

    def copyright(self, name: str) -> Path:
        """The package's copyright file, in which Debian states origin and license."""
        folder = self.folder / "unpacked" / name / "usr/share/doc" / name
        if folder.is_symlink():
            # A package may share the documentation of another one from the same source.
            return self.copyright(folder.readlink().name)
        return self.path(name, f"usr/share/doc/{name}/copyright")

    def _archives(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"{name}_*.deb"))

    def _archive(self, name: str) -> Path:
        archives = self._archives(name)
        if len(archives) != 1:
            found = ", ".join(archive.name for archive in archives) or "none"
            raise BuildError(f"{self.folder}: expected one {name}_*.deb, found {found}")
        return archives[0]

    def _download(self, names: list[str]) -> None:
        _require("apt-get", f"download these packages to {self.folder} yourself: {', '.join(names)}")
        print(f"downloading {len(names)} Debian packages to {self.folder}", flush=True)
        for name in names:
            print(f"  {name}", flush=True)
            # Apt's own sandbox user may not be allowed to write into a person's folder.
            command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name]
            result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
            if result.returncode:
                raise BuildError(
                    f"apt-get download {name} failed: {result.stderr.strip()}\n"
                    "Is the package index there (apt-get update) and the network reachable? The versions in "
                    "data_samples/manifest.json are those of Debian 12 (bookworm)."
                )

    def _unpack(self, name: str) -> None:
        target = self.folder / "unpacked" / name
        if target.exists():
            return
        _require("dpkg", "it is part of Debian and its relatives, and can be installed elsewhere")
        unfinished = target.with_name(name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        result = subprocess.run(["dpkg", "-x", str(self._archive(name)), str(unfinished)], capture_output=True)
        if result.returncode:
            raise BuildError(f"dpkg -x {self._archive(name)} failed: {result.stderr.decode().strip()}")
        unfinished.rename(target)


@functools.cache
def _require(program: str, otherwise: str) -> None:
    if shutil.which(program) is None:
        raise BuildError(f"{program} was not found. This script needs Debian, or: {otherwise} (--debs FOLDER)")
