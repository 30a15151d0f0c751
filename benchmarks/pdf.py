"""Text of PDFs beside pymupdf4llm, PyMuPDF and pypdfium2: words, order, tables, speed and memory.

    pip install -e ".[bench]"
    python benchmarks/pdf.py                   # some ten minutes on two cores: pymupdf4llm is slow
    python benchmarks/pdf.py --rounds 0        # quality alone
    python benchmarks/pdf.py --gold DIR        # your own: DIR/gold.jsonl as data_samples/evaluation/pdf/gold.jsonl

PDFs that we made, whose blocks, order and cells are known, by what is hard about them; benchmarks/pdf_sources.py judges
by documents that others made. Scores are means over documents (`smollab.curate.pdf.evaluation`); documents without
tables count in the table score when a contender finds one. Speed is pages per CPU-second, contenders interleaved on the
same pages; memory is the peak of a process of its own.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import compare, print_table, save_json
from rich.console import Console
from rich.table import Table

from smollab.curate.pdf.evaluation import GoldDocument, PdfScore, score_document
from smollab.curate.pdf.read import read_document

SAMPLES = Path(__file__).parents[1] / "data_samples"
PDFS = SAMPLES / "pdf"
MADE = SAMPLES / "evaluation" / "pdf"
Extractor = Callable[[bytes], str]
TIMED = ("latex-news", "project-history.fr", "refcard.en", "longtable", "policy.en")
"""Real files of which some pages are timed."""
PAGES_OF_A_FILE = 12


@dataclass(frozen=True)
class Sample:
    """A document to extract."""

    group: str
    gold: GoldDocument
    pdf: bytes


def ours(engine: str) -> Extractor:
    """Return this package's extraction, without its child process."""
    import importlib

    open_pdf = importlib.import_module(f"smollab.curate.pdf.{engine}_engine").open_pdf

    def extract(pdf: bytes) -> str:
        file = open_pdf(pdf)
        try:
            return read_document(file).text
        finally:
            file.close()

    return extract


def pymupdf4llm_text(pdf: bytes, layout: bool) -> str:
    """Return pymupdf4llm's Markdown, with its layout model or by its rules."""
    import pymupdf
    import pymupdf4llm

    pymupdf4llm.use_layout(layout)
    options = {"use_ocr": False, "header": False, "footer": False} if layout else {}
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return str(pymupdf4llm.to_markdown(document, show_progress=False, **options))


def pymupdf_text(pdf: bytes) -> str:
    """Return PyMuPDF's plain text."""
    import pymupdf

    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return "\n".join(page.get_text() for page in document)


def pypdfium2_text(pdf: bytes) -> str:
    """Return pypdfium2's plain text."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range(errors="replace") for page in document)
    finally:
        document.close()


CONTENDERS: dict[str, Extractor] = {
    "pymupdf4llm, layout model": lambda pdf: pymupdf4llm_text(pdf, True),
    "pymupdf4llm, rules": lambda pdf: pymupdf4llm_text(pdf, False),
    "PyMuPDF, plain": pymupdf_text,
    "pypdfium2, plain": pypdfium2_text,
    "smollab, pymupdf": lambda pdf: ours("pymupdf")(pdf),
    "smollab, pypdfium2": lambda pdf: ours("pypdfium2")(pdf),
}
"""Name -> function from a file to its text. Ratios are to the first."""


def read_gold(folder: Path) -> list[Sample]:
    """Read PDFs with their gold."""
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    samples = []
    for row in rows:
        gold = GoldDocument(**row)
        columns = next((n for n in ("three columns", "two columns") if n in gold.layout), "one column")
        tables = "with tables" if gold.tables else "without"
        samples.append(Sample(f"made: {columns}, {tables}", gold, (folder / f"{gold.name}.pdf").read_bytes()))
    return samples


def mean(scores: Sequence[PdfScore]) -> dict[str, float]:
    """Return the means of scores; tables over those documents that have or got some."""
    result = {}
    for key in PdfScore._fields:
        values = [value for score in scores if not math.isnan(value := getattr(score, key))]
        result[key] = sum(values) / len(values) if values else float("nan")
    return result


def judge(samples: Sequence[Sample], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the mean scores of contenders on each group."""
    rows = []
    for name in names:
        scores = [(sample, score_document(CONTENDERS[name](sample.pdf), sample.gold)) for sample in samples]
        groups = {sample.group: [s for other, s in scores if other.group == sample.group] for sample in samples}
        groups["made: all"] = [score for sample, score in scores if sample.group.startswith("made")]
        for group, found in sorted(groups.items()):
            if found:
                rows.append({"contender": name, "group": group, "documents": len(found), **mean(found)})
        print(f"judged: {name}", file=sys.stderr, flush=True)
    return rows


def print_scores(rows: Sequence[dict[str, Any]]) -> None:
    """Print a table for each group."""
    for group in dict.fromkeys(row["group"] for row in rows):
        own = [row for row in rows if row["group"] == group]
        table = Table(title=f"{group} ({own[0]['documents']} documents)")
        table.add_column("contender")
        for heading in ("words F1", "order", "tau", "tables (TEDS)"):
            table.add_column(heading, justify="right")
        for row in own:
            values = (row[key] for key in PdfScore._fields)
            table.add_row(row["contender"], *("" if math.isnan(value) else f"{value:.3f}" for value in values))
        Console().print(table)


def timed_pages(samples: Sequence[Sample]) -> list[bytes]:
    """Return files of few pages: parts of real ones, and some made ones."""
    import pymupdf

    files = []
    for name in TIMED:
        with pymupdf.open(PDFS / f"{name}.pdf") as document:
            step = max(1, len(document) // PAGES_OF_A_FILE)
            document.select(list(range(0, len(document), step))[:PAGES_OF_A_FILE])
            files.append(document.tobytes())
    return files + [sample.pdf for sample in samples if sample.group.startswith("made")][::6]


def count_pages(files: Sequence[bytes]) -> int:
    """Return how many pages files have."""
    import pymupdf

    return sum(len(pymupdf.open(stream=pdf, filetype="pdf")) for pdf in files)


def peak_megabytes(name: str) -> float:
    """Return the peak memory of a process that extracts a manual with one contender."""
    command = [sys.executable, __file__, "--memory-of", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main() -> int:
    """Judge and time all contenders, print tables, write benchmarks/results/pdf.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=MADE, help="folder with PDFs and gold.jsonl")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds of timing; 0: none")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS), help="contenders by name")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        CONTENDERS[options.memory_of]((PDFS / "policy.en.pdf").read_bytes())
        # Ours reads in a child process.
        peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(max(peaks) / 1024)
        return 0
    try:
        import pymupdf4llm  # noqa: F401
    except ImportError as error:
        print(f"{error}: a peer of this benchmark is missing: pip install smollab[bench]", file=sys.stderr)
        return 2
    # Before anything else: a process begins with the peak of the one that started it.
    memory = {name: peak_megabytes(name) for name in options.only} if options.rounds else {}
    samples = read_gold(options.gold)
    rows = judge(samples, options.only)
    print_scores(rows)
    if not options.rounds:
        return 0
    files = timed_pages(samples)
    runs = {name: _on(CONTENDERS[name], files) for name in options.only}
    timed = compare(runs, rounds=options.rounds, unit="pages", amount=count_pages(files))
    print_table("PDF pages", timed)
    print("peak memory on policy.en.pdf:", ", ".join(f"{name} {peak:.0f} MB" for name, peak in memory.items()))
    print(save_json("pdf", timed, scores=rows, peak_memory_mb=memory))
    return 0


def _on(extract: Extractor, files: Sequence[bytes]) -> Callable[[], list[str]]:
    return lambda: [extract(pdf) for pdf in files]


if __name__ == "__main__":
    sys.exit(main())
