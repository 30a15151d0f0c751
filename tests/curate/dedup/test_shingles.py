import random
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.dedup import shingles
from smollab.curate.dedup.shingles import hash_shingles, jaccard, normalize


def test_normalization_makes_near_equal_texts_equal():
    assert normalize("Café №5 costs 1,250.99, NOW!") == "cafe 0 costs 0 0 now"
    assert normalize("Costs 12.50, in-stock!") == "costs 0 in stock"
    assert normalize("Đã được CÀI-đặt") == normalize("đa đuoc cai đat")
    assert normalize("don't_stop") == "don t stop"
    assert normalize("你好abc") == "你 好 abc"
    assert normalize(" \n ") == ""


@given(st.text("ab c", max_size=40), st.integers(1, 4))
def test_shingles_are_equal_where_their_words_are(text, n):
    words = text.split()
    hashes = hash_shingles(" ".join(words), n).tolist()
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(hashes, runs, strict=True))) == len(set(runs)) == len(set(hashes))


def test_no_two_words_of_a_vocabulary_share_a_hash():
    words = [f"{a}{b}{c}{d}" for a in "abcdefgh" for b in "abcdefgh" for c in "ijklmnop" for d in "qrstuvwxyz"]
    assert len(set(hash_shingles(" ".join(words), 1).tolist())) == len(words)


def spell_out(text):
    """The same normalization, step by step on characters."""
    text = re.sub(r"\d+(?:[.,٫،]\d+)?", "0", text.lower())
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    text = re.sub(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]", r" \g<0> ", text)
    return " ".join(re.sub(r"[^\w]|_", " ", text).split())


@pytest.mark.parametrize(
    "text",
    [
        "ÀÉÎ õ ü ﬁ ß Łódź № ½ ² “quoted” — dash… ٣٫٥ و ١٢، ٣",
        "Giải phóng mặt bằng: đường Nguyễn Văn Cừ, số 12,5 ha; Ước tính tổng ưu đãi ặ ầ ộ ữ ỹ ỷ ỵ ọ ỏ ẻ ẽ",
        "Москва, 12.5.2024 — Ёлка й И 日本語テキスト 中文",
        "e\u0301 e\u0301 composed é",
    ],
)
def test_normalization_against_a_slow_one(text):
    assert normalize(text) == spell_out(text)
    assert normalize(unicodedata.normalize("NFD", text)) == normalize(unicodedata.normalize("NFC", text))


@given(st.text(st.sampled_from("aÉ1٣. ,_-“あ中ộ\n"), max_size=30))
def test_normalization_against_a_slow_one_on_anything(text):
    assert normalize(text) == spell_out(text)


def test_a_long_text_is_hashed_in_chunks_to_the_same_numbers(monkeypatch):
    rng = random.Random(0)
    text = " ".join("".join(rng.choices("abcdef", k=rng.randrange(1, 30))) for _ in range(3000))
    whole = hash_shingles(text, 5)
    for size in (1, 16, 1000):
        monkeypatch.setattr(shingles, "_CHUNK_BYTES", size)
        assert (hash_shingles(text, 5) == whole).all()
    monkeypatch.undo()
    assert len(hash_shingles("a " * 200_000 + "b" * 3_000_000, 5)) == 200_001 - 4


def test_jaccard_by_hand():
    a, b = "one two three four", "zero one two three"
    assert jaccard(a, b, 1) == 3 / 5
    assert jaccard(a, b, 2) == 2 / 4
    assert jaccard(a, b, 3) == 1 / 3
    assert jaccard(a, b, 5) == 0
    assert jaccard("One, two!", "one two", 2) == 1
    assert jaccard("a b a b a b", "a b a", 2) == 1  # sets: how often does not count
    assert np.isclose(jaccard(a, b, 2), jaccard(b, a, 2))
