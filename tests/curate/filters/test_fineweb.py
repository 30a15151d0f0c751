import pytest

from smollab.curate.filters import fineweb_quality
from smollab.documents import Document, Drop
from smollab.recipe import FineWebQuality

LINE = "A line that is long enough to be more than short and ends well number {}."


def run(text, **settings):
    return fineweb_quality(FineWebQuality(**settings))(Document("id", text, "web", "en"))


def test_prose_passes():
    assert not isinstance(run("\n".join(LINE.format(i) for i in range(10))), Drop)


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        (" \n ", "empty", ""),
        ("\n".join(LINE.format(i)[:-1] for i in range(10)), "lines without punctuation", "0 < 0.12"),
        ("\n".join(f"Short {i}." for i in range(10)), "short lines", "1 > 0.67"),
        ("\n".join([LINE] * 2), "characters in duplicate lines", "0.5 > 0.01"),
        ("\n".join(f"A-long-line-made-of-one-word-{i}_{'x' * 9}." for i in range(30)), "list", None),
    ],
)
def test_each_rule(text, reason, detail):
    settings = {"maximum_newlines_per_word": 0.05} if reason == "list" else {}
    drop = run(text, **settings)
    assert drop.reason == f"fineweb_quality: {reason}"
    assert detail is None or drop.detail == detail


def test_a_closing_quote_is_no_punctuation_for_the_published_rule():
    assert run('He said: "This is the end."').reason == "fineweb_quality: lines without punctuation"
