"""PDF files -> text: an engine reads lines with their places, and layout puts them in order.

`read.py` shows how the parts come together: engine, triage and OCR, tables, layout, Markdown.

Engines are the only modules that know a PDF library: `pymupdf_engine` (PyMuPDF, AGPL-3.0) and
`pypdfium2_engine` (Apache-2.0/BSD-3-Clause). Nothing else may import those libraries, so that whoever
cannot accept AGPL leaves PyMuPDF out and sets `curate.extract_pdf.engine = "pypdfium2"`.
"""

from smollab.curate.pdf.extract import extract_pdf

__all__ = ["extract_pdf"]
