"""HTML bytes -> the main text of the page: decoding, blocks, and which of them are the page's own words."""

from smollab.curate.html.encoding import decode_html, decode_text, repair_unicode
from smollab.curate.html.main_text import extract_main_text

__all__ = ["decode_html", "decode_text", "extract_main_text", "repair_unicode"]
