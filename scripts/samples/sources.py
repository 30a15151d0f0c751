"""Which documentation packages the real pages come from, and where each page lives on the web."""

from collections.abc import Iterator
from dataclasses import replace

from samples import mallard
from samples.web import Collection

LOCALES = {
    "en": "en-US",
    "fr": "fr-FR",
    "es": "es-ES",
    "de": "de-DE",
    "it": "it-IT",
    "pt": "pt-BR",
    "vi": "vi-VN",
}
PYTHON_SECTIONS = {
    "tutorial": 1,
    "howto": 3,
    "faq": 1,
    "reference": 1,
    "using": 1,
    "library": 12,
}
"""Folder of Python's documentation -> take one page in so many."""


def collections(language: str) -> Iterator[Collection]:
    """All collections that have pages in a language, those with most prose first."""
    yield installation_guide(language)
    if language != "vi":
        yield debian_reference(language)
    if language in ("en", "fr", "de", "it"):
        yield debian_faq(language)
        yield developers_reference(language)
    if language == "vi":
        yield maintainers_guide(language)
    yield gnome_help(language)
    yield debian_handbook(language)
    yield libreoffice_help(language)
    if language == "en":
        yield libreoffice_reference()
        yield from python_documentation()


def installation_guide(language: str) -> Collection:
    """Debian's installation guide: 84 prose-rich pages, the same in every language."""
    return Collection(
        package="installation-guide-amd64",
        folder=f"usr/share/doc/installation-guide-amd64/{language}",
        pattern="*.html",
        uri=f"https://www.debian.org/releases/bookworm/amd64/{{stem}}.{language}.html",
        language=language,
        # The Vietnamese guide is 74 % translated; its pages are the longest Vietnamese prose there is.
        english=("installation-guide-amd64", "usr/share/doc/installation-guide-amd64/en") if language == "vi" else None,
        translated=(0.5, 1.0),
    )


def debian_reference(language: str) -> Collection:
    """The Debian Reference: 15 long pages with many tables and commands."""
    return Collection(
        package=f"debian-reference-{language}",
        folder="usr/share/debian-reference",
        pattern=f"*.{language}.html",
        uri="https://www.debian.org/doc/manuals/debian-reference/{stem}.html",
        language=language,
        one_in=4,
    )


def debian_faq(language: str) -> Collection:
    """The Debian FAQ: 17 pages of questions and answers."""
    english = language == "en"
    return Collection(
        package="debian-faq" if english else f"debian-faq-{language}",
        folder="usr/share/doc/debian/FAQ" + ("" if english else f"/{language}"),
        pattern=f"*.{language}.html",
        uri="https://www.debian.org/doc/manuals/debian-faq/{stem}.html",
        language=language,
    )


def developers_reference(language: str) -> Collection:
    """The Debian Developer's Reference: nine long pages of prose, made with Sphinx."""
    english = language == "en"
    folder = "usr/share/developers-reference"
    return Collection(
        package="developers-reference" if english else f"developers-reference-{language}",
        folder=folder if english else f"{folder}/{language}",
        pattern="*.html",
        uri=f"https://www.debian.org/doc/manuals/developers-reference/{{stem}}.{language}.html",
        language=language,
        # The whole book on one page, a search form and a table of contents.
        skip=frozenset({"developers-reference.html", "search.html", "index.html", "genindex.html"}),
        english=None if english else ("developers-reference", folder),
        translated=(0.6, 1.0),
    )


def maintainers_guide(language: str) -> Collection:
    """The New Maintainers' Guide, in translations only: the English one is among the PDFs."""
    return Collection(
        package=f"maint-guide-{language}",
        folder=f"usr/share/doc/maint-guide-{language}/html",
        pattern=f"*.{language}.html",
        uri="https://www.debian.org/doc/manuals/maint-guide/{stem}.html",
        language=language,
        english=("maint-guide", "usr/share/doc/maint-guide/html"),
        translated=(0.5, 1.0),
    )


def gnome_help(language: str) -> Collection:
    """GNOME's help: 290 short pages of plain prose, in every language."""
    folder = "usr/share/help"
    return Collection(
        package="gnome-user-docs",
        folder=f"{folder}/{'C' if language == 'en' else language}/gnome-help",
        pattern="*.page",
        uri=f"https://help.gnome.org/users/gnome-help/stable/{{stem}}.html.{language}",
        language=language,
        read=mallard.render,
        minimum_prose_words=40,
        kind="real text, HTML rendered by us from Mallard",
        english=None if language == "en" else ("gnome-user-docs", f"{folder}/C/gnome-help"),
    )


def debian_handbook(language: str) -> Collection:
    """The Debian Administrator's Handbook; a translated page is taken when it is nearly all translated."""
    folder = "usr/share/doc/debian-handbook/html"
    locale = LOCALES[language]
    return Collection(
        package="debian-handbook",
        folder=f"{folder}/{locale}",
        pattern="*.html",
        uri=f"https://debian-handbook.info/browse/{locale}/stable/{{stem}}.html",
        language=language,
        english=None if language == "en" else ("debian-handbook", f"{folder}/en-US"),
        translated=(0.85, 1.0),
    )


def libreoffice_help(language: str) -> Collection:
    """LibreOffice's help, a page per topic, with scripts and navigation around it.

    The guides are prose; the reference pages are taken only where a language has little else.
    """
    locale = "en-US" if language == "en" else language
    folder = "usr/share/libreoffice/help"
    return Collection(
        package=f"libreoffice-help-{locale.lower()}",
        folder=f"{folder}/{locale}",
        pattern="text/**/*.html" if language == "vi" else "text/**/guide/*.html",
        uri=f"https://help.libreoffice.org/7.4/{locale}/{{stem}}.html",
        language=language,
        one_in=1 if language in ("en", "vi") else 2,
        minimum_prose_words=120,
        english=None if language == "en" else ("libreoffice-help-en-us", f"{folder}/en-US"),
    )


def libreoffice_reference() -> Collection:
    """LibreOffice's description of each dialog and function: the longer pages, in English."""
    return replace(libreoffice_help("en"), pattern="text/s[cdhimw]*/0*/*.html", minimum_prose_words=300, one_in=2)


def python_documentation() -> Iterator[Collection]:
    """Python's documentation: explanations with much code between them; English only."""
    for section, one_in in PYTHON_SECTIONS.items():
        yield Collection(
            package="python3.11-doc",
            folder="usr/share/doc/python3.11/html",
            pattern=f"{section}/*.html",
            uri="https://docs.python.org/3.11/{stem}.html",
            language="en",
            one_in=one_in,
        )
