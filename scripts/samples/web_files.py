"""`data_samples/web/LANGUAGE.warc.gz`: real pages, a file per language."""

from collections.abc import Iterator
from pathlib import Path

from samples.manifest import Entry, licenses_of, origin_of
from samples.packages import Packages
from samples.sources import collections
from samples.web import LANGUAGES, Page, recode, write_warc

GUIDE = "https://www.debian.org/releases/bookworm/amd64"
RECODED: dict[str, dict[str, object]] = {
    f"{GUIDE}/ch01s02.fr.html": {"encoding": "iso-8859-1"},
    f"{GUIDE}/ch02s05.fr.html": {"encoding": "iso-8859-15", "in_header": False},
    f"{GUIDE}/ch01s03.es.html": {"encoding": "windows-1252"},
    f"{GUIDE}/ch02s02.es.html": {"encoding": "windows-1252", "declared": "utf-8"},
    f"{GUIDE}/ch01s01.de.html": {"encoding": "utf-16"},
    f"{GUIDE}/ch03s03.de.html": {"encoding": "iso-8859-1", "declared": "utf-8"},
    f"{GUIDE}/ch01s04.it.html": {"encoding": "iso-8859-1"},
    f"{GUIDE}/ch02s04.pt.html": {"encoding": "iso-8859-1", "declared": "us-ascii"},
    f"{GUIDE}/ch01s02.vi.html": {"encoding": "windows-1258"},
    f"{GUIDE}/ch01s05.en.html": {"encoding": "utf-16", "in_header": False},
}
"""Pages that are sent in another encoding than UTF-8, or claim to be: the web does both."""


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write the WARC files of all languages."""
    return [build_language(packages, folder, language) for language in LANGUAGES]


def build_language(packages: Packages, folder: Path, language: str) -> Entry:
    """Write the WARC file of one language."""
    packages.fetch(package_names(language))
    pages = [_recoded(page) for page in real_pages(packages, language)]
    path = f"web/{language}.warc.gz"
    records = write_warc(folder / path, pages, f"Pages in {language} from Debian's documentation packages")
    names = sorted({page.package for page in pages})
    return Entry(
        path=path,
        origin="; ".join(origin_of(packages, name) for name in names),
        license=licenses_of(names),
        packages=names,
        languages=[language],
        record_count=len(records),
        records=records,
    )


def package_names(language: str) -> list[str]:
    """The packages needed for a language, English originals included."""
    chosen = list(collections(language))
    return sorted({c.package for c in chosen} | {c.english[0] for c in chosen if c.english})


def real_pages(packages: Packages, language: str) -> Iterator[Page]:
    """The chosen pages of all collections of a language."""
    for collection in collections(language):
        yield from collection.pages(packages)


def _recoded(page: Page) -> Page:
    return recode(page, **RECODED[page.uri]) if page.uri in RECODED else page  # type: ignore[arg-type]
