"""Scans made of real pages, and pages that only look like scans: for training and judging the triage and OCR.

A page is rendered at a scanner's resolution, turned a little, blurred, made noisy and put into a PDF in one of the ways
in which scanners and their programs do; the text of the page it was made of is its gold. All of it is marked as made
by us.
"""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pymupdf
from PIL import Image, ImageFilter

SCANNERS = ("Canon iR-ADV C5535", "Xerox WorkCentre 7845", "Adobe Acrobat Paper Capture", "GPL Ghostscript 9.55", "")
"""Programs that write scans; two of five names say so."""


def photograph(page: pymupdf.Page, random: np.random.Generator, dpi: int = 150) -> Image.Image:
    """Return a page as a gray picture: askew by up to a degree, blurred, on grayish paper, with noise."""
    pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    image = Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)
    image = image.rotate(random.uniform(-1, 1), resample=Image.Resampling.BICUBIC, fillcolor=255)
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.2, 0.8) * dpi / 150))
    pixels = np.asarray(image, dtype=np.float32)
    paper = random.uniform(0.82, 0.98) * pixels + random.uniform(4, 14) + random.normal(0, 8, pixels.shape)
    return Image.fromarray(np.clip(np.rint(paper), 0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int = 60) -> bytes:
    """Return a picture as a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def scan(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """One picture over the whole page, or nearly."""
    copy = _blank(page, to)
    margin = random.choice([0, 0, 0, 18])
    place = (margin, margin, copy.rect.width - margin, copy.rect.height - margin)
    copy.insert_image(place, stream=jpeg(photograph(page, random, dpi)))


def scan_with_hidden_text(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """A scan with a text layer of OCR that nobody sees, one letter in forty wrong."""
    scan(page, to, random, dpi)
    copy = to[-1]
    for x0, _, _, y1, word, *_ in page.get_text("words"):
        letters = [chr(random.integers(97, 123)) if random.random() < 1 / 40 else letter for letter in word]
        copy.insert_text((x0, y1), "".join(letters), fontsize=9, render_mode=3)


def scan_in_strips(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """A scan cut into strips that lie one above the other."""
    copy = _blank(page, to)
    image = photograph(page, random, dpi)
    count = int(random.integers(4, 40))
    borders = np.linspace(0, image.height, count + 1).astype(int).tolist()
    for top, bottom in pairwise(borders):
        strip = image.crop((0, top, image.width, bottom))
        height = copy.rect.height / image.height
        copy.insert_image(
            (0, top * height, copy.rect.width, bottom * height), stream=jpeg(strip), keep_proportion=False
        )


def scan_with_stamp(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """A scan with a visible line or two that a library's server has printed on it."""
    scan(page, to, random, dpi)
    copy = to[-1]
    stamp = f"Downloaded from https://library.example.org/record/{random.integers(10**6)} on 12 March 2021"
    copy.insert_text((40, copy.rect.height - 14), stamp, fontsize=7)
    if random.random() < 0.5:
        copy.insert_text((40, 16), f"Digitized by the archive - page {random.integers(400)}", fontsize=8)


def outlines(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """A page whose letters are outlines without any font, as some printer drivers write."""
    with pymupdf.open(stream=page.get_svg_image(text_as_path=True).encode(), filetype="svg") as drawing:
        to.insert_pdf(pymupdf.open("pdf", drawing.convert_to_pdf()))


def text_over_picture(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """No scan: a page with text in fonts on a picture that fills it, as slides and brochures have."""
    copy = _blank(page, to)
    copy.insert_image(copy.rect, stream=jpeg(_texture(random)), keep_proportion=False)
    copy.show_pdf_page(copy.rect, page.parent, page.number)


def picture_with_text(page: pymupdf.Page, to: pymupdf.Document, random: np.random.Generator, dpi: int) -> None:
    """No scan: a figure over a third to nine tenths of the page, and text in fonts below it."""
    copy = _blank(page, to)
    share = random.uniform(0.33, 0.9)
    copy.insert_image(
        (0, 0, copy.rect.width, share * copy.rect.height), stream=jpeg(_texture(random)), keep_proportion=False
    )
    words = page.get_text().split() or ["Figure"]
    text = "Figure 1. " + " ".join(words[: int((1 - share) * 500)])
    copy.insert_textbox((40, share * copy.rect.height + 8, copy.rect.width - 40, copy.rect.height), text, fontsize=9)


SCANS: dict[str, Callable[..., None]] = {
    "image": scan,
    "image with hidden text": scan_with_hidden_text,
    "strips": scan_in_strips,
    "image with a stamp": scan_with_stamp,
    "outlines": outlines,
}
LOOKALIKES: dict[str, Callable[..., None]] = {
    "text over a picture": text_over_picture,
    "picture with text": picture_with_text,
}


def make(kind: str, page: pymupdf.Page, random: np.random.Generator, dpi: int = 150) -> bytes:
    """Return a PDF of one page of the given kind, made of a real page."""
    with pymupdf.open() as made:
        (SCANS | LOOKALIKES)[kind](page, made, random, dpi)
        made.set_metadata({"producer": str(random.choice(SCANNERS)) if kind in SCANS else ""})
        result: bytes = made.tobytes(deflate=True)
    return result


def _blank(page: pymupdf.Page, to: pymupdf.Document) -> pymupdf.Page:
    return to.new_page(width=page.rect.width, height=page.rect.height)


def _texture(random: np.random.Generator) -> Image.Image:
    """A smooth colored picture."""
    coarse = random.integers(90, 255, (12, 9, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((450, 600), Image.Resampling.BICUBIC)
