"""Text of real PDFs beside the sources they were made from: manuals' HTML, and LaTeX read by pandoc.

    pip install -e ".[bench]"
    python benchmarks/pdf_sources.py --only "smollab, pymupdf" "PyMuPDF, plain"  # minutes; all: an hour
    python benchmarks/pdf_sources.py --debs DIR    # folder of Debian packages; missing ones are downloaded to it
    python benchmarks/pdf_sources.py --texts DIR   # keep what contenders wrote, so that a stopped run goes on

Nobody here wrote these documents, and the gold is none of ours: manuals of Debian in up to seven languages, which
come as HTML and PDF of one source (`manuals`), and documents of LaTeX's packages, in one and two columns, whose LaTeX
source pandoc turns into HTML (`latex`). What HTML says of its blocks is the gold: their order, tables by rows and
cells. Footnotes stand elsewhere in HTML than on pages, so they are right anywhere; tables of contents may be left out.

Besides the scores of benchmarks/pdf.py there are two of hyphenation, per 1,000 words: `broken`, pairs of words of the
output that are one word of the source; and `glued`, words of the output that are two neighbors in the source. Pages are
printed with more than the source has (running titles, an index, addresses of links), which costs every contender alike.

Pandoc knows no macros of a package and loses tables within them, so tables are judged on `manuals` alone. Documents of
`latex` count if PyMuPDF's plain text and the gold agree to an F1 of words of 0.9; the choice looks at words alone, and
at no other contender.
"""

import argparse
import gzip
import hashlib
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pdf import CONTENDERS, mean
from pdf_html import read_html, read_html_book
from rich.console import Console
from rich.table import Table

from smollab.curate.html.score import score_words
from smollab.curate.pdf.evaluation import GoldDocument, PdfScore, score_document, words_of

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from samples.packages import BuildError, Packages

RESULTS = Path(__file__).parent / "results" / "pdf_sources.json"
GUIDE, REFERENCE, FAQ, MAINT = (
    "usr/share/doc/installation-guide-amd64",
    "usr/share/debian-reference",
    "usr/share/doc/debian/FAQ",
    "usr/share/doc/maint-guide",
)
MANUALS = (
    *(
        ("installation-guide-amd64", code, f"{GUIDE}/{code}/install.{code}.pdf.gz", f"{GUIDE}/{code}/index.html")
        for code in ("en", "fr", "es", "de", "it", "pt", "vi")
    ),
    *(
        (f"debian-reference-{code}", code, f"{REFERENCE}/debian-reference.{code}.pdf", f"{REFERENCE}/index.{code}.html")
        for code in ("en", "de")
    ),
    ("debian-faq", "en", f"{FAQ}/debian-faq.en.pdf.gz", f"{FAQ}/index.en.html"),
    ("debian-faq-fr", "fr", f"{FAQ}/debian-faq.fr.pdf.gz", f"{FAQ}/fr/index.fr.html"),
    ("maint-guide", "en", f"{MAINT}/maint-guide.en.pdf", f"{MAINT}/html/index.en.html"),
)
"""Package, language, PDF and first page of each manual."""
LATEX = {
    "texlive-latex-base-doc": "en",
    "texlive-lang-french": "fr",
    "texlive-lang-spanish": "es",
    "texlive-lang-italian": "it",
    "texlive-lang-german": "de",
}
"""Package with PDFs beside their LaTeX source -> language of most of them."""
MOST_PAGES = 30
LEAST_BYTES = 4000
"""Of a document of `latex`: pages, and bytes of its compressed source."""
PANDOC_SECONDS = 5
"""Of a processor, for one source."""
LEAST_AGREEMENT = 0.9
"""F1 over words of plain text and gold, for `latex`."""


@dataclass(frozen=True)
class Sample:
    """A PDF with what its source says."""

    group: str
    gold: GoldDocument
    pdf: bytes


def read_manuals(packages: Packages) -> Iterator[Sample]:
    """Read the manuals."""
    packages.fetch({package for package, *_ in MANUALS})
    for package, language, pdf, index in MANUALS:
        blocks = read_html_book(packages.path(package, index))
        name = f"{package}.{language}" if package == "installation-guide-amd64" else package
        yield Sample("manuals", GoldDocument(name, language, "manual", blocks), _read(packages.path(package, pdf)))


def read_latex(packages: Packages) -> Iterator[Sample]:
    """Read the documents whose LaTeX source lies beside them and is understood by pandoc."""
    import pymupdf

    packages.fetch(LATEX)
    for package, language in LATEX.items():
        for path in sorted(packages.path(package).rglob("*.pdf")):
            source = path.with_suffix(".tex.gz")
            if not source.exists() or source.stat().st_size < LEAST_BYTES or "archive" in path.parts:
                continue
            pdf = path.read_bytes()
            with pymupdf.open(stream=pdf, filetype="pdf") as document:
                if len(document) > MOST_PAGES:
                    continue
                plain = "\n".join(page.get_text() for page in document)
            if not (markup := read_by_pandoc(_decode(_read(source)))):
                continue
            blocks = [block for block in read_html(f"<html><body>{markup}</body></html>") if block["kind"] != "table"]
            gold = GoldDocument(path.stem, language, "latex", blocks)
            if score_words(plain, gold.text).f1 >= LEAST_AGREEMENT:
                yield Sample(f"latex: {_columns(pdf)}", gold, pdf)


def read_by_pandoc(source: str) -> str:
    """Return LaTeX as HTML; nothing where pandoc does not understand it, or expands a macro without end."""
    import pypandoc

    command = ["prlimit", f"--cpu={PANDOC_SECONDS}", pypandoc.get_pandoc_path(), "--quiet", "-f", "latex", "-t", "html"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def score_hyphenation(text: str, gold: str) -> tuple[float, float]:
    """Return broken and glued words per 1,000 words of the output."""
    words, truth = words_of(text), words_of(gold)
    known, neighbors = set(truth), Counter(pairwise(truth))
    broken = sum(
        a + b in known and (a, b) not in neighbors and not (a in known and b in known)
        for a, b in pairwise(words)
        if a.isalpha() and b.isalpha()
    )
    pairs = {a + b for a, b in neighbors if a.isalpha() and b.isalpha()}
    glued = sum(word in pairs and word not in known for word in words)
    return 1000 * broken / max(len(words), 1), 1000 * glued / max(len(words), 1)


def judge(sample: Sample, contender: str, texts: Path | None) -> dict[str, Any]:
    """Return the scores of a contender on a document."""
    key = hashlib.sha256(f"{contender} {sample.group} {sample.gold.name}".encode()).hexdigest()[:16]
    kept = texts / key if texts else None
    if kept and kept.exists():
        text = kept.read_text(encoding="utf-8")
    else:
        text = CONTENDERS[contender](sample.pdf)
        if kept:
            kept.write_text(text, encoding="utf-8")
    broken, glued = score_hyphenation(text, sample.gold.text)
    score = score_document(text, sample.gold)
    if sample.gold.layout == "latex":
        score = score._replace(tables=math.nan)
    row = {"contender": contender, "group": sample.group, "document": sample.gold.name, **score._asdict()}
    return row | {"broken": broken, "glued": glued}


def print_scores(rows: Sequence[dict[str, Any]]) -> None:
    """Print a table for each group."""
    for group in dict.fromkeys(row["group"] for row in rows):
        own = [row for row in rows if row["group"] == group]
        table = Table(title=f"{group} ({len({row['document'] for row in own})} documents)")
        table.add_column("contender")
        for heading in ("words F1", "order", "tau", "tables (TEDS)", "broken", "glued"):
            table.add_column(heading, justify="right")
        for name in dict.fromkeys(row["contender"] for row in own):
            scores = [row for row in own if row["contender"] == name]
            means = mean([PdfScore(*(row[key] for key in PdfScore._fields)) for row in scores])
            cells = [f"{value:.3f}" if not math.isnan(value) else "" for value in means.values()]
            cells += [f"{sum(row[key] for row in scores) / len(scores):.2f}" for key in ("broken", "glued")]
            table.add_row(name, *cells)
        Console().print(table)


def main() -> int:
    """Judge all contenders, print tables, write benchmarks/results/pdf_sources.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    debs = Path(tempfile.gettempdir()) / "smollab-debs"
    parser.add_argument("--debs", type=Path, default=debs, help="folder of Debian packages (default: %(default)s)")
    parser.add_argument("--texts", type=Path, help="folder that keeps the contenders' texts")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS), help="contenders by name")
    parser.add_argument("--show", action="store_true", help="print each document's scores")
    options = parser.parse_args()
    try:
        import pypandoc  # noqa: F401

        packages = Packages(options.debs)
        samples = [*read_manuals(packages), *read_latex(packages)]
    except (ImportError, BuildError) as error:
        print(f"{error}; peers are installed by: pip install smollab[bench]", file=sys.stderr)
        return 2
    if options.texts:
        options.texts.mkdir(parents=True, exist_ok=True)
    rows = []
    for contender in options.only:
        for sample in samples:
            rows.append(judge(sample, contender, options.texts))
            if options.show:
                print({k: round(v, 3) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True)
        print(f"judged: {contender}", file=sys.stderr, flush=True)
    print_scores(rows)
    if set(options.only) == set(CONTENDERS):
        RESULTS.write_text(json.dumps({"scores": rows}, indent=1) + "\n", encoding="utf-8")
        print(RESULTS)
    return 0


def _columns(pdf: bytes) -> str:
    """Tell whether most pages have text in two columns, by where their longest lines begin."""
    import pymupdf

    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        right = total = 0
        for page in document:
            for *box, _, _, _ in page.get_text("blocks"):
                total += 1
                right += box[0] > 0.48 * page.rect.width and box[2] - box[0] > 0.25 * page.rect.width
    return "two columns" if right > 0.25 * total else "one column"


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _decode(source: bytes) -> str:
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        return source.decode("latin-1")


if __name__ == "__main__":
    sys.exit(main())
