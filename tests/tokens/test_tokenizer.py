"""The tokenizer: nothing is lost, the same texts give the same tokenizer, transformers reads it alike."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from smollab.tokens.tokenize import tokenizer_hash
from smollab.tokens.tokenizer import (
    BOS,
    EOS,
    PAD,
    fetch_tokenizer,
    load_tokenizer,
    save_tokenizer,
    token_id,
    train_tokenizer,
)

AWKWARD = [
    "",
    " ",
    "\n\n\t ",
    "a  b   c\r\n\r\nd",
    "don't I'LL 12345 3.14",
    "Tiếng Việt, русский, 日本語, عربي",
    "👩‍👩‍👧‍👦 e\u0301 \u200b\ufeff",
    "\x00\x01\x7f",
    "def f(x):\n    return x  # ok\n",
]


def decode(tokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(tokenizer, text):
    assert decode(tokenizer, text) == text


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_awkward_texts_come_back(tokenizer, text):
    assert decode(tokenizer, text) == text


def test_training_is_deterministic(texts, tokenizer):
    assert train_tokenizer(texts, 400).to_str() == tokenizer.to_str()
    assert tokenizer_hash(train_tokenizer(texts, 400)) == tokenizer_hash(tokenizer)
    assert tokenizer_hash(train_tokenizer(texts[:40], 400)) != tokenizer_hash(tokenizer)


def test_the_vocabulary_has_the_size_asked_for_with_bytes_and_special_tokens(tokenizer):
    assert tokenizer.get_vocab_size() == 400
    assert [token_id(tokenizer, token) for token in (BOS, EOS, PAD)] == [0, 1, 2]
    assert len(tokenizer.encode("\u2603", add_special_tokens=False).ids) == 3  # never seen: its three bytes


def test_frequent_words_become_one_token():
    tokenizer = train_tokenizer(["hello world " * 50], 259 + 9)
    assert tokenizer.encode("hello world").tokens == [BOS, "hello", "Ġworld"]


def test_numbers_are_cut_into_groups_of_three_at_most():
    tokenizer = train_tokenizer([f"{n} " * 5 for n in random.Random(0).sample(range(10**6), 300)], 400)
    assert max(len(token) for token in tokenizer.encode("1234567 123456").tokens[1:]) <= 3


@pytest.mark.parametrize("special", [True, False])
def test_autotokenizer_encodes_and_decodes_the_same(tokenizer, texts, tmp_path, special):
    save_tokenizer(tokenizer, tmp_path, model_max_length=77)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert (theirs.bos_token, theirs.eos_token, theirs.pad_token, theirs.model_max_length) == (BOS, EOS, PAD, 77)
    for text in [*AWKWARD, *texts[:10]]:
        ids = tokenizer.encode(text, add_special_tokens=special).ids
        assert theirs(text, add_special_tokens=special).input_ids == ids
        assert theirs.decode(ids, skip_special_tokens=True) == text


def test_saving_and_loading_changes_nothing(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path, model_max_length=77)
    assert load_tokenizer(tmp_path).to_str() == tokenizer.to_str()


def test_no_tokenizer_there_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_a_vocabulary_smaller_than_the_bytes_is_refused(texts):
    with pytest.raises(ValueError, match=r"tokenizer\.vocab_size is 258.*259"):
        train_tokenizer(texts, 258)
    assert train_tokenizer(["abc"], 259).get_vocab_size() == 259


def test_too_little_text_for_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match=r"only \d+ of tokenizer\.vocab_size = 2000"):
        train_tokenizer(["a few words"], 2000)
    with pytest.raises(ValueError, match="only"):
        train_tokenizer([], 300)


def test_a_special_token_that_is_missing_is_named(tokenizer):
    with pytest.raises(ValueError, match="<missing>"):
        token_id(tokenizer, "<missing>")


def test_a_tokenizer_is_taken_from_a_folder(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(["some text to learn from " * 20], 270)
    save_tokenizer(tokenizer, tmp_path, model_max_length=16)
    assert fetch_tokenizer(str(tmp_path)).to_str() == load_tokenizer(tmp_path).to_str()


def test_a_tokenizer_that_is_nowhere_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="no/such-tokenizer"):
        fetch_tokenizer("no/such-tokenizer")
