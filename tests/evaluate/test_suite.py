"""The whole evaluation as one JSON object."""

import json

import pytest

from smollab.evaluate.suite import continue_text, evaluate
from smollab.recipe import Evaluate, Train


def test_everything_asked_for_is_measured_and_fits_into_json(model, tokenizer, shard, tmp_path):
    pair = {"id": "1", "language": "vi", "phenomenon": "order", "good": "ba ne", "bad": "ne ba"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair) + "\n")
    settings = Evaluate(minimal_pairs=str(tmp_path / "pairs.jsonl"), maximum_tokens=100, prompts=("ba", "học"))
    results = evaluate(model, tokenizer, shard.folder.parent, settings, Train(sequence_length=32))
    assert results["parameters"] == model.num_parameters()
    assert results["bits_per_byte"].keys() == {"web"}
    assert results["minimal_pairs"].keys() == {"all", "vi"}
    assert [sample["prompt"] for sample in results["samples"]] == ["ba", "học"]
    assert json.loads(json.dumps(results))["minimal_pairs"]["vi"]["count"] == 1


def test_nothing_asked_for_and_nothing_held_out_is_no_error(model, tokenizer, tmp_path):
    (tmp_path / "held_out").mkdir()
    results = evaluate(model, tokenizer, tmp_path / "held_out", Evaluate(), Train(sequence_length=32))
    assert (results["bits_per_byte"], results["minimal_pairs"], results["samples"]) == ({}, {}, [])


def test_an_empty_shard_is_left_out(model, tokenizer, shard, tmp_path):
    from smollab.tokens.shards import write_shard

    write_shard(shard.folder.parent / "pdf", [], 400, "hash")
    results = evaluate(model, tokenizer, shard.folder.parent, Evaluate(maximum_tokens=50), Train(sequence_length=32))
    assert results["bits_per_byte"].keys() == {"web"}


def test_a_missing_file_of_pairs_is_named(model, tokenizer, shard):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl"):
        evaluate(model, tokenizer, shard.folder.parent, Evaluate(minimal_pairs="nowhere.jsonl"), Train())


def test_continuations_depend_on_the_seed_and_leave_out_the_prompt(model, tokenizer):
    texts = [continue_text(model, tokenizer, "ba ne", 20, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert not texts[0].startswith("ba ne")
    assert continue_text(model, tokenizer, "", 5, temperature=0) != ""
