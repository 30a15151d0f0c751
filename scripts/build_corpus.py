"""Build a corpus of about 130 MB of text from Debian's documentation packages.

    python scripts/build_corpus.py              download, unpack, write to corpus/
    python scripts/build_corpus.py --only pdf   the PDFs alone

It holds all that `data_samples/` is a choice of: the same manuals whole, LibreOffice's help, the Linux kernel's
and Python's documentation, the PDFs of LaTeX, the standard library. A run that was interrupted goes on where it
stopped. The result has the shapes that a recipe's sources read:

    corpus/web/LANGUAGE/PACKAGE.warc.gz     warc:corpus/web
    corpus/pdf/...                          pdf:corpus/pdf
    corpus/text/...                         text:corpus/text
    corpus/code/...                         code:corpus/code
    corpus/licenses/...                     the packages' copyright files
    corpus/manifest.json                    origin, license, size and checksum of each file
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from samples import code, licenses, prose
from samples.manifest import Entry, license_of, origin_of, write_manifest
from samples.packages import BuildError, Packages
from samples.sources import collections, maintainers_guide
from samples.web import LANGUAGES, Collection, write_warc

REPOSITORY = Path(__file__).resolve().parent.parent
NEEDED_BYTES = 3 * 10**9
"""Free disk for the packages (0.5 GB), what is unpacked of them (1.7 GB) and the corpus (0.4 GB)."""
PDF_PACKAGE = "texlive-latex-base-doc"
PDF_FOLDER = "usr/share/doc/texlive-doc"
LEAST_TRANSLATED = 0.5
"""Pages with more English than this are left out of the other languages."""


@dataclass(frozen=True)
class Task:
    """One piece of the corpus: built whole, or not at all."""

    name: str
    """Also the name of the file that says it is done."""
    packages: list[str]
    """Needed to build it."""
    build: Callable[[Packages, Path], list[Entry]]
    """Writes files below a folder and describes them."""


def main() -> int:
    """Build the corpus, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "corpus", help="default: %(default)s")
    parser.add_argument(
        "--debs",
        type=Path,
        default=Path(tempfile.gettempdir()) / "smollab-debs",
        help="folder with Debian packages; missing ones are downloaded to it (default: %(default)s)",
    )
    parser.add_argument("--only", default="", metavar="TASK", help="build one part only, such as pdf")
    arguments = parser.parse_args()
    try:
        _check_disk(arguments.out, arguments.debs)
        build(Packages(arguments.debs), arguments.out, arguments.only)
    except (BuildError, OSError) as error:
        print(f"error: {error}\nWhat is done is kept; the same command goes on from here.", file=sys.stderr)
        return 1
    return 0


def build(packages: Packages, out: Path, only: str = "") -> None:
    """Carry out all tasks that are not done yet, or one, then write licenses and manifest."""
    tasks = [task for task in all_tasks() if only in ("", task.name)]
    if not tasks:
        raise BuildError(f"no part {only!r}; there are {', '.join(task.name for task in all_tasks())}")
    entries: list[Entry] = []
    for number, task in enumerate(tasks, start=1):
        started = time.monotonic()
        done = out / ".done" / f"{task.name.replace('/', '-')}.json"
        part = _read_entries(done)
        how = "done before"
        if part is None:
            packages.fetch(task.packages)
            part = task.build(packages, out)
            _write_entries(done, part)
            how = f"{time.monotonic() - started:.0f} s"
        size = sum((out / entry.path).stat().st_size for entry in part)
        records = sum(entry.record_count for entry in part)
        print(f"[{number}/{len(tasks)}] {task.name}: {records} records, {size / 1e6:.1f} MB, {how}", flush=True)
        entries += part
    entries += licenses.build(packages, out, {name for entry in entries for name in entry.packages})
    write_manifest(out, entries)
    total = sum((out / entry.path).stat().st_size for entry in entries)
    print(f"{out}: {len(entries)} files, {total / 1e6:.0f} MB")


def all_tasks() -> Iterator[Task]:
    """The web pages of every package and language, then PDFs, texts and programs."""
    for language in LANGUAGES:
        for collection in whole_collections(language):
            yield _web_task(collection)
    yield Task("pdf", [PDF_PACKAGE], _build_pdfs)
    yield Task("text", [prose.PACKAGE], prose.build)
    yield Task("code", list(code.PACKAGES), _build_code)


def whole_collections(language: str) -> Iterator[Collection]:
    """What `data_samples/` takes pages from, without sampling, and more."""
    chosen = {collection.package: collection for collection in collections(language)}
    for package, collection in chosen.items():
        whole = replace(collection.everything(), translated=(LEAST_TRANSLATED, 1.0))
        if package.startswith("libreoffice-help"):
            whole = replace(whole, pattern="text/**/*.html")
        if package.startswith("python"):
            whole = replace(whole, pattern="**/*.html")
        yield whole
    if language in ("fr", "es", "de", "it"):
        yield maintainers_guide(language)
    if language == "en":
        yield linux_documentation()


def linux_documentation() -> Collection:
    """The Linux kernel's documentation: 3,200 pages in English."""
    return Collection(
        package="linux-doc-6.1",
        folder="usr/share/doc/linux-doc-6.1/html",
        pattern="**/*.html",
        uri="https://www.kernel.org/doc/html/v6.1/{stem}.html",
        language="en",
    )


def _web_task(collection: Collection) -> Task:
    name = f"web/{collection.language}/{collection.package}"

    def build_warc(packages: Packages, out: Path) -> list[Entry]:
        path = f"{name}.warc.gz"
        unfinished = out / f"{name}.unfinished"
        records = write_warc(unfinished, collection.pages(packages), f"Pages of {collection.package}")
        unfinished.replace(out / path)
        return [
            Entry(
                path=path,
                origin=origin_of(packages, collection.package, collection.folder),
                license=license_of(collection.package),
                packages=[collection.package],
                languages=[collection.language],
                record_count=len(records),
            )
        ]

    needed = [collection.package, *([collection.english[0]] if collection.english else [])]
    return Task(name, needed, build_warc)


def _build_pdfs(packages: Packages, out: Path) -> list[Entry]:
    """Copy the PDFs of LaTeX's documentation."""
    source = packages.path(PDF_PACKAGE, PDF_FOLDER)
    entries = []
    for file in sorted(source.rglob("*.pdf")):
        path = f"pdf/{file.relative_to(source).as_posix()}"
        entry = _copy(packages, out, path, PDF_PACKAGE, f"{PDF_FOLDER}/{file.relative_to(source).as_posix()}")
        # Most are LPPL; which have another free license is told per file in the package's copyright file.
        entries.append(replace(entry, license=f"{license_of(PDF_PACKAGE)} AND LicenseRef-see-copyright"))
    return entries


def _build_code(packages: Packages, out: Path) -> list[Entry]:
    """Copy all modules of Python's standard library."""
    entries = []
    for package in code.PACKAGES:
        folder = packages.path(package, code.FOLDER)
        for file in sorted(folder.rglob("*.py")):
            inside = file.relative_to(folder).as_posix()
            if not file.is_symlink():
                entries.append(_copy(packages, out, f"code/python/{inside}", package, f"{code.FOLDER}/{inside}"))
    return entries


def _copy(packages: Packages, out: Path, path: str, package: str, inside: str) -> Entry:
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(packages.path(package, inside), out / path)
    return Entry(
        path=path,
        origin=origin_of(packages, package, inside),
        license=license_of(package),
        packages=[package],
    )


def _check_disk(*folders: Path) -> None:
    """Refuse to start where the disk would fill up."""
    for folder in folders:
        existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        if free < NEEDED_BYTES:
            raise BuildError(
                f"{folder}: {free / 1e9:.1f} GB free, {NEEDED_BYTES / 1e9:.0f} GB needed; "
                "make room, or name other folders with --out and --debs"
            )


def _read_entries(done: Path) -> list[Entry] | None:
    return [Entry(**row) for row in json.loads(done.read_text(encoding="utf-8"))] if done.exists() else None


def _write_entries(done: Path, entries: list[Entry]) -> None:
    done.parent.mkdir(parents=True, exist_ok=True)
    unfinished = done.with_suffix(".unfinished")
    unfinished.write_text(json.dumps([asdict(entry) for entry in entries]), encoding="utf-8")
    unfinished.replace(done)


if __name__ == "__main__":
    sys.exit(main())
