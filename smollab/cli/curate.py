"""The verbs beside `curate`: why, pdf, recut, refetch."""

import argparse
import shlex
from pathlib import Path

from smollab.cli.recipes import load
from smollab.recipe import RecipeError


def curate_why(options: argparse.Namespace) -> None:
    """Tell what every step of curation measured of one document, and what became of it."""
    from rich.table import Table

    from smollab.curate.why import find_lives, text_as_extracted
    from smollab.progress import console

    output = Path(options.run) / "curate"
    for life in find_lives(output, options.document):
        row = life.row
        fate = f"dropped by {row.reason} {row.detail}".rstrip() if row.step else "kept"
        console.print(f"{row.id}\n  {row.record}: {fate}", markup=False, highlight=False, soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        for column in ("step", "measured", "value", "threshold", ""):
            table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
        for m in life.measurements:
            mark = "" if m.passed else "x" if m.reached else "(x)"
            style = "red" if mark == "x" else "" if m.reached else "dim"
            value = f"{m.value:.4g}" if isinstance(m.value, float) and m.value % 1 else str(m.value).removesuffix(".0")
            table.add_row(m.step, m.what, value[:60], m.bound, mark, style=style)
        console.print(table, markup=False)
        document = text_as_extracted(output, row.record)
        if document:
            text = document.text if options.text else document.text[:300]
            console.print(f"\n  as extracted: {text}\n", markup=False, highlight=False, soft_wrap=True)
        if row.detail.startswith("of "):
            command = shlex.join(["smollab", "curate", "why", row.detail[3:], "--run", options.run])
            console.print(f"  kept in its place: {command}", markup=False, highlight=False, soft_wrap=True)


def curate_pdf(options: argparse.Namespace) -> None:
    """Print the text of a PDF as Markdown, as curation extracts it; or draw its pages with what was found on them."""
    from importlib import import_module

    from smollab.curate.pdf.markdown import text_of_pages
    from smollab.curate.pdf.page import UnreadablePdf
    from smollab.curate.pdf.read import read_document
    from smollab.curate.pdf.truncation import describe_problem

    path = Path(options.file)
    if path.exists() and not path.is_file():  # reading a pipe or a device would never end
        raise ValueError(f"{path} is no regular file; name a PDF file")
    try:
        file = import_module(f"smollab.curate.pdf.{options.engine}_engine").open_pdf(path.read_bytes())
    except UnreadablePdf as error:
        raise ValueError(f"{path}: {describe_problem(path.read_bytes(), str(error))}") from None
    numbers = _page_range(options.pages, file.num_pages)
    read = read_document(file)
    if not options.show:
        print(text_of_pages(read.text, read.places, numbers) if options.pages else read.text)
        return
    from smollab.curate.pdf.show import show_document

    shown = numbers if options.pages else numbers[:20]
    print(show_document(file, read, shown, Path(options.to or f"{path.stem}-pages")))


def _page_range(text: str | None, num_pages: int) -> range:
    """Understand `3`, `1-3`, `7-` and `-5`."""
    first, dash, last = (text or "-").partition("-")
    try:
        begin, end = int(first or 1), int(last or num_pages) if dash else int(first)
    except ValueError:
        raise ValueError(f"--pages {text}: write 3, 1-3, 7- or -5") from None
    if not 1 <= begin <= end or begin > num_pages:
        raise ValueError(f"--pages {text}: the file has pages 1-{num_pages}")
    return range(begin, min(end, num_pages) + 1)


def curate_recut(options: argparse.Namespace) -> None:
    """Judge the documents of a run by other thresholds, from its ledger, and show what changes."""
    from smollab.curate.pipeline import curate
    from smollab.curate.progress import Bars
    from smollab.curate.recorded import check_recut
    from smollab.curate.recut import compare_cuts
    from smollab.curate.statistics import write_statistics
    from smollab.progress import console

    if options.examples < 0:
        raise RecipeError(f"--examples {options.examples}: a number of documents, 0 or more")
    recipe = load(options)
    run_folder = Path(options.run or Path("runs") / recipe.name)
    before = run_folder / "curate"
    after = Path(options.to) if options.to else run_folder / "recut"
    check_recut(before, recipe.data, recipe.curate)
    if after.resolve() == before.resolve() or (after.exists() and not (after / "ledger").is_dir()):
        raise RecipeError(f"{after}: --to must name a new folder, or that of an earlier recut")
    with Bars(console) as bars:
        curate(recipe.data, recipe.curate, after, bars, recorded=before)
    write_statistics(after)
    change = compare_cuts(before, after, options.examples)
    console.print(
        f"  {change.documents:,} documents: {change.kept_before:,} kept before, {change.kept_after:,} now; "
        f"{change.entering.total():,} enter, {change.leaving.total():,} leave"
    )
    for title, reasons, examples in (
        ("enter, dropped before by", change.entering, change.examples_entering),
        ("leave, dropped now by", change.leaving, change.examples_leaving),
    ):
        for reason, count in reasons.most_common():
            console.print(f"\n{count:,} {title} {reason}", markup=False, highlight=False, soft_wrap=True)
            for example in (e for e in examples if e.reason == reason):
                console.print(f"  {example.id} ({example.detail})", markup=False, highlight=False, soft_wrap=True)
                console.print(f"    {example.text}", markup=False, highlight=False, soft_wrap=True, style="dim")
    print(after)


def curate_refetch(options: argparse.Namespace) -> None:
    """Find the truncated PDFs of a crawl and fetch them again from where they came, as WARC files."""
    from smollab.curate.pdf.refetch import Refetch, list_files
    from smollab.curate.pdf.refetch_report import to_table
    from smollab.progress import console, progress

    if options.delay < 1 or options.hosts < 1:
        raise RecipeError("--delay: at least 1 second, for the sake of those you ask; --hosts: at least 1")
    kinds = ("warc:", "cc:")
    addresses = [place if place.startswith(kinds) else f"warc:{place}" for place in options.warc]
    files = sum(1 for address in addresses for _ in list_files(address))
    job = Refetch(Path(options.to), options.delay, options.contact)
    try:
        with progress("look", files) as advance:
            for address in addresses:
                job.scan(address, advance)
        waiting = job.waiting()
        if waiting:
            with progress("fetch", waiting) as advance:
                job.run(advance, options.hosts)
        console.print(to_table(job.summary()))
    finally:
        job.close()
    print(options.to)
