"""Text that streams: whole characters only, nothing of a stop string, the same as decoding everything at the end."""

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from smollab.model.generate import generate
from smollab.model.sampling import Sampling
from smollab.model.text_stream import TextStream, byte_alphabet, continue_texts, printable, stream_text
from smollab.tokens.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    """Few merges, so that characters beyond ASCII take several tokens."""
    return train_tokenizer(["ba ne lo ké ba ne ba 語 ba ne"] * 3, 262)


@pytest.fixture
def model(make_model):
    return make_model(vocab_size=262)


def push_all(stream, tokens):
    pieces = []
    for token in tokens:
        pieces.append(stream.push(token))
        if stream.stopped:
            break
    return [*pieces, stream.finish()]


def test_the_alphabet_is_that_of_byte_level_tokenizers():
    assert set(byte_alphabet()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_alphabet().values()) == list(range(256))
    assert (byte_alphabet()["Ġ"], byte_alphabet()["Ċ"]) == (ord(" "), ord("\n"))


@pytest.mark.parametrize("text", ["ba ne", "é", "日本語 ✂ 👩‍👩‍👧 ñ", "\t\n  x"])
def test_pieces_are_whole_characters_and_make_up_the_text(tokenizer, text):
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    pieces = push_all(TextStream(tokenizer), tokens)
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)
    if len(tokens) > len(text):
        assert "" in pieces[:-1], "bytes wait for the rest of their character"


def test_invalid_bytes_become_replacement_characters_at_once_and_half_a_character_at_the_end(tokenizer):
    of = {byte: tokenizer.token_to_id(character) for character, byte in byte_alphabet().items()}
    stream = TextStream(tokenizer)
    assert [stream.push(of[byte]) for byte in (0xFF, ord("a"), 0xC3)] == ["\ufffd", "a", ""]
    assert stream.push(of[0xA9]) == "é"
    assert stream.push(of[0xE6]) == ""
    assert stream.finish() == "\ufffd"


def test_special_tokens_give_no_text_and_unknown_ones_an_error(tokenizer):
    stream = TextStream(tokenizer)
    assert stream.push(tokenizer.token_to_id("<|end_of_text|>")) == ""
    with pytest.raises(ValueError, match="no token 5000"):
        stream.push(5000)


def test_a_tokenizer_that_is_not_byte_level_is_refused():
    words = Tokenizer(models.WordLevel({"日": 0, "▁a": 1}, unk_token="日"))
    words.decoder = decoders.Metaspace()
    with pytest.raises(ValueError, match="byte-level"):
        TextStream(words).push(1)


@pytest.mark.parametrize(
    ("text", "stop", "shown"),
    [
        ("ba ne lo", ["ne"], "ba "),
        ("ba ne lo", ["a n"], "b"),
        ("ba ne lo", ["lo", "ne"], "ba "),
        ("ba nb ne", ["nebo"], "ba nb ne"),
        ("ba ne", ["bb", "é"], "ba ne"),
        ("baba ne", ["bab", "ba n"], ""),
        ("x日本", ["本"], "x日"),
        ("aab", ["ab"], "a"),
    ],
    ids=str,
)
def test_a_text_ends_before_the_first_stop_string_and_shows_nothing_of_it(tokenizer, text, stop, shown):
    stream = TextStream(tokenizer, stop)
    seen = ""
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        seen += stream.push(token)
        assert shown.startswith(seen), "what was shown is never taken back"
        if stream.stopped:
            break
    assert seen + stream.finish() == shown
    assert stream.stopped == any(s in text for s in stop)


def test_empty_stop_strings_are_refused(tokenizer):
    with pytest.raises(ValueError, match="stop string"):
        TextStream(tokenizer, ["x", ""])


def test_what_streams_is_what_the_tokens_decode_to(model, tokenizer):
    prompt = torch.tensor(tokenizer.encode("ba ne").ids)
    tokens = list(generate(model, prompt, 60, seed=4))
    pieces = list(stream_text(model, tokenizer, "ba ne", 60, seed=4))
    assert "".join(pieces) == tokenizer.decode(tokens)
    assert len(pieces) > 10
    assert all(pieces)


def test_texts_side_by_side_are_those_of_streams_with_stop_strings(model, tokenizer):
    prompts, sampling = ["ba", "ne lo ké ba", ""], Sampling(0.8, 0.95)
    together = continue_texts(model, tokenizer, prompts, 40, sampling, stop=["a", "é"], seeds=[1, 2, 3])
    alone = [
        "".join(stream_text(model, tokenizer, prompt, 40, sampling, stop=["a", "é"], seed=seed))
        for seed, prompt in enumerate(prompts, 1)
    ]
    assert together == alone
    assert not any("a" in text for text in together)


def test_control_characters_do_not_reach_a_terminal():
    assert printable("a\x1b[31mb\n\tc\x07é👩\u200d👧") == "a\ufffd[31mb\n\tc\ufffdé👩\u200d👧"
