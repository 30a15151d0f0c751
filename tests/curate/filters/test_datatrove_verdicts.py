"""Our filters against datatrove's on thousands of real texts in six languages, verdict by verdict, reason by reason.

The verdicts were made by golden/make_datatrove_verdicts.py, each filter on the same unchanged text: the visible text of
all sample pages, without any extraction. Deliberate differences: docs/fineweb.md.
"""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from smollab.curate.filters import c4_quality, fineweb_quality, gopher_quality, gopher_repetition
from smollab.curate.rules import Filter
from smollab.documents import Document, Drop
from smollab.recipe import C4Quality, FineWebQuality, GopherQuality, GopherRepetition

from ..golden import plain_text

GOLDEN = Path(plain_text.__file__).with_name("datatrove_verdicts.json.gz")
STEPS = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
REASONS = {
    "gopher_repetition: duplicate paragraphs": "dup_para_frac",
    "gopher_repetition: characters in duplicate paragraphs": "dup_para_char_frac",
    "gopher_repetition: duplicate lines": "dup_line_frac",
    "gopher_repetition: characters in duplicate lines": "dup_line_char_frac",
    **{f"gopher_repetition: top {n}-gram": f"top_{n}_gram" for n in (2, 3, 4)},
    **{f"gopher_repetition: duplicate {n}-grams": f"duplicated_{n}_n_grams" for n in range(5, 11)},
    "gopher_quality: too few words": "gopher_short_doc",
    "gopher_quality: too many words": "gopher_long_doc",
    "gopher_quality: short words": "gopher_below_avg_threshold",
    "gopher_quality: long words": "gopher_above_avg_threshold",
    "gopher_quality: hash signs": "gopher_too_many_hashes",
    "gopher_quality: ellipses": "gopher_too_many_ellipsis",
    "gopher_quality: bullet lines": "gopher_too_many_bullets",
    "gopher_quality: lines end in ellipsis": "gopher_too_many_end_ellipsis",
    "gopher_quality: words without letters": "gopher_below_alpha_threshold",
    "gopher_quality: too few stop words": "gopher_enough_stop_words",
    "c4_quality: lorem ipsum": "lorem_ipsum",
    "c4_quality: curly bracket": "curly_bracket",
    "c4_quality: too few sentences": "too_few_sentences",
    "fineweb_quality: empty": "empty",
    "fineweb_quality: lines without punctuation": "line_punct_ratio",
    "fineweb_quality: short lines": "short_line_ratio",
    "fineweb_quality: characters in duplicate lines": "char_dup_ratio",
    "fineweb_quality: list": "list_ratio",
}
MAXIMUM_DIFFERENCES = {"gopher_repetition": 4, "gopher_quality": 12, "c4_quality": 1, "fineweb_quality": 0}
"""Of some 3,800 texts each. Most are Japanese and Chinese pages judged as English: each character is a word for us."""


def filters_for(file: str) -> dict[str, Filter]:
    """The filters as the golden script set datatrove's: stop words are only given for English."""
    stop_words = 2 if file in ("en", "noise") else 0
    return {
        "gopher_repetition": gopher_repetition(GopherRepetition()),
        "gopher_quality": gopher_quality(GopherQuality(minimum_stop_words=stop_words)),
        "c4_quality": c4_quality(C4Quality()),
        "fineweb_quality": fineweb_quality(FineWebQuality()),
    }


@pytest.fixture(scope="module")
def golden():
    return json.loads(gzip.decompress(GOLDEN.read_bytes()))


@pytest.fixture(scope="module")
def judged(golden):
    """(file, document, datatrove's reasons by step) for every text on file."""
    verdicts = golden["verdicts"]
    assert golden["columns"] == ["file", "sha256", *STEPS]
    rows = []
    for file in sorted({row[0] for row in verdicts.values()}):
        for url, text in plain_text.read_texts(file, every=1).items():
            row = verdicts.get(url)
            if row and row[0] == file and hashlib.sha256(text.encode()).hexdigest()[:16] == row[1]:
                language = "en" if file == "noise" else file
                rows.append((file, Document(url, text, "web", language), dict(zip(STEPS, row[2:], strict=True))))
    assert len(rows) > 0.98 * len(verdicts) > 3000, "sample pages changed: run golden/make_datatrove_verdicts.py again"
    return rows


@pytest.fixture(scope="module")
def ours(judged):
    """Our reason for each text and step; empty: it stays."""
    filters = {file: filters_for(file) for file in {file for file, _, _ in judged}}
    return [
        {name: _reason(filter_, document) for name, filter_ in filters[file].items()} for file, document, _ in judged
    ]


def _reason(filter_: Filter, document: Document) -> str:
    result = filter_(document)
    return result.reason if isinstance(result, Drop) else ""


@pytest.mark.parametrize("step", STEPS)
def test_same_verdict_and_same_reason(step, judged, ours):
    different = [
        (document.id, mine[step], theirs[step])
        for (_, document, theirs), mine in zip(judged, ours, strict=True)
        if REASONS.get(mine[step], mine[step]) != theirs[step]
    ]
    assert len(different) <= MAXIMUM_DIFFERENCES[step], different[:10]


def test_many_rules_were_put_to_the_test(judged):
    reasons = Counter(reason for _, _, theirs in judged for reason in theirs.values() if reason)
    assert len(reasons) >= 18 and sum(reasons.values()) > 3000


def test_negative_control_a_slightly_wrong_threshold_is_noticed(judged):
    broken = gopher_quality(GopherQuality(minimum_stop_words=0, minimum_alphabetic_words=0.78))
    different = sum(
        bool(_reason(broken, document)) != bool(theirs["gopher_quality"])
        for file, document, theirs in judged
        if file == "de"
    )
    assert different > MAXIMUM_DIFFERENCES["gopher_quality"]
