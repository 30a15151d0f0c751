"""Gaps that stand for spaces, on a real file and on letters whose places are known."""

import re

import pytest

from smollab.curate.pdf.gaps import fill_gaps, may_lack_spaces
from smollab.curate.pdf.pymupdf_engine import open_pdf

from ..making import SAMPLES


def raw(*letters, size=10.0, direction=(1.0, 0.0)):
    """A page of one line with a span for each list of (letter, left, right)."""
    spans = [{"size": size, "chars": [{"c": c, "bbox": (x0, 0.0, x1, size)} for c, x0, x1 in span]} for span in letters]
    return [{"lines": [{"dir": direction, "spans": spans}]}]


def texts(blocks):
    return [span["text"] for span in blocks[0]["lines"][0]["spans"]]


@pytest.mark.parametrize("letter", "ễửẽἀ→−ﬁ")
def test_a_gap_after_a_letter_that_mupdf_overlooks_is_a_space(letter):
    assert texts(fill_gaps(raw([("a", 0, 5), (letter, 5, 10), ("b", 11.5, 16)]))) == [f"a{letter} b"]
    assert texts(fill_gaps(raw([("a", 0, 5), (letter, 5, 10), ("b", 11.4, 16)]))) == [f"a{letter}b"]
    assert texts(fill_gaps(raw([(letter, 5, 10)], [("b", 12, 16)]))) == [letter, " b"]  # another font


def test_other_letters_are_left_to_mupdf_and_spaces_are_not_doubled():
    assert texts(fill_gaps(raw([("a", 0, 5), ("b", 8, 13)]))) == ["ab"]
    assert texts(fill_gaps(raw([("ẽ", 0, 5), (" ", 8, 10), ("b", 10, 13)]))) == ["ẽ b"]
    assert texts(fill_gaps(raw([("ẽ", 0, 5), ("b", 8, 13)], direction=(0.0, 1.0)))) == ["ẽb"]  # x is no width


def test_only_pages_with_such_letters_are_read_letter_by_letter():
    def spans(text):
        return [{"lines": [{"spans": [{"text": text}]}]}, {"image": b""}]

    assert may_lack_spaces(spans("dễ dàng")) and may_lack_spaces(spans("a → b"))
    assert not may_lack_spaces(spans("où “ça” — naïve 日本"))


def test_vietnamese_words_of_a_real_manual_are_apart():
    file = open_pdf((SAMPLES / "pdf" / "install.vi.pdf").read_bytes())
    text = "\n".join(line.text for page in file.pages() for line in page.lines)
    file.close()
    # A syllable has one group of vowels; two of them glued have a mark in the middle: "sẽgiúp".
    assert len(re.findall(r"[\u1ea0-\u1ef9][ghklmnpqrstvxyđ][a-zà-ỹ]{2,}", text)) < 10
    assert text.count(" sẽ ") > 20
