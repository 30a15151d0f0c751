"""Texts and tables for made documents. Numbers are random; nothing in a table is true."""

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samples.made_pdfs.elements import Cell, Element

ARTICLES = Path(__file__).parent.parent / "pages"
WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
HEADINGS: dict[str, list[str]] = WORDS["headings"]
PLACES, BUDGET, METHODS, PARTS = (WORDS["tables"][name] for name in ("places", "budget", "methods", "parts"))
_ODD = re.compile(r"[^\x20-\x7e‘’“”—–éüöä]|[\\{}<>|^~`_#$&%]")


class Texts:
    """Paragraphs and headings of one language, none of them given twice."""

    def __init__(self, language: str, jargon: Path, seed: int):
        self.random = random.Random(seed)
        self.language = language
        if language == "en":
            files = sorted(jargon.glob("*.txt"))
            found = [p for file in files for p in file.read_text(encoding="utf-8").split("\n\n")]
        else:
            lines = (ARTICLES / f"{language}.txt").read_text(encoding="utf-8").splitlines()
            found = [line for line in lines if not re.match(r"===|#|>|$", line)]
        self.found = [p for p in found if 25 <= len(p.split()) <= 110 and (language != "en" or not _ODD.search(p))]
        self.random.shuffle(self.found)
        whole = " ".join(self.found)
        self.sentences = [s for s in re.split(r"(?<=[.!?])\s+", whole) if 6 <= len(s.split()) <= 18]
        self.headings = [HEADINGS[language][i] for i in self.random.sample(range(10), 10)]

    def paragraph(self, most: int = 110) -> Element:
        """Return the next paragraph of at most so many words."""
        chosen = next((p for p in self.found if len(p.split()) <= most), self.found[0])
        self.found.remove(chosen)
        return Element("paragraph", " ".join(chosen.split()))

    def paragraphs(self, count: int, most: int = 110) -> list[Element]:
        """Return several, as many as there are."""
        return [self.paragraph(most) for _ in range(min(count, len(self.found)))]

    def heading(self, number: str = "") -> Element:
        """Return the next heading."""
        return Element("heading", f"{number} {self.headings.pop()}".strip())

    def sentence(self) -> str:
        """Return a sentence for a caption, a footnote or a list item."""
        return self.random.choice(self.sentences)

    def items(self, count: int, mark: str = "•") -> list[Element]:
        """Return list items; `1.` numbers them."""
        marks = [f"{i}." if mark == "1." else mark for i in range(1, count + 1)]
        return [Element("list item", f"{mark} {self.sentence()}") for mark in marks]


def figures(texts: Texts, rows: int = 8, columns: int = 4, style: str = "int") -> Element:
    """Return a table of numbers by place, a header row on top and a total at the end."""
    random_ = texts.random
    head = [Cell("Municipality"), *(Cell(str(2015 + 2 * i)) for i in range(columns))]
    places = random_.sample(PLACES, rows - 1)
    body = [[Cell(place), *(Cell(number(random_, style)) for _ in range(columns))] for place in places]
    body.append([Cell("Total"), *(Cell(number(random_, style)) for _ in range(columns))])
    return Element("table", rows=[head, *body])


def number(random_: random.Random, style: str) -> str:
    """Return a number as reports print it; now and then none."""
    if random_.random() < 0.06:
        return random_.choice(("–", "n/a", "", "."))
    value = random_.lognormvariate(7, 1.5)
    return {
        "int": f"{value:,.0f}",
        "percent": f"{random_.uniform(0.1, 99):.1f}%",
        "money": f"({value:,.0f})" if random_.random() < 0.2 else f"{value:,.0f}",
        "space": f"{value:,.1f}".replace(",", " ").replace(".", ","),
        "error": f"{random_.uniform(0.1, 0.99):.3f} ± {random_.uniform(0.001, 0.02):.3f}",
        "decimal": f"{random_.uniform(0, 100):.2f}",
    }[style]


def budget(texts: Texts, rows: int = 8) -> Element:
    """Return a budget with a head of two rows, one cell of which spans, and groups of rows."""
    random_ = texts.random
    top = [Cell("Item", rows=2), Cell("Expenditure", columns=2), Cell("Income", columns=2)]
    head = [Cell(name) for name in ("Plan", "Actual", "Plan", "Actual")]
    names = random_.sample(BUDGET, rows)
    body = [[Cell(name), *(Cell(number(random_, "money")) for _ in range(4))] for name in names]
    return Element("table", rows=[top, head, *body], header_rows=2)


def scores(texts: Texts, datasets: int = 3) -> Element:
    """Return results of methods, as papers print them."""
    random_ = texts.random
    names = random_.sample(("Rivers", "Soil", "Traffic-M", "Birds", "Loans", "ECG5"), datasets)
    methods = random_.sample(METHODS, 6)
    body = [[Cell(method), *(Cell(number(random_, "error")) for _ in names)] for method in methods]
    return Element("table", rows=[[Cell("Method"), *map(Cell, names)], *body])


def grouped_scores(texts: Texts) -> Element:
    """Return results under heads that span two columns each."""
    random_ = texts.random
    top = [Cell("", rows=1), Cell("Validation", columns=2), Cell("Test", columns=2)]
    head = [Cell(name) for name in ("Method", "Acc.", "F1", "Acc.", "F1")]
    body = [[Cell(m), *(Cell(number(random_, "decimal")) for _ in range(4))] for m in random_.sample(METHODS, 5)]
    return Element("table", rows=[top, head, *body], header_rows=2)


def descriptions(texts: Texts) -> Element:
    """Return a table with cells of several lines."""
    head = [Cell(name) for name in ("Part", "What it does", "Inspection")]
    return Element("table", rows=[head, *([Cell(text) for text in row] for row in PARTS)])


def statement(texts: Texts) -> Element:
    """Return a table whose rows are grouped under rows with one cell."""
    random_ = texts.random
    rows = [[Cell("in thousands"), Cell("Note"), Cell("2023"), Cell("2022")]]
    note = 1
    for group, names in (("Assets", BUDGET[:3]), ("Liabilities", BUDGET[6:9])):
        rows.append([Cell(group), Cell(""), Cell(""), Cell("")])
        for name in names:
            rows.append([Cell(name), Cell(str(note)), *(Cell(number(random_, "money")) for _ in range(2))])
            note += 1
        rows.append([Cell(f"Total {group.lower()}"), Cell(""), *(Cell(number(random_, "int")) for _ in range(2))])
    return Element("table", rows=rows)


def timetable(texts: Texts) -> Element:
    """Return departure times by stop."""
    random_ = texts.random
    start = [360 + 47 * i for i in range(6)]
    rows = [[Cell("Stop"), *(Cell(f"Bus {i + 1}") for i in range(6))]]
    for stop in random_.sample(PLACES[:9], 7):
        start = [minute + random_.randint(3, 9) for minute in start]
        rows.append([Cell(stop), *(Cell(f"{m // 60}:{m % 60:02}" if random_.random() > 0.1 else "|") for m in start)])
    return Element("table", rows=rows)


def code(texts: Texts) -> Element:
    """Return a program listing."""
    return Element("code", texts.random.choice(LISTINGS))


LISTINGS = (
    "def settle(tank, hours=4):\n    level = tank.level\n    while hours > 0:\n        level -= tank.rate\n"
    "        hours -= 1\n    return max(level, 0)",
    "for place in sorted(places):\n    total = sum(counts[place])\n    if total > 100:\n        print(place, total)\n"
    "    else:\n        skipped.append(place)",
    "int main(void) {\n    int   total = 0;\n    char  name[64];\n    while (read_name(name)) {\n"
    "        total += count(name);   /* by place */\n    }\n    return total;\n}",
)


def bibliography(texts: Texts, count: int = 6) -> list[Element]:
    """Return references with labels in brackets."""
    random_ = texts.random
    names = ("A. Holm", "B. Tarn and C. Moor", "D. Kirk", "E. Fenn, F. Gate and G. Oak", "H. Marsh", "I. Norton")
    works = []
    for i in range(count):
        title = texts.sentence().rstrip(".")
        volume, issue = random_.randint(3, 60), random_.randint(1, 6)
        first, last, year = random_.randint(1, 300), random_.randint(301, 400), random_.randint(1990, 2021)
        where = f"Journal of Water, {volume}({issue}):{first}–{last}, {year}."
        works.append(Element("list item", f"[{i + 1}] {names[i % 6]}. {title}. {where}"))
    return works


def entries(texts: Texts, count: int = 9) -> Iterator[tuple[str, str]]:
    """Yield lines of a table of contents: text and page."""
    page = 1
    for i in range(1, count + 1):
        page += texts.random.randint(1, 9)
        yield f"{i} {HEADINGS['en'][i % 10]}", str(page)
