"""`data_samples/evaluation/extraction_pages.jsonl`: pages as content management systems mark them up, with gold texts.

All are written by us, in the manner of real ones; no text of others is in them. In the sources (`pages/extraction/`)
an asterisk before the end of a tag says that the element's text is what a reader came for: `<p class="x" *>`.
About half of the pages are held out: the extractor's rules and thresholds were set on the others alone.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from samples.made_pages import WORDS
from samples.manifest import OUR_LICENSE, Entry
from samples.packages import Packages
from smollab.lab.extraction import GoldPage

FOLDER = Path(__file__).parent / "pages" / "extraction"
PAGES = "evaluation/extraction_pages.jsonl"
KINDS = ("news", "blog", "shop", "forum", "other")
SPLITS = ("development", "held-out")
_MARK = re.compile(r" \*>")


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Write the pages."""
    pages = list(gold_pages())
    lines = [json.dumps(asdict(page), ensure_ascii=False) for page in pages]
    (folder / PAGES).parent.mkdir(parents=True, exist_ok=True)
    (folder / PAGES).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        Entry(
            path=PAGES,
            origin="written by us: scripts/samples/pages/extraction/",
            license=OUR_LICENSE,
            languages=sorted({page.language for page in pages}),
            made_by_us=True,
            record_count=len(lines),
        )
    ]


def gold_pages() -> Iterator[GoldPage]:
    """All pages, by kind: `=== name language split`, then the marked markup."""
    for kind in KINDS:
        source = (FOLDER / f"{kind}.html").read_text(encoding="utf-8")
        for block in re.split(r"^=== ", source, flags=re.MULTILINE)[1:]:
            head, markup = block.split("\n", 1)
            name, language, split = head.split()
            marked = fill(markup.strip(), language)
            yield GoldPage(name, kind, language, split, _MARK.sub(">", marked), gold_of(marked))


def fill(markup: str, language: str) -> str:
    """Put menus, headlines, notices and footers in the page's language in place of `{menu}` and the like."""
    words = WORDS.get(language, WORDS["en"])
    links = [f'<a href="/{number}">{text}</a>' for number, text in enumerate(words["menu"])]
    teasers = [f'<li><a href="/story/{number}">{text}</a></li>' for number, text in enumerate(words["related"])]
    for name, text in {
        "menu": "".join(f"<li>{link}</li>" for link in links),
        "links": " ".join(links),
        "teasers": "".join(teasers),
        "cookie": words["cookies"],
        "news": words["newsletter"],
        "newsletter_title": "Newsletter",
        "foot": words["footer"],
    }.items():
        markup = markup.replace(f"{{{name}}}", text)
    return "<!DOCTYPE html>\n" + markup


def gold_of(marked: str) -> str:
    """Return the texts of the marked elements, a line each; of a page that only a script fills, its `articleBody`."""
    if " *>" not in marked:
        body = re.search(r'"articleBody":("(?:[^"\\]|\\.)*")', marked)
        assert body, "a page without marks"
        return str(json.loads(body[1]))
    tree = LexborHTMLParser(_MARK.sub(" data-gold>", marked))
    return "\n".join(_text_of(node) for node in tree.css("[data-gold]"))


def _text_of(node: LexborNode) -> str:
    for hidden in node.css(".mw-editsection, .headerlink, .hanchor, .hash-link"):
        hidden.decompose()
    if node.tag == "tr":
        return " | ".join(" ".join(cell.text().split()) for cell in node.css("td, th"))
    for line_break in node.css("br"):
        line_break.replace_with("\n")
    if node.tag == "pre":
        return node.text().strip("\n")
    return "\n".join(" ".join(line.split()) for line in node.text().split("\n") if line.strip())
