"""The extraction step for web pages: raw bytes in, main text out."""

from smollab.curate.html import decode_html, extract_main_text
from smollab.documents import Document, Drop, replace

MAXIMUM_HTML_BYTES = 10 * 2**20
"""Larger pages are generated lists or errors; they would cost seconds and give nothing."""


def extract_html(document: Document) -> Document | Drop:
    """Turn a fetched page into its main text, and drop it when there is none."""
    raw = document.raw
    if len(raw) > MAXIMUM_HTML_BYTES:
        return Drop("extract_html: too large", f"{len(raw)} bytes > {MAXIMUM_HTML_BYTES}")
    text = extract_main_text(decode_html(raw, document.metadata.get("charset", "")))
    if not text.strip():
        return Drop("extract_html: no text", f"{len(raw)} bytes of HTML")
    return replace(document, text=text, raw=b"")
