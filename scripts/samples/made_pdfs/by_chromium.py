"""Documents laid out by Chromium: reports, papers, newsletters, forms, from HTML with CSS columns and page margins."""

import html as markup
from collections.abc import Callable, Iterable
from pathlib import Path

from playwright.sync_api import sync_playwright

from samples.made_pdfs import content
from samples.made_pdfs.content import Texts
from samples.made_pdfs.elements import Element, MadePdf

Made = tuple[str, list[Element]]
"""The HTML of a document, and its elements in reading order."""
STYLE = """
body { font: 10.5pt/1.35 'DejaVu Serif'; margin: 0; } p { margin: 0 0 6pt; text-align: justify; }
h1 { font-size: 17pt; margin: 0 0 8pt; } h2 { font-size: 12.5pt; margin: 10pt 0 5pt; break-after: avoid; }
pre { font: 9pt 'DejaVu Sans Mono'; margin: 6pt 12pt; } .li { margin: 0 0 4pt 18pt; text-indent: -12pt; }
table { border-collapse: collapse; margin: 8pt 0; font-size: 9pt; break-inside: avoid; width: 100%; }
td, th { padding: 2pt 6pt; text-align: left; vertical-align: top; } th { font-weight: bold; }
td + td, th + th { text-align: right; } th[colspan] { text-align: center; }
.words td, .words th { text-align: left; } .sub { padding-left: 16pt; } .caption { font-size: 9pt; text-align: left; }
.note { font-size: 8pt; } .columns2 { columns: 2; column-gap: 18pt; } .columns3 { columns: 3; column-gap: 14pt; }
.small { font-size: 9pt; } .sans { font-family: 'DejaVu Sans'; }
"""
TABLES = {
    "grid": "td, th { border: .6pt solid #000; }",
    "booktabs": "table { border-top: 1pt solid; border-bottom: 1pt solid; } thead tr:last-child th { border-bottom: "
    ".5pt solid; }",
    "zebra": "tbody tr:nth-child(odd) { background: #e6ecf2; } thead { background: #34506b; color: #fff; }",
    "plain": "td, th { padding: 2pt 9pt; }",
    "row lines": "tr { border-bottom: .4pt solid #888; } thead tr:last-child { border-bottom: 1.2pt solid #000; }",
    "verticals": "table { border: .8pt solid; } td + td, th + th { border-left: .5pt solid; } thead tr:last-child th "
    "{ border-bottom: .8pt solid; }",
    "spaced": "td, th { padding: 5pt 10pt; line-height: 1.15; }",
    "totals": "td, th { padding: 1.5pt 8pt; } .total td + td { border-top: .5pt solid; border-bottom: 1.5pt double; }",
}
"""How a table is drawn -> its CSS."""


def page(title: str = "", footer: bool = True, size: str = "A4", margin: str = "22mm 20mm") -> str:
    """Return CSS for the paper, with a running title and a page number."""
    head = f"@top-center {{ content: '{title}'; font: 8pt 'DejaVu Sans'; }}" if title else ""
    foot = "@bottom-center { content: counter(page); font: 8pt 'DejaVu Serif'; }" if footer else ""
    return f"@page {{ size: {size}; margin: {margin}; {head} {foot} }}"


def document(language: str, css: str, body: str) -> str:
    """Return a whole HTML document."""
    return f'<!DOCTYPE html><html lang="{language}"><meta charset="utf-8"><style>{STYLE}{css}</style>{body}</html>'


def show(elements: Iterable[Element], table_class: str = "") -> str:
    """Return elements as HTML."""
    return "\n".join(_show(element, table_class) for element in elements)


def _show(element: Element, table_class: str) -> str:
    text = markup.escape(element.text)
    match element.kind:
        case "table":
            return _table(element, table_class)
        case "heading":
            return f"<h2>{text}</h2>"
        case "title":
            return f"<h1>{text}</h1>"
        case "list item":
            return f'<div class="li">{text}</div>'
        case "code":
            return f"<pre>{text}</pre>"
        case "caption" | "footnote" | "side note":
            return f'<p class="{"caption" if element.kind == "caption" else "note"}">{text}</p>'
    return f"<p>{text}</p>"


def _table(element: Element, table_class: str) -> str:
    def row(cells: list, tag: str, number: int) -> str:
        shown = []
        for cell in cells:
            span = (f' colspan="{cell.columns}"' if cell.columns > 1 else "") + (
                f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
            )
            sub = ' class="sub"' if number in element.indent and not shown else ""
            shown.append(f"<{tag}{span}{sub}>{markup.escape(cell.text)}</{tag}>")
        total = ' class="total"' if cells[0].text.startswith("Total") else ""
        return f"<tr{total}>{''.join(shown)}</tr>"

    n = element.header_rows
    head = "".join(row(cells, "th", i) for i, cells in enumerate(element.rows[:n]))
    body = "".join(row(cells, "td", i) for i, cells in enumerate(element.rows[n:], start=n))
    return f'<table class="{table_class}"><thead>{head}</thead><tbody>{body}</tbody></table>'


def caption(text: str, floating: bool = False) -> Element:
    """Return a caption."""
    return Element("caption", text, floating=floating)


def report(t: Texts, draw: str, make: Callable[[Texts], Element], words: bool = False) -> Made:
    """One column, running title, page numbers, two tables drawn in one way."""
    first, second = make(t), content.figures(t, 7, 3, t.random.choice(("int", "percent", "space")))
    title = Element("title", "Annual report of the district")
    elements = [title, t.heading("1"), *t.paragraphs(2), caption(f"Table 1: {t.sentence()}"), first, *t.paragraphs(1)]
    elements += [t.heading("2"), *t.items(3), *t.paragraphs(1), caption("Table 2. Counts by year."), second]
    elements += t.paragraphs(3)
    css = page("Annual report of the district") + TABLES[draw]
    return document(t.language, css, show(elements, "words" if words else "")), elements


def described(t: Texts, draw: str) -> Made:
    """A report whose first table has cells of several lines."""
    return report(t, draw, content.descriptions, words=True)


def spaced(t: Texts) -> Element:
    """Numbers with spaces between the thousands."""
    return content.figures(t, 6, 4, "space")


def paper(t: Texts, draw: str, figure: bool = True) -> Made:
    """Two columns under a spanning title and abstract, with a table and a chart in the columns."""
    head = [Element("title", "On the settling of suspended matter in small tanks"),
            Element("paragraph", "A. Holm, B. Tarn, University of Inchmoor")]  # fmt: skip
    abstract = t.paragraph(80)
    body = [t.heading("1"), *t.paragraphs(3), t.heading("2"), *t.paragraphs(2)]
    table = [caption("Table 1. Accuracy on three data sets, mean and deviation.", True), _float(content.scores(t, 2))]
    rest = [*t.paragraphs(2), t.heading("3"), *t.paragraphs(4), t.heading("4"), *t.paragraphs(2)]
    chart = [caption("Figure 1. Height of the water over one day.", True)] if figure else []
    flow = show(body) + f'<div style="break-inside: avoid">{show(table)}</div>' + show(rest[:2])
    flow += f'<div style="break-inside: avoid">{CHART}{show(chart)}</div>' if figure else ""
    flow += show(rest[2:])
    top = f'<div style="text-align:center">{show(head)}</div><div style="margin: 0 30pt 10pt">{show([abstract])}</div>'
    css = page(margin="18mm 16mm") + TABLES[draw]
    elements = [*head, abstract, *body, *table, *rest[:2], *chart, *rest[2:]]
    return document(t.language, css, f'{top}<div class="columns2 small">{flow}</div>'), elements


CHART = (
    '<svg viewBox="0 0 200 90" width="100%"><path d="M10 80 H195 M10 80 V5" stroke="#000" fill="none"/>'
    '<path d="M10 70 C40 10 60 75 90 40 S150 20 190 60" stroke="#246" fill="none"/>'
    + "".join(f'<text x="{10 + 36 * i}" y="89" font-size="7">{6 * i}</text>' for i in range(5))
    + "</svg>"
)


def spanning(t: Texts, draw: str) -> Made:
    """Two columns, broken by a table over the whole width, then two columns again."""
    above, below = [t.heading(), *t.paragraphs(4)], [t.heading(), *t.paragraphs(5)]
    table = [caption("Table 3: Plan and accounts."), content.budget(t, 7)]
    body = f'<div class="columns2">{show(above)}</div>{show(table)}<div class="columns2">{show(below)}</div>'
    return document(t.language, page("Plan and accounts") + TABLES[draw], body), [*above, *table, *below]


def newsletter(t: Texts, columns: int = 3) -> Made:
    """A title across the page, articles in columns, a box with a list."""
    title = Element("title", "The Inchmoor Letter")
    articles = []
    for _ in range(3):
        articles += [t.heading(), *t.paragraphs(3)]
    box = t.items(3)
    body = (
        f"<h1 style='font-size:30pt;border-bottom:2pt solid'>{title.text}</h1><div class='columns{columns} small sans'>"
        f"{show(articles)}<div style='border:1pt solid;padding:5pt;break-inside:avoid'>{show(box)}</div></div>"
    )
    return document(t.language, page(margin="15mm"), body), [title, *articles, *box]


def long_table(t: Texts, draw: str) -> Made:
    """A table that goes on over pages, its head repeated on each."""
    rows = content.figures(t, 9, 4).rows
    for i in range(9):
        rows += [[content.Cell(f"District {i + 1}"), *r[1:]] for r in content.figures(t, 8, 4).rows[1:2]]
        rows += content.figures(t, 10, 4).rows[1:-1]
    table = Element("table", rows=rows)
    elements = [t.heading(), *t.paragraphs(1), caption("Table 4: All municipalities."), table, *t.paragraphs(1)]
    css = page("Statistical yearbook") + TABLES[draw] + "table { break-inside: auto; } tr { break-inside: avoid; }"
    return document(t.language, css, show(elements)), elements


def manual(t: Texts) -> Made:
    """Contents with leaders, code, numbered and nested lists, terms with explanations."""
    entries = list(content.entries(t))
    lines = "".join(
        f'<div style="display:flex"><span>{name}</span><span style="flex:1;overflow:hidden;white-space:nowrap;'
        f'text-align:right">{" ." * 90}</span><span>&nbsp;{number}</span></div>'
        for name, number in entries
    )
    title = Element("title", "Operating manual")
    first = [t.heading("1"), *t.paragraphs(1), content.code(t), *t.paragraphs(1), *t.items(4, "1.")]
    terms = [Element("paragraph", f"{a} {b}") for a, b, _ in content.PARTS[:4]]
    shown = "".join(
        f'<div style="display:flex;margin-bottom:5pt"><b style="width:110pt;flex:none">{a}</b><div>{b}</div></div>'
        for a, b, _ in content.PARTS[:4]
    )
    second = [t.heading("2"), *t.items(3), content.code(t), *t.paragraphs(2)]
    body = f"{show([title])}<div style='break-after:page'>{lines}</div>{show(first)}{shown}{show(second)}"
    return document(t.language, page("Operating manual"), body), [title, *first, *terms, *second]


def side_notes(t: Texts) -> Made:
    """One column with notes in the margin."""
    elements, body = [], ""
    for i in range(6):
        paragraph = t.paragraph()
        elements.append(paragraph)
        if i % 2 == 0:
            note = Element("side note", t.sentence(), floating=True)
            elements.append(note)
            body += f'<aside class="note">{markup.escape(note.text)}</aside>'
        body += show([paragraph])
    css = page("Notes on water", margin="22mm 62mm 22mm 20mm") + (
        "aside { position: absolute; left: calc(100% + 12pt); width: 100pt; } body { position: relative; }"
    )
    return document(t.language, css, body), elements


def form(t: Texts) -> Made:
    """A form: boxes with labels, most of them empty. Not a table."""
    names = ("Surname", "Given names", "Date of birth", "Street and number", "Postcode", "Town", "Telephone", "E-mail")
    fields = [Element("paragraph", name, floating=True) for name in names]
    boxes = "".join(
        f'<div style="border:.6pt solid;height:30pt;width:{w}%;float:left;box-sizing:border-box"><span '
        f'style="font-size:7pt;padding:2pt">{name}</span></div>'
        for name, w in zip(names, (50, 50, 30, 70, 30, 70, 50, 50), strict=True)
    )
    title, intro, outro = Element("title", "Application for a water permit"), t.paragraph(60), t.paragraph(60)
    rest = '<div style="clear:both;padding-top:12pt"></div>'
    choices = [Element("list item", f"☐ {t.sentence()}") for _ in range(3)]
    body = show([title, intro]) + boxes + rest + show([*choices, outro])
    return document(t.language, page(), body), [title, intro, *fields, *choices, outro]


def index(t: Texts) -> Made:
    """An alphabetical index in three columns, whose lines look like rows. Not a table."""
    stripped = {word.strip(".,;:()").lower() for text in t.found for word in text.split() if len(word) > 5}
    words = sorted(filter(str.isalpha, stripped))
    lines = []
    for word in sorted(t.random.sample(words, 75)):
        numbers = sorted(t.random.sample(range(1, 300), 1 + len(word) % 3))
        lines.append(Element("paragraph", f"{word}, {', '.join(map(str, numbers))}"))
    body = show([Element("heading", "Index")]) + "".join(f"<div>{line.text}</div>" for line in lines)
    css = page(margin="20mm")
    return document(t.language, css, f'<div class="columns3 small">{body}</div>'), [Element("heading", "Index"), *lines]


def minutes(t: Texts) -> Made:
    """Boxed paragraphs, line numbers in the margin, a watermark; none of them tables."""
    parts = [t.heading(), *t.paragraphs(3, 90)]
    boxed, rest = t.paragraph(60), t.paragraphs(3, 90)
    body = show(parts) + f'<div style="border:1pt solid;padding:6pt">{show([boxed])}</div>' + show(rest)
    mark = '<div style="position:fixed;top:40%;left:15%;font-size:90pt;color:#ddd;transform:rotate(-35deg)">DRAFT</div>'
    numbers = "".join(f"<div class='note number' style='top:{18 * i}pt'>{i}</div>" for i in range(1, 36))
    css = page("Minutes of the council") + "p { text-align: left; } body { position: relative; }"
    css += ".number { position: absolute; left: -28pt; }"
    return document(t.language, css, mark + numbers + body), [*parts, boxed, *rest]


def references(t: Texts) -> Made:
    """Text with numbered notes at its end and a bibliography with labels."""
    elements = [t.heading("5"), *t.paragraphs(3), Element("heading", "References"), *content.bibliography(t)]
    body = show(elements[:5]) + "".join(
        f'<div class="work"><span style="width:26pt;flex:none">{label}</span><span>{rest}</span></div>'
        for label, rest in (element.text.split(" ", 1) for element in elements[5:])
    )
    css = page() + ".work { display: flex; margin-bottom: 3pt; }"
    return document(t.language, css, body), elements


def row_spans(t: Texts, draw: str) -> Made:
    """A table with cells over several rows."""
    C = content.Cell
    rows = [[C("Region"), C("Kind"), C("2020"), C("2021")]]
    for region in ("North", "South", "Islands"):
        for i, kind in enumerate(("Wells", "Springs", "Reservoirs")):
            cells = [C(kind), C(content.number(t.random, "int")), C(content.number(t.random, "int"))]
            rows.append([C(region, rows=3), *cells] if i == 0 else cells)
    table = Element("table", rows=rows)
    elements = [t.heading("3"), *t.paragraphs(2), caption("Table 5: Sources by region."), table, *t.paragraphs(2)]
    return document(t.language, page("Sources") + TABLES[draw], show(elements)), elements


def landscape(t: Texts, draw: str) -> Made:
    """A wide table on a sheet on its side."""
    elements = [t.heading(), content.timetable(t), *t.paragraphs(2)]
    return document(t.language, page(size="A4 landscape") + TABLES[draw], show(elements)), elements


def _float(element: Element) -> Element:
    return Element(element.kind, element.text, element.rows, element.header_rows, True, element.indent)


LAYOUTS: tuple[tuple[str, str, str, Callable[[Texts], Made]], ...] = (
    ("report-grid", "en", "one column, ruled tables", lambda t: report(t, "grid", content.budget)),
    ("report-booktabs", "en", "one column, horizontal rules", lambda t: report(t, "booktabs", content.budget)),
    ("report-zebra", "en", "one column, shaded rows", lambda t: report(t, "zebra", lambda t: content.figures(t, 9, 5))),
    ("report-plain", "en", "one column, unruled tables", lambda t: report(t, "plain", content.statement)),
    ("report-row-lines", "en", "one column, wrapped cells", lambda t: described(t, "row lines")),
    ("report-spaced", "en", "one column, unruled, wrapped cells", lambda t: described(t, "spaced")),
    ("report-verticals", "en", "one column, vertical rules", lambda t: report(t, "verticals", content.statement)),
    ("report-totals", "en", "one column, rules at totals only", lambda t: report(t, "totals", content.statement)),
    ("report-fr", "fr", "one column, ruled tables", lambda t: report(t, "row lines", spaced)),
    ("report-it", "it", "one column, unruled tables", lambda t: report(t, "plain", spaced)),
    ("report-vi", "vi", "one column, ruled tables", lambda t: report(t, "grid", lambda t: content.figures(t, 6, 3))),
    ("report-pt", "pt", "one column, shaded rows", lambda t: report(t, "zebra", lambda t: content.figures(t, 6, 4))),
    ("paper-booktabs", "en", "two columns, table and figure in the columns", lambda t: paper(t, "booktabs")),
    ("paper-plain", "en", "two columns, unruled table in the columns", lambda t: paper(t, "plain", figure=False)),
    ("paper-de", "de", "two columns", lambda t: paper(t, "row lines")),
    ("spanning-grid", "en", "two columns around a wide table", lambda t: spanning(t, "grid")),
    ("spanning-booktabs", "en", "two columns around a wide table", lambda t: spanning(t, "booktabs")),
    ("spanning-plain", "en", "two columns around a wide unruled table", lambda t: spanning(t, "plain")),
    ("newsletter-3", "en", "three columns", newsletter),
    ("newsletter-es", "es", "two columns", lambda t: newsletter(t, 2)),
    ("newsletter-fr", "fr", "three columns", newsletter),
    ("long-grid", "en", "a table over several pages", lambda t: long_table(t, "grid")),
    ("long-booktabs", "en", "an unruled table over several pages", lambda t: long_table(t, "booktabs")),
    ("manual", "en", "contents, code, lists, terms", manual),
    ("side-notes", "en", "notes in the margin", side_notes),
    ("form", "en", "a form", form),
    ("index", "en", "an index in three columns", index),
    ("minutes", "en", "line numbers, watermark, boxes", minutes),
    ("references", "en", "bibliography", references),
    ("row-spans-grid", "en", "cells over several rows", lambda t: row_spans(t, "grid")),
    ("landscape", "en", "landscape, wide table", lambda t: landscape(t, "row lines")),
)  # fmt: skip
"""Name, language, what it is, and the function that makes it."""


def made(jargon: Path, chromium: str) -> list[MadePdf]:
    """Make all documents."""
    result = []
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium) as browser:
        page_ = browser.new_page()
        for seed, (name, language, layout, make) in enumerate(LAYOUTS):
            source, elements = make(Texts(language, jargon, seed))
            page_.set_content(source)
            pdf = page_.pdf(prefer_css_page_size=True, print_background=True)
            result.append(MadePdf(name, layout, language, pdf, elements))
    return result
