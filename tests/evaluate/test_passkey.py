"""Passkeys: what a prompt is, and that the judgement is that of greedy decoding, token by token."""

from pathlib import Path

import numpy as np
import pytest
import torch

from smollab import cli
from smollab.evaluate.passkey import NEEDLE, Passkey, draw_keys, evaluate_passkey, make_prompt
from smollab.model.extend import extend

BOS = 0
MODEL = Path(__file__).parents[2] / "notebooks" / "results" / "passkey-model"


@pytest.fixture
def filler(tokenizer, texts):
    return np.concatenate([tokenizer.encode(text, add_special_tokens=False).ids for text in texts])


@pytest.mark.parametrize("key", ["7", "47", "90210"])
def test_the_sentence_is_the_tokenizers_and_the_key_is_its_middle(tokenizer, key):
    passkey = Passkey.of(tokenizer, key)
    assert passkey.sentence == tokenizer.encode(NEEDLE.format(key=key), add_special_tokens=False).ids
    assert tokenizer.decode(passkey.key).strip() == key
    assert passkey.question == Passkey.of(tokenizer, "13").question


@pytest.mark.parametrize("depth", [0.0, 0.3, 1.0])
def test_a_prompt_holds_the_sentence_at_its_depth_and_ends_with_question_and_key(tokenizer, filler, depth):
    passkey = Passkey.of(tokenizer, "4711")
    prompt = make_prompt(passkey, filler, 300, depth, BOS, np.random.default_rng(1)).tolist()
    tail = passkey.question + passkey.key
    room = 300 - 1 - len(passkey.sentence) - len(tail)
    place = 1 + round(depth * room)
    assert len(prompt) == 300 and prompt[0] == BOS
    assert prompt[place : place + len(passkey.sentence)] == passkey.sentence
    assert prompt[-len(tail) :] == tail
    text = prompt[1:place] + prompt[place + len(passkey.sentence) : -len(tail)]
    assert any(filler[i : i + room].tolist() == text for i in range(len(filler) - room)), "the rest is one stretch"


def test_no_room_and_too_little_text_are_told(tokenizer, filler):
    passkey = Passkey.of(tokenizer, "4711")
    with pytest.raises(ValueError, match="needs at least"):
        make_prompt(passkey, filler, 20, 0.5, BOS, np.random.default_rng(1))
    with pytest.raises(ValueError, match="too few to fill"):
        make_prompt(passkey, filler[:30], 300, 0.5, BOS, np.random.default_rng(1))


def test_keys_are_different_and_have_their_digits():
    keys = draw_keys(2, 90, np.random.default_rng(0))
    assert sorted(map(int, keys)) == list(range(10, 100))
    with pytest.raises(ValueError, match="only 90 numbers"):
        draw_keys(2, 91, np.random.default_rng(0))


@torch.inference_mode()
def judge(theirs, prompt, key):
    """Decode greedily with transformers, one token after the other; and the key's probability and worst rank."""
    tokens, greedy, log_probability, rank = prompt[: -len(key)], [], 0.0, 0
    given = list(tokens)
    for place in range(len(key)):
        greedy.append(int(theirs(torch.tensor([tokens + greedy])).logits[0, -1].argmax()))
        scores = theirs(torch.tensor([given])).logits[0, -1].double().log_softmax(-1)
        log_probability += float(scores[key[place]])
        rank = max(rank, int((scores > scores[key[place]]).sum()) + 1)
        given.append(key[place])
    return greedy == key, float(np.exp(log_probability)), rank


def test_scores_are_those_of_transformers_decoding_greedily(model, theirs, tokenizer, filler, monkeypatch):
    passkeys, prompts = [], []
    real = make_prompt

    def remember(passkey, *arguments):
        passkeys.append(passkey)
        prompts.append(real(passkey, *arguments))
        return prompts[-1]

    monkeypatch.setattr("smollab.evaluate.passkey.make_prompt", remember)
    scores = evaluate_passkey(
        lambda length: extend(model, length), tokenizer, filler, [80, 96], [0.0, 1.0], keys=3, digits=2
    )
    expected = [judge(theirs, p.tolist(), k.key) for p, k in zip(prompts, passkeys, strict=True)]
    assert scores.correct.flatten().tolist() == [right for right, _, _ in expected]
    assert scores.probability.flatten().tolist() == pytest.approx([chance for _, chance, _ in expected], rel=1e-3)
    assert scores.rank.flatten().tolist() == [rank for _, _, rank in expected]


def test_all_models_are_asked_the_same(model, tokenizer, filler):
    ask = lambda seed: evaluate_passkey(lambda n: model, tokenizer, filler, [80], keys=2, digits=2, seed=seed)
    assert ask(1).probability.tolist() == ask(1).probability.tolist() != ask(2).probability.tolist()
    assert ask(1).map.shape == (1, 5)
    assert ask(1).accuracy(80).count == 10


def test_the_command_line_asks_a_folder_and_draws_the_map(tmp_path, capsys):
    picture = tmp_path / "map.png"
    words = ["evaluate", "passkey", str(MODEL), "--digits", "2", "--keys", "2", "--lengths", "128,160"]
    assert cli.main([*words, "--method", "yarn", "--plot", str(picture)]) == 0
    table = capsys.readouterr().out
    assert "128" in table and "160" in table and "rank" in table
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lengths", "12"], "needs at least"),
        (["--lengths", "long"], "expected numbers"),
        (["--method", "longrope", "--lengths", "256"], "no method 'longrope'"),
        (["--keys", "0"], "at least 1"),
        (["--filler", "text:nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(words, message, capsys):
    assert cli.main(["evaluate", "passkey", str(MODEL), "--digits", "2", *words]) == 1
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
