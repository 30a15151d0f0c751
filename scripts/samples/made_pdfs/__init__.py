"""PDFs made by us, whose text, reading order and table cells are known: `data_samples/evaluation/pdf/`.

A document is a list of `Element`s in reading order; a layout puts them on pages with Chromium (`html`), pdfTeX
(`tex`) or PyMuPDF's drawing calls (`drawn`), and the same list is the gold. The texts are entries of the Jargon
File (public domain) and the articles we wrote for the web samples; the tables are invented.
"""

from samples.made_pdfs.build import build

__all__ = ["build"]
