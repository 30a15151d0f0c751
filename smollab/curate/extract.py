"""The extraction step for web pages: raw bytes in, main text out."""

from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.html.limits import MAXIMUM_BYTES, find_excess
from smollab.documents import Document, Drop, replace


def extract_html(document: Document) -> Document | Drop:
    """Turn a fetched page into its main text, and drop it when there is none or when it is beyond all measure."""
    if document.metadata.get("format") == "pdf":
        return document  # extract_pdf's, in a source of both
    raw = document.raw
    if len(raw) > MAXIMUM_BYTES:
        return Drop("extract_html: too large", f"{len(raw)} bytes > {MAXIMUM_BYTES}")
    html = decode_html(raw, document.metadata.get("charset", ""))
    if excess := find_excess(html):
        return Drop("extract_html: too many tags", excess)
    text = extract_main_text(html)
    if not text.strip():
        return Drop("extract_html: no text", f"{len(raw)} bytes of HTML")
    return replace(document, text=text, raw=b"")
