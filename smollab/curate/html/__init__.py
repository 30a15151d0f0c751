"""HTML bytes -> the main text of the page: decoding, blocks, and which of them are the page's own words."""

from smollab.curate.html.encoding import decode_html, decode_text
from smollab.curate.html.main_text import extract_main_text
from smollab.curate.html.score import Score, score_words
from smollab.curate.html.thresholds import Thresholds
from smollab.curate.unicode import repair_unicode

__all__ = [
    "Score",
    "Thresholds",
    "decode_html",
    "decode_text",
    "extract_main_text",
    "repair_unicode",
    "score_words",
]
