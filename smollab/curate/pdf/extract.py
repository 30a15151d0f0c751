"""The extraction step for PDF files: raw bytes in, text out, read by a child process that may die."""

from typing import Any

from smollab.curate.pdf.ocr import missing
from smollab.curate.pdf.reader import reader
from smollab.curate.pdf.truncation import describe_problem, has_header
from smollab.documents import Document, Drop, replace
from smollab.recipe import ExtractPdf


def extract_pdf(document: Document, settings: ExtractPdf) -> Document | Drop:
    """Turn a PDF into text, or say why there is none."""
    if document.metadata.get("format") == "html":
        return document  # extract_html's, in a source of both
    if document.metadata.get("truncated"):
        return Drop("extract_pdf: truncated by the crawler", f"{document.metadata['truncated']}; refetch it")
    raw = document.raw
    answer: dict[str, Any] = reader(settings).ask(raw) if has_header(raw) else {"problem": ""}
    if "problem" in answer:
        reason, _, detail = describe_problem(raw, answer["problem"]).partition(": ")
        return Drop(f"extract_pdf: {reason}", detail)
    text, pages = answer["text"], answer["pages"]
    per_page = len(text) / pages
    if per_page < settings.minimum_characters_per_page:
        wanting = answer["metadata"].get("pages_needing_ocr", 0)
        why = f"; {wanting} of {pages} pages are scans{_ocr_problem(settings)}" if wanting else ""
        return Drop("extract_pdf: needs OCR", f"{per_page:.1f} characters per page{why}")
    return replace(document, text=text, raw=b"", metadata={**document.metadata, **answer["metadata"], "pages": pages})


def _ocr_problem(settings: ExtractPdf) -> str:
    """Say what keeps scans from being read, if they should be."""
    problem = missing(settings.ocr_languages) if settings.ocr != "none" else ""
    return f": {problem}" if problem else ""
