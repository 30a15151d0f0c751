"""Pictures of a document as the extraction sees it: each page with its blocks, their order, kinds and tables.

`smollab curate pdf FILE --show` writes one PNG for each page and `index.html`, where pointing at a block on the page
shows its text beside it, and the other way round. It is how a person checks the extraction.
"""

import html
import io
from collections.abc import Collection
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from smollab.curate.pdf.page import DROPPED, Block, Box, Page, PdfFile
from smollab.curate.pdf.read import PdfText
from smollab.curate.pdf.rotation import as_shown
from smollab.curate.pdf.tables import write_markdown

PIXELS_PER_POINT = 1.5

COLORS = {
    "paragraph": "#1f6fb4",
    "heading": "#b3261e",
    "list item": "#2e7d32",
    "code": "#6a3fa0",
    "table": "#c76a00",
    "figure": "#888888",
    "caption": "#00838f",
    "footnote": "#8d6e00",
    "side note": "#ad1475",
}
_LEFT_OUT = "#999999"

_STYLE = """
body { font: 14px/1.4 sans-serif; margin: 0; color: #222 }
section { display: flex; gap: 1em; padding: 1em; border-bottom: 2px solid #ccc; align-items: flex-start }
.page { position: relative; flex: none } .page img { display: block; border: 1px solid #bbb }
.page a { position: absolute; border: 0 } .page a.on { background: #ffd54f66; outline: 2px solid #f57f17 }
.text { max-height: 95vh; overflow: auto; flex: 1 }
.text div { padding: .2em .5em; border-left: 4px solid; margin: .3em 0; white-space: pre-wrap }
.text div.on { background: #fff3c4 } .text small { color: #777; display: block }
.out { opacity: .55; text-decoration: line-through }
"""
_SCRIPT = """
for (const it of document.querySelectorAll('[data-block]')) {
  const all = document.querySelectorAll(`[data-block="${it.dataset.block}"]`);
  it.onmouseenter = () => all.forEach(a => { a.classList.add('on');
    if (a !== it && a.tagName == 'DIV') a.scrollIntoView({block: 'nearest'}) });
  it.onmouseleave = () => all.forEach(a => a.classList.remove('on'));
}
"""


def show_document(file: PdfFile, read: PdfText, numbers: Collection[int], folder: Path) -> Path:
    """Write a picture of each of the pages and `index.html` into a folder.

    Args:
        file: the open file, which draws the pages.
        read: what was read of it.
        numbers: which pages, from 1.
        folder: made if it is not there.

    Returns:
        The path of `index.html`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for page in read.pages:
        if page.number not in numbers or page.width <= 0 or page.height <= 0:
            continue
        blocks = [block for block in read.blocks if block.page == page.number]
        scale = min(PIXELS_PER_POINT, 2000 / max(page.width, page.height))
        picture = draw_blocks(Image.open(io.BytesIO(file.draw(page.number, scale))), page, blocks, scale)
        name = f"page-{page.number:04d}.png"
        picture.save(folder / name)
        sections.append(_section(page, blocks, name, scale))
    title = html.escape(read.metadata.get("title") or "PDF")
    index = folder / "index.html"
    index.write_text(
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        + "".join(sections)
        + f"<script>{_SCRIPT}</script>\n",
        encoding="utf-8",
    )
    return index


def draw_blocks(picture: Image.Image, page: Page, blocks: Collection[Block], scale: float) -> Image.Image:
    """Draw the blocks of a page on its picture: boxes in the colors of their kinds, with their number and kind."""
    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture, "RGBA")
    font = ImageFont.load_default(size=11)
    for order, block in enumerate(blocks, 1):
        x0, y0, x1, y1 = (round(value * scale) for value in as_shown(block.box, page))
        left_out = block.kind in DROPPED
        color = COLORS.get(block.kind, _LEFT_OUT)
        draw.rectangle((x0 - 2, y0 - 1, x1 + 2, y1 + 1), outline=color, width=1 if left_out else 2, fill=f"{color}18")
        name = f"{block.kind} {block.level}" if block.kind == "heading" else block.kind
        label = name if left_out else f"{order} {name}" if block.kind != "paragraph" else f"{order}"
        width = draw.textlength(label, font=font)
        at = max(0, x0 - width - 6) if x0 > width + 6 else max(0, min(x0, picture.width - width - 4))
        draw.rectangle((at, y0 - 1, at + width + 4, y0 + 13), fill=color)
        draw.text((at + 2, y0), label, fill="white", font=font)
        if block.table is not None:
            _draw_table(draw, block.box, page, scale)
    return picture


def _draw_table(draw: ImageDraw.ImageDraw, box: Box, page: Page, scale: float) -> None:
    x0, y0, x1, _ = (round(value * scale) for value in as_shown(box, page))
    for offset in range(x0, x1, 12):
        draw.line((offset, y0, min(offset + 6, x1), y0), fill=COLORS["table"], width=3)


def _section(page: Page, blocks: Collection[Block], picture: str, scale: float) -> str:
    areas, texts = [], []
    for order, block in enumerate(blocks, 1):
        x0, y0, x1, y1 = (round(value * scale) for value in as_shown(block.box, page))
        key = f"{page.number}-{order}"
        areas.append(f'<a data-block="{key}" style="left:{x0}px;top:{y0}px;width:{x1 - x0}px;height:{y1 - y0}px"></a>')
        color = COLORS.get(block.kind, _LEFT_OUT)
        left_out = " class=out" if block.kind in DROPPED else ""
        texts.append(
            f'<div data-block="{key}" style="border-color:{color}"{left_out}><small>{order} {block.kind}</small>'
            f"{html.escape(_text(block))}</div>"
        )
    note = f"<p>{html.escape(page.problem)}</p>" if page.problem else ""
    return (
        f'<section><div class=page><img src="{picture}" alt="page {page.number}">{"".join(areas)}</div>'
        f"<div class=text><b>Page {page.number}</b>{note}{''.join(texts)}</div></section>"
    )


def _text(block: Block) -> str:
    return write_markdown(block.table) if block.table else "\n".join(row.text for row in block.lines)
