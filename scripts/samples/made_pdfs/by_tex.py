r"""Documents typeset by pdfTeX, as papers are: Computer Modern, hyphenation, floats, footnotes, booktabs, longtable."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from samples.made_pdfs import content
from samples.made_pdfs.by_chromium import Made, caption
from samples.made_pdfs.content import Texts
from samples.made_pdfs.elements import Cell, Element, MadePdf

PREAMBLE = r"""\pdfinfoomitdate=1 \pdftrailerid{} \pdfsuppressptexinfo=-1
\usepackage[utf8]{inputenc}\usepackage{textcomp,booktabs,longtable,multicol,tabularx,amsmath,listings,lineno,fancyhdr}
\DeclareUnicodeCharacter{2019}{'}\DeclareUnicodeCharacter{2018}{`}\DeclareUnicodeCharacter{201C}{``}
\DeclareUnicodeCharacter{201D}{''}\DeclareUnicodeCharacter{2013}{--}\DeclareUnicodeCharacter{2014}{---}
"""
_SPECIAL = re.compile(r"[%&#_$]")


def escape(text: str) -> str:
    """Return text for TeX."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], text).replace("±", r"$\pm$").replace("|", "$|$")


def show(elements: list[Element]) -> str:
    """Return running text as TeX."""
    parts = []
    for element in elements:
        match element.kind:
            case "heading":
                parts.append(rf"\section*{{{escape(element.text)}}}")
            case "code":
                parts.append(f"\\begin{{verbatim}}\n{element.text}\n\\end{{verbatim}}")
            case _:
                parts.append(escape(element.text))
    return "\n\n".join(parts) + "\n\n"


def items(elements: list[Element]) -> str:
    """Return list items; a mark as TeX sets it must be in their text already."""
    inner = "".join(
        rf"\item[{escape(mark)}] {escape(rest)} " for mark, rest in (e.text.split(" ", 1) for e in elements)
    )
    return rf"\begin{{itemize}}{inner}\end{{itemize}}" + "\n\n"


def _tex_cell(cell: Cell) -> str:
    text = escape(cell.text)
    return rf"\multicolumn{{{cell.columns}}}{{c}}{{{text}}}" if cell.columns > 1 else text


def tabular(element: Element, columns: str, draw: str, environment: str = "tabular") -> str:
    """Return a table: `booktabs`, `grid` (all rules), `head` (three hlines) or `none`."""
    lines = []
    for number, row in enumerate(element.rows):
        cells = [
            rf"\multicolumn{{{c.columns}}}{{c}}{{{escape(c.text)}}}" if c.columns > 1 else escape(c.text) for c in row
        ]
        if number == 0 and any(cell.rows > 1 for cell in row):
            cells[0] = ""  # a cell over two rows stands in the second
        if number == 1 and any(cell.rows > 1 for cell in element.rows[0]):
            cells.insert(0, escape(element.rows[0][0].text))
        end = r"\\"
        if number == element.header_rows - 1:
            end += {"booktabs": r"\midrule ", "grid": r"\hline", "head": r"\hline", "none": ""}[draw]
            end += r"\endhead" if environment == "longtable" else ""
        elif draw == "grid":
            end += r"\hline"
        elif draw == "booktabs" and number < element.header_rows - 1:
            end += r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}"
        lines.append(" & ".join(cells) + end)
    top, bottom = {"booktabs": (r"\toprule", r"\bottomrule"), "none": ("", "")}.get(draw, (r"\hline", r"\hline"))
    bottom = "" if draw == "grid" else bottom
    body = "\n".join(lines)
    width = r"{\linewidth}" if environment == "tabularx" else ""
    return f"\\begin{{{environment}}}{width}{{{columns}}}{top}\n{body}\n{bottom}\\end{{{environment}}}\n"


def centered(table: str) -> str:
    """Return a table in the middle of the page."""
    return rf"\begin{{center}}{table}\end{{center}}"


def float_table(environment: str, text: str, table: str) -> str:
    """Return a floating table with its caption."""
    return rf"\begin{{{environment}}}[t]\centering\caption{{{escape(text)}}}{table}\end{{{environment}}}"


def document(options: str, body: str, preamble: str = "", kind: str = "article") -> str:
    """Return a whole TeX document."""
    return rf"\documentclass[{options}]{{{kind}}}{PREAMBLE}{preamble}\begin{{document}}{body}\end{{document}}"


def float_(element: Element) -> Element:
    """Return an element that may stand anywhere."""
    return Element(element.kind, element.text, element.rows, element.header_rows, True)


def paper(t: Texts, sans: bool = False) -> Made:
    """Two columns, title, abstract, booktabs tables as floats, one over both columns, footnotes."""
    title, authors = (
        Element("title", "Estimating Sediment from Sparse Gauges"),
        Element("paragraph", "A. Holm and B. Tarn"),
    )
    abstract = t.paragraph(90)
    first = [t.heading(), *t.paragraphs(4)]
    note = Element("footnote", t.sentence(), floating=True)
    small, wide = content.scores(t, 2), content.grouped_scores(t)
    second = [t.heading(), *t.paragraphs(6), t.heading(), *t.paragraphs(5)]
    small_caption, wide_caption = caption(f"Table 1: {t.sentence()}", True), caption("Table 2: Both splits.", True)
    body = rf"\title{{{title.text}}}\author{{{authors.text}}}\date{{}}"
    body += rf"\twocolumn[{{\begin{{@twocolumnfalse}}\maketitle\begin{{quote}}{escape(abstract.text)}\end{{quote}}"
    body += r"\end{@twocolumnfalse}}]" + show(first)
    body = body.rstrip() + rf"\footnote{{{escape(note.text)}}}" + "\n\n"
    body += float_table("table", small_caption.text.split(": ", 1)[1], tabular(small, "lcc", "booktabs"))
    body += show(second[:4])
    body += float_table("table*", "Both splits.", tabular(wide, "lrrrr", "booktabs"))
    body += show(second[4:])
    elements = [
        title,
        authors,
        abstract,
        *first,
        note,
        small_caption,
        float_(small),
        *second,
        wide_caption,
        float_(wide),
    ]
    return document("10pt,twocolumn", body, r"\renewcommand\familydefault\sfdefault" if sans else ""), elements


def thesis(t: Texts) -> Made:
    """One column with running heads, a grid, lists, a listing, formulas in the line and on their own."""
    head = r"\pagestyle{fancy}\fancyhead[L]{Water in small towns}\fancyhead[R]{Chapter 2}"
    first, table = [t.heading(), *t.paragraphs(3)], content.figures(t, 6, 4)
    marked = t.items(3)
    second = [*t.paragraphs(1), content.code(t), *t.paragraphs(2)]
    formula = Element("formula", "f(x) = ax + b (1)", floating=True)
    body = show(first) + r"\begin{equation}f(x) = ax + b\end{equation}" + "\n" + items(marked) + show(second)
    body += centered(tabular(table, "|l|r|r|r|r|", "grid"))
    last = [t.heading(), *t.paragraphs(4)]
    return document("11pt,a4paper", body + show(last), head), [*first, formula, *marked, *second, table, *last]


def long_table(t: Texts) -> Made:
    """A longtable over two pages."""
    rows = content.figures(t, 12, 4).rows
    for _ in range(5):
        rows += content.figures(t, 12, 4).rows[1:]
    table = Element("table", rows=rows)
    above, below = [t.heading(), *t.paragraphs(2)], t.paragraphs(2)
    body = show(above) + tabular(table, "lrrrr", "booktabs", "longtable") + show(below)
    return document("11pt", body), [*above, table, *below]


def plain_tables(t: Texts) -> Made:
    """Tables without any rule, and with rules at the head only."""
    first, second = content.statement(t), content.timetable(t)
    texts = [[t.heading(), *t.paragraphs(2)], t.paragraphs(2), t.paragraphs(2)]
    body = show(texts[0]) + centered(tabular(first, "lrrr", "none")) + show(texts[1])
    body += centered(tabular(second, "l" + "c" * 6, "head")) + show(texts[2])
    return document("11pt", body), [*texts[0], first, *texts[1], second, *texts[2]]


def wrapped_cells(t: Texts) -> Made:
    """Cells of several lines between horizontal rules, and the same without."""
    above, table, below = [t.heading(), *t.paragraphs(2)], content.descriptions(t), t.paragraphs(3)
    columns = r"p{30mm}p{65mm}p{20mm}"
    return (
        document("11pt", show(above) + tabular(table, columns, "booktabs") + "\n\n" + show(below)),
        [*above, table, *below],
    )


def columns(t: Texts) -> Made:
    """Three columns of news under one title."""
    title, text = Element("title", "County Water News"), []
    for _ in range(4):
        text += [t.heading(), *t.paragraphs(3)]
    body = rf"\begin{{center}}\Huge {title.text}\end{{center}}\begin{{multicols}}{{3}}{show(text)}\end{{multicols}}"
    return document("9pt,a4paper", body, r"\usepackage[margin=15mm]{geometry}", "extarticle"), [title, *text]


def numbered_lines(t: Texts) -> Made:
    """A manuscript for review: line numbers, wide spacing."""
    text = [t.heading(), *t.paragraphs(7)]
    return document("12pt", rf"\linenumbers\linespread{{1.6}}\selectfont {show(text)}"), text


def old_german(t: Texts) -> Made:
    """German with accents drawn beside the letters (OT1), and margin notes."""
    text = [t.heading(), *t.paragraphs(4)]
    note = Element("side note", t.sentence(), floating=True)
    body = show(text[:2]).rstrip() + rf"\marginpar{{\footnotesize {escape(note.text)}}}" + "\n\n" + show(text[2:])
    return document("11pt,a4paper", body, r"\hyphenpenalty=10000\sloppy"), [*text[:2], note, *text[2:]]


def bibliography(t: Texts) -> Made:
    """Enumerations, terms, a bibliography in two columns."""
    numbered, works = t.items(4, "1."), content.bibliography(t, 8)
    text = [t.heading(), *t.paragraphs(4)]
    inner = "".join(rf"\bibitem{{k{i}}} {escape(e.text.split(' ', 1)[1])} " for i, e in enumerate(works))
    body = show(text) + items(numbered) + rf"\begin{{thebibliography}}{{9}}{inner}\end{{thebibliography}}"
    return document("10pt,twocolumn", body), [*text, *numbered, Element("heading", "References"), *works]


LAYOUTS: tuple[tuple[str, str, str, Callable[[Texts], Made]], ...] = (
    ("tex-paper", "en", "TeX, two columns, tables of one and two columns", paper),
    ("tex-paper-sans", "en", "TeX, two columns, sans serif", lambda t: paper(t, sans=True)),
    ("tex-thesis", "en", "TeX, one column, ruled table, formula, code", thesis),
    ("tex-longtable", "en", "TeX, a table over two pages", long_table),
    ("tex-plain-tables", "en", "TeX, tables without rules", plain_tables),
    ("tex-wrapped-cells", "en", "TeX, cells of several lines", wrapped_cells),
    ("tex-three-columns", "en", "TeX, three columns", columns),
    ("tex-line-numbers", "en", "TeX, line numbers", numbered_lines),
    ("tex-old-german", "de", "TeX, accents as characters of their own, margin notes", old_german),
    ("tex-bibliography", "en", "TeX, two columns, lists, bibliography", bibliography),
)


def made(jargon: Path, pdflatex: str) -> list[MadePdf]:
    """Make all documents."""
    result = []
    for seed, (name, language, layout, make) in enumerate(LAYOUTS, start=100):
        source, elements = make(Texts(language, jargon, seed))
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "made.tex").write_text(source, encoding="utf-8")
            for _ in range(3):  # longtable settles its widths in the third run
                run = subprocess.run(
                    [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "made.tex"],
                    cwd=folder,
                    env=os.environ | {"SOURCE_DATE_EPOCH": "0"},
                    capture_output=True,
                    timeout=120,
                )
                if run.returncode:
                    raise RuntimeError(f"{name}: {run.stdout.decode(errors='replace')[-600:]}")
            result.append(MadePdf(name, layout, language, Path(folder, "made.pdf").read_bytes(), elements))
    return result
