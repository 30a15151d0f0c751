"""GNOME's help pages: Mallard XML turned into HTML in the manner of `yelp-build`, which help.gnome.org uses.

The text of a page is real; the frame around it (breadcrumbs, related pages, authors) follows the site's.
"""

import functools
import html
import xml.etree.ElementTree as ET
from pathlib import Path

MALLARD = "{http://projectmallard.org/1.0/}"
TAGS = {
    "page": "article",
    "section": "section",
    "steps": "ol",
    "list": "ul",
    "item": "li",
    "note": "div",
    "quote": "blockquote",
    "terms": "dl",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "td": "td",
}
"""Mallard's blocks -> HTML's; other blocks (images, comments, information about the page) are left out."""
TITLED = ("steps", "list", "terms", "table")
"""Blocks whose title stands before them."""


def render(path: Path) -> bytes:
    """A `.page` file as an HTML page."""
    page = ET.parse(path).getroot()
    language = page.get("{http://www.w3.org/XML/1998/namespace}lang", "en")
    title = _plain(page.find(f"{MALLARD}title"), path.parent)
    guides, topics = _related(page, path.parent, "guide"), _related(page, path.parent, "seealso")
    crumbs = " › ".join(f'<a href="{name}.html">{text}</a>' for name, text in guides[:2])
    related = "".join(f'<li class="links"><a href="{n}.html">{t}</a></li>' for n, t in guides + topics)
    authors = ", ".join(html.escape(name.text or "") for name in page.iterfind(f".//{MALLARD}credit/{MALLARD}name"))
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="C.css">
<script src="highlight.pack.js"></script>
</head>
<body id="{page.get("id", "")}">
<header><div class="inner page-heading"><div class="trails" role="navigation">{crumbs}</div></div></header>
<main>
{_block(page, path.parent, level=1)}
<section class="links"><ul>{related}</ul></section>
</main>
<footer><div class="credits">{authors}. Creative Commons Attribution-ShareAlike 3.0 Unported.</div></footer>
</body>
</html>
""".encode()


def _block(node: ET.Element, folder: Path, level: int) -> str:
    """A block element with everything in it, as HTML; `level` is that of a heading in it."""
    name = _name(node)
    if name == "p":
        return f"<p>{_inline(node, folder)}</p>"
    if name in ("code", "screen"):
        return f"<pre>{_inline(node, folder)}</pre>"
    title = _plain(node.find(f"{MALLARD}title"), folder)
    inside = "".join(_block(child, folder, level + 1) for child in node if _name(child) != "title")
    if name == "item" and title:
        return f"<dt>{title}</dt><dd>{inside}</dd>"
    if name not in TAGS:
        return ""
    heading = f"<h{level}>{title}</h{level}>" if title else ""
    tag = TAGS[name]
    if name in TITLED:
        return f'<div class="{name}">{heading}<{tag}>{inside}</{tag}></div>'
    return f'<{tag} class="{name}">{heading}{inside}</{tag}>'


def _inline(node: ET.Element, folder: Path) -> str:
    """Text with its inline elements as spans and links; a link without text shows its target's title."""
    parts = [html.escape(node.text or "", quote=False)]
    for child in node:
        name = _name(child)
        text = _inline(child, folder)
        if name == "link":
            page, _, place = child.get("xref", "").partition("#")
            address = child.get("href") or f"{page}.html#{place}".rstrip("#")
            parts.append(f'<a href="{html.escape(address)}">{text or _title(folder, page)}</a>')
        elif name == "guiseq":
            parts.append(f'<span class="guiseq">{" ▸ ".join(_inline(step, folder) for step in child)}</span>')
        elif name == "keyseq":
            parts.append(f'<span class="keyseq">{"+".join(_inline(key, folder) for key in child)}</span>')
        elif name != "media":
            parts.append(f'<span class="{name}">{text}</span>')
        parts.append(html.escape(child.tail or "", quote=False))
    return "".join(parts)


def _plain(node: ET.Element | None, folder: Path) -> str:
    return "" if node is None else _inline(node, folder).strip()


def _related(page: ET.Element, folder: Path, kind: str) -> list[tuple[str, str]]:
    """Name and title of the pages that a page links to in its head."""
    names = [
        link.get("xref", "").partition("#")[0]
        for link in page.iterfind(f"{MALLARD}info/{MALLARD}link")
        if link.get("type") == kind
    ]
    return [(name, title) for name in names if (title := _title(folder, name))]


@functools.cache
def _title(folder: Path, name: str) -> str:
    """The title of another page of the same folder, empty if there is none."""
    path = folder / f"{name}.page"
    if not path.is_file():
        return ""
    title = ET.parse(path).getroot().find(f"{MALLARD}title")
    return html.escape("".join(title.itertext()).strip(), quote=False) if title is not None else ""


def _name(node: ET.Element) -> str:
    return node.tag.removeprefix(MALLARD) if isinstance(node.tag, str) else ""
