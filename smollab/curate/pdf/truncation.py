"""Tell a PDF file from what else is fetched, and a whole one from one that was cut off.

CommonCrawl keeps the first 1 MiB of what it fetches (5 MiB since 2025) and says so in the WARC record; crawls before
August 2019 and other crawlers do not always. A PDF file is read from its end: the last lines give the place of the
cross-reference table (`startxref`), without which a reader can only guess where the pages are. So a file that was cut
off gives itself away.

**Source**: ISO 32000-1:2008, 7.5.2 (header), 7.5.4 (xref), 7.5.5 (trailer) and annex F (linearized files give their
length); ISO 28500:2017, 5.13 (WARC-Truncated); FinePDFs (run_finepdfs_pipeline.py): what counts as a PDF in a crawl.

**Fails when**: a file is cut behind its last `%%EOF` but one (an appended revision is lost, the rest is whole).
"""

import re
from urllib.parse import urlsplit

__all__ = ["CERTAIN", "HEADER_BYTES", "PDF_TYPES", "describe_problem", "find_truncation", "has_header", "is_pdf"]

PDF_TYPES = ("application/pdf", "application/x-pdf")
HEADER_BYTES = 1024
"""Readers look for `%PDF-` in so many bytes."""
TRAILER_BYTES = 1024
"""Readers look for `%%EOF` in so many bytes at the end; zeros and white space behind it do not count."""
CUTS = {2**20: "1 MiB", 5 * 2**20: "5 MiB"}
"""CommonCrawl's limits on a body; a file that was cut has exactly so many bytes (commoncrawl/cc-notebooks)."""
CERTAIN = ("declared", "shorter than Content-Length", "cut at")
"""How reasons begin that no damage at the origin explains."""

_LINEARIZED = re.compile(rb"/Linearized\b[^>]*?/L[ \t\r\n]+(\d{1,12})\b")
_START = re.compile(rb"startxref[\s\0]+(\d{1,12})")
_XREF = re.compile(rb"\s*(?:xref\b|\d+\s+\d+\s+obj\b)")


def has_header(body: bytes) -> bool:
    """Tell whether bytes begin as a PDF file does."""
    return b"%PDF-" in body[:HEADER_BYTES]


def is_pdf(body: bytes, url: str, *types: str) -> bool:
    """Tell whether something fetched is a PDF file: by its type, declared or detected, by its first bytes, or its name.

    A page of HTML under an address that ends in `.pdf`, as servers send it where the file is gone, is none.
    """
    if has_header(body) or any(type_ in PDF_TYPES for type_ in types):
        return True
    return "html" not in "".join(types) and _path(url).endswith(".pdf")


def find_truncation(pdf: bytes, declared: str = "", declared_length: int = -1) -> tuple[str, ...]:
    """Return the reasons to believe that a file was cut off, the surest first; none for a whole one.

    Args:
        pdf: the file as far as it is there.
        declared: WARC-Truncated of its record: length, time, disconnect, or unspecified.
        declared_length: bytes that the server announced; -1 if it did not.
    """
    reasons = []
    if declared:
        reasons.append(f"declared: {declared}")
    if declared_length > len(pdf):
        reasons.append("shorter than Content-Length")
    tail = pdf[-(TRAILER_BYTES + 64 * 1024) :].rstrip(b"\0 \t\r\n\f\x1a")
    ended = b"%%EOF" in tail[-TRAILER_BYTES:]
    if not ended and len(pdf) in CUTS:
        reasons.append(f"cut at {CUTS[len(pdf)]}")
    linearized = _LINEARIZED.search(pdf[: 2 * HEADER_BYTES])
    if linearized and int(linearized[1]) > len(pdf):
        reasons.append("shorter than its linearization says")
    if not ended:
        reasons.append("no %%EOF")
    starts = list(_START.finditer(tail))
    if not starts:
        reasons.append("no startxref")
    elif not _leads_to_xref(pdf, int(starts[-1][1])):
        reasons.append("no xref")
    return tuple(reasons)


def describe_problem(pdf: bytes, problem: str) -> str:
    """Return why a file cannot be read, `REASON: DETAIL`: an engine's problem, or what explains it better."""
    if not has_header(pdf):
        return f"not a PDF: begins with {pdf[:8]!r}" if pdf else "not a PDF: empty file"
    if problem.startswith(("corrupt", "no pages")) and "no %%EOF" in (signs := find_truncation(pdf)):
        return f"truncated: {', '.join(signs)}; fetch it again ({problem})"
    return problem


def _leads_to_xref(pdf: bytes, offset: int) -> bool:
    """Tell whether a table or a stream of references is where it should be, counted from either beginning."""
    header = max(0, pdf[:HEADER_BYTES].find(b"%PDF-"))
    return any(_XREF.match(pdf, place) for place in (offset, offset + header) if place < len(pdf))


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.lower().rstrip()
    except ValueError:
        return ""
