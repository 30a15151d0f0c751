"""Runs of variants: resumable, deterministic, discarded when what they depend on changed."""

import json
import shutil
from dataclasses import replace

import pytest

from smollab.documents import Document
from smollab.experiments.compare import Variant, compare
from smollab.recipe import load_recipe
from smollab.tokens.shards import write_shard
from smollab.tokens.tokenize import encode, tokenizer_hash
from smollab.tokens.tokenizer import save_tokenizer

RECIPE = load_recipe(
    "ablation-data",
    {
        "model.hidden_size": 32, "model.intermediate_size": 64, "model.num_hidden_layers": 2,
        "model.num_attention_heads": 2, "train.sequence_length": 32, "train.batch_sequences": 2,
        "train.micro_batch_sequences": 2, "stages.0.steps": 6, "schedule.warmup_steps": 1,
        "schedule.decay_steps": 2, "train.checkpoint_every": 2, "evaluate.minimal_pairs": "",
    },
)  # fmt: skip


@pytest.fixture
def variants(tmp_path, texts, tokenizer):
    """Two corpora of made-up words with the same held-out text."""

    def make(name, chosen):
        folder = tmp_path / name
        for split, part in (("train/web-en", chosen), ("held_out/words", texts[:8])):
            documents = [Document(str(i), text, "web") for i, text in enumerate(part)]
            encoded = encode(tokenizer, documents)
            write_shard(folder / split, encoded, tokenizer.get_vocab_size(), tokenizer_hash(tokenizer))
        save_tokenizer(tokenizer, folder / "tokenizer", 128)
        return Variant(RECIPE, folder)

    return {"more": make("more", texts[8:]), "less": make("less", texts[8:20])}


def test_every_seed_and_variant_is_scored(variants, tmp_path):
    seen = []
    result = compare(variants, (1, 2), tmp_path / "out", 1, lambda done, total: seen.append((done, total)))
    assert result.variants == ["more", "less"]
    assert result.seeds == (1, 2)
    assert set(result.scores) == {"words"}
    values = [*result.scores["words"]["more"], *result.scores["words"]["less"]]
    assert len(set(values)) == 4, "seeds and corpora differ"
    assert all(1 < value < 12 for value in values)
    assert seen[0] == (0, 24)
    assert seen[-1] == (24, 24)
    assert result.difference("words", "more", "less").mean == pytest.approx(
        sum(result.scores["words"]["more"]) / 2 - sum(result.scores["words"]["less"]) / 2
    )


def test_finished_runs_are_kept_and_workers_do_not_matter(variants, tmp_path):
    alone = compare(variants, (1,), tmp_path / "out", 1)
    marker = tmp_path / "out" / "runs" / "more" / "seed-1" / "scores.json"
    time = marker.stat().st_mtime_ns
    assert compare(variants, (1, 2), tmp_path / "out", 1).scores["words"]["more"][0] == alone.scores["words"]["more"][0]
    assert marker.stat().st_mtime_ns == time
    together = compare(variants, (1,), tmp_path / "other", 2)
    assert together.scores == alone.scores


def test_a_run_of_another_recipe_or_other_text_is_done_again(variants, tmp_path):
    compare(variants, (1,), tmp_path / "out", 1)
    recipe = replace(RECIPE, optimizer=replace(RECIPE.optimizer, learning_rate=0.02))
    other = {name: replace(variant, recipe=recipe) for name, variant in variants.items()}
    fresh = compare(other, (1,), tmp_path / "fresh", 1)
    assert compare(other, (1,), tmp_path / "out", 1).scores == fresh.scores
    shutil.rmtree(variants["less"].tokens / "held_out")
    shutil.copytree(variants["less"].tokens / "train" / "web-en", variants["less"].tokens / "held_out" / "words")
    again = compare(other, (1,), tmp_path / "out", 1)
    assert again.scores["words"]["more"] == fresh.scores["words"]["more"]
    assert again.scores["words"]["less"] != fresh.scores["words"]["less"]


def test_an_interrupted_run_ends_as_an_uninterrupted_one(variants, tmp_path, monkeypatch):
    from smollab.train import loop

    whole = compare(variants, (1,), tmp_path / "whole", 1)
    real, calls = loop.train_step, []

    def dies(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(loop, "train_step", dies)
    with pytest.raises(OSError):
        compare(variants, (1,), tmp_path / "cut", 1)
    assert list((tmp_path / "cut" / "runs" / "more" / "seed-1" / "checkpoints").glob("step-*"))
    monkeypatch.setattr(loop, "train_step", lambda *a: (calls.append(1), real(*a))[1])
    calls.clear()
    assert compare(variants, (1,), tmp_path / "cut", 1).scores == whole.scores
    assert len(calls) == 2 + 6, "the run goes on after step 4; the other variant has not begun"
    assert not list((tmp_path / "cut").rglob("checkpoints"))


def test_nothing_to_compare_is_an_error(variants, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        compare(variants, (), tmp_path)
    with pytest.raises(ValueError, match="at least one"):
        compare({}, (1,), tmp_path)


def test_scores_are_written_last(variants, tmp_path):
    compare(variants, (1,), tmp_path / "out", 1)
    stored = json.loads((tmp_path / "out" / "runs" / "less" / "seed-1" / "scores.json").read_text(encoding="utf-8"))
    assert set(stored) == {"configuration", "scores"}
    assert not list((tmp_path / "out").rglob("*.unfinished"))
