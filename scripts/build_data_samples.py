"""Rebuild `data_samples/` from Debian packages and from pages and sentences of our own.

    python scripts/build_data_samples.py              download what is missing and build everything
    python scripts/build_data_samples.py --check      compare the files with the manifest

The same package versions give the same bytes. Debian 12 (bookworm) has the packages; newer versions work too,
but their texts and thus the checksums differ.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from samples import (
    broken,
    code,
    extraction_pages,
    licenses,
    made_pdfs,
    minimal_pairs,
    noise,
    pdf,
    prose,
    quality,
    triage,
    web_files,
)
from samples.manifest import Entry, check_manifest, read_manifest, write_manifest
from samples.packages import BuildError, Packages

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS: tuple[tuple[str, Callable[[Packages, Path], list[Entry]]], ...] = (
    ("web pages", web_files.build),
    ("noise", noise.build),
    ("extraction pages", extraction_pages.build),
    ("PDFs", pdf.build),
    ("texts", prose.build),
    ("made PDFs", made_pdfs.build),
    ("code", code.build),
    ("minimal pairs", minimal_pairs.build),
    ("quality scores", quality.build),
    ("triage pages", triage.build),
    ("broken files", broken.build),
)
"""Name of a part -> the function that writes its files below a folder and describes them."""
MAXIMUM_BYTES = 30_000_000
"""What the samples may weigh in the repository."""


def main() -> int:
    """Build or check, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "data_samples", help="the samples' folder")
    parser.add_argument(
        "--debs",
        type=Path,
        default=Path(tempfile.gettempdir()) / "smollab-debs",
        help="folder with Debian packages; missing ones are downloaded to it (default: %(default)s)",
    )
    parser.add_argument("--check", action="store_true", help="only compare the files with the manifest")
    arguments = parser.parse_args()
    try:
        return check(arguments.out) if arguments.check else build(Packages(arguments.debs), arguments.out)
    except (BuildError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def build(packages: Packages, out: Path) -> int:
    """Build all parts beside the old samples, then put them in their place."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        entries: list[Entry] = []
        for number, (name, build_part) in enumerate(PARTS, start=1):
            started = time.monotonic()
            part = build_part(packages, folder)
            size = sum((folder / entry.path).stat().st_size for entry in part)
            print(
                f"[{number}/{len(PARTS)}] {name}: {len(part)} files, {size / 1e6:.1f} MB, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
            entries += part
        names = {name for entry in entries for name in entry.packages} - quality.VERSIONS.keys()
        entries += licenses.build(packages, folder, names)
        write_manifest(folder, entries)
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if total > MAXIMUM_BYTES:
            raise BuildError(f"the samples would weigh {total / 1e6:.1f} MB, more than {MAXIMUM_BYTES / 1e6:.0f}")
        _replace(folder, out)
    print(f"{out}: {len(entries)} files, {total / 1e6:.1f} MB")
    return 0


def check(folder: Path) -> int:
    """Report files that differ from the manifest."""
    problems = check_manifest(folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{folder}: all {len(read_manifest(folder))} files agree with the manifest")
    return 1 if problems else 0


def _replace(new: Path, old: Path) -> None:
    """Put new files in the place of old ones; the README is kept, it is written by hand."""
    old.mkdir(parents=True, exist_ok=True)
    for path in sorted(new.iterdir()):
        target = old / path.name
        if target.is_dir():
            shutil.rmtree(target)
        shutil.move(path, target)


if __name__ == "__main__":
    sys.exit(main())
