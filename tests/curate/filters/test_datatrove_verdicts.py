"""Our filters against datatrove's on some 200 real pages in six languages.

The verdicts were made by golden/make_datatrove_verdicts.py, each filter on the same unchanged text.
"""

import hashlib
import json

import pytest

from smollab.curate.filters import c4_quality, fineweb_quality, gopher_quality, gopher_repetition
from smollab.documents import Document, Drop
from smollab.recipe import C4Quality, FineWebQuality, GopherQuality, GopherRepetition

from ..golden import plain_text

GOLDEN = plain_text.__file__.replace("plain_text.py", "datatrove_verdicts.json")
FILTERS = {
    "gopher_repetition": gopher_repetition(GopherRepetition()),
    "gopher_quality": gopher_quality(GopherQuality()),
    "c4_quality": c4_quality(C4Quality()),
    "fineweb_quality": fineweb_quality(FineWebQuality()),
}
# c4 and fineweb count few words: equal. The others differ near a threshold, because words are split by a regular
# expression instead of spaCy; mostly in long German compounds and file names.
AGREEMENT = {"gopher_repetition": 0.99, "gopher_quality": 0.965, "c4_quality": 1.0, "fineweb_quality": 1.0}


@pytest.fixture(scope="module")
def judged():
    with open(GOLDEN, encoding="utf-8") as file:  # noqa: PTH123
        verdicts = json.load(file)["verdicts"]
    texts = {}
    for name in ("en", "fr", "de", "es", "it", "pt"):
        texts.update(plain_text.read_texts(name, every=8 if name == "en" else 12))
    rows = [(url, texts.get(url, ""), row) for url, row in verdicts.items()]
    same = [(u, t, r) for u, t, r in rows if hashlib.sha256(t.encode()).hexdigest() == r["sha256"]]
    assert len(same) > 150, "the sample pages changed: run golden/make_datatrove_verdicts.py again"
    return same


@pytest.mark.parametrize("name", FILTERS)
def test_same_verdicts(name, judged):
    agreed = 0
    for url, text, row in judged:
        ours = FILTERS[name](Document(url, text, "web", row["language"]))
        agreed += isinstance(ours, Drop) == bool(row[name])
    assert agreed / len(judged) >= AGREEMENT[name]


REASONS = {
    "gopher_repetition: duplicate lines": "dup_line_frac",
    "gopher_repetition: characters in duplicate lines": "dup_line_char_frac",
    "gopher_quality: words without letters": "gopher_below_alpha_threshold",
    "gopher_quality: lines end in ellipsis": "gopher_too_many_end_ellipsis",
    "gopher_quality: too few words": "gopher_short_doc",
    "c4_quality: curly bracket": "curly_bracket",
    "fineweb_quality: lines without punctuation": "line_punct_ratio",
    "fineweb_quality: short lines": "short_line_ratio",
    "fineweb_quality: characters in duplicate lines": "char_dup_ratio",
}


def test_same_reasons(judged):
    compared = 0
    for url, text, row in judged:
        for name, filter_ in FILTERS.items():
            ours = filter_(Document(url, text, "web", row["language"]))
            if isinstance(ours, Drop) and row[name] and ours.reason in REASONS:
                assert row[name] == REASONS[ours.reason], url
                compared += 1
    assert compared > 100


def test_negative_control_a_wrong_threshold_is_noticed(judged):
    broken = fineweb_quality(FineWebQuality(maximum_duplicate_line_characters=0.1))
    agreed = sum(
        isinstance(broken(Document(url, text, "web", row["language"])), Drop) == bool(row["fineweb_quality"])
        for url, text, row in judged
    )
    assert agreed / len(judged) < 0.9
