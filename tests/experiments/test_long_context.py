"""The context ablation at its smallest: what is trained on, what is asked, and that done trials are kept."""

import json

import pytest

from smollab import cli
from smollab.evaluate.passkey import NEEDLE
from smollab.experiments import long_context
from smollab.experiments.long_context import ablate_context, load_context_comparison, write_tokens
from smollab.model.huggingface import load_huggingface
from smollab.recipe import RecipeError, load_recipe
from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenizer import load_tokenizer

SMALL = {
    "data.sources.short.limit": 6,
    "data.sources.long.limit": 6,
    "data.held_out": 0.4,
    "model.hidden_size": 16,
    "model.intermediate_size": 16,
    "stages.0.steps": 2,
    "stages.1.steps": 2,
    "stages.1.schedule.warmup_steps": 1,
    "stages.1.schedule.decay_steps": 1,
    "schedule.warmup_steps": 1,
    "schedule.decay_steps": 1,
    "train.batch_sequences": 4,
    "train.micro_batch_sequences": 4,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A whole ablation with one question for each length and depth."""
    folder = tmp_path_factory.mktemp("context")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_context, "KEYS", 1)
        patch.setattr(long_context, "TIMES_LONGER", (1, 2))
        return folder, ablate_context(load_recipe("ablation-context", SMALL), folder, (1, 2), workers=1)


def test_documents_are_as_long_as_the_stages_sequences_and_say_one_key(done):
    folder, _ = done
    tokenizer = load_tokenizer(folder / "tokens" / "tokenizer")
    for name, length in (("short", 128), ("long", 512)):
        shard = TokenShard(folder / "tokens" / "train" / name)
        start, end = (text.strip("\n") for text in NEEDLE.split("{key}"))
        for i in range(len(shard)):
            assert len(shard.document(i)) == length
            text = tokenizer.decode(shard.document(i).tolist(), skip_special_tokens=True)
            keys = {piece.split(end)[0].strip() for piece in text.split(start)[1:]}
            assert len(keys) == 1 and 2 <= text.count(start) <= 8


def test_every_variant_is_asked_at_every_length(done):
    _, results = done
    comparison = load_context_comparison(results)
    assert list(results["scores"]) == ["128", "256"]
    assert len(results["scores"]["256"]) == 12 and len(results["scores"]["128"]) == 6  # scalings change only beyond
    assert all(len(values) == 2 for rows in results["scores"].values() for values in rows.values())
    assert comparison.difference("256", "RoPE, YaRN", "RoPE, as trained").count == 2
    assert results["trained"] == {"length": 128, "theta": 1500.0, "steps": 2}
    assert results["continued"]["theta"] == 30_000.0
    json.dumps(results)


def test_models_are_kept_and_differ_only_in_their_positions(done):
    folder, _ = done
    models = {p.parent.name: load_huggingface(p) for p in folder.glob("trials/*/*/model")}
    assert set(models) == {"rope-1", "rope-nope-1", "rope-2", "rope-nope-2"}
    rotary = {name: [m.config.uses_rope(i) for i in range(4)] for name, m in models.items()}
    assert rotary["rope-1"] == [True] * 4 and rotary["rope-nope-1"] == [True] * 3 + [False]


def test_trials_that_are_done_are_kept_and_another_seed_is_added(done, monkeypatch):
    folder, before = done
    monkeypatch.setattr(long_context, "KEYS", 1)
    monkeypatch.setattr(long_context, "TIMES_LONGER", (1, 2))
    monkeypatch.setattr(long_context, "run_trial", lambda *arguments: pytest.fail("a trial was run again"))
    assert ablate_context(load_recipe("ablation-context", SMALL), folder, (1, 2), workers=1) == before


def test_the_command_line_shows_a_table_and_draws_a_figure(done, capsys):
    """All trials are done, so nothing is trained."""
    folder, before = done
    changes = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_context, "KEYS", 1)
        patch.setattr(long_context, "TIMES_LONGER", (1, 2))
        assert cli.main(["ablate", "context", "--seeds", "2", "--run", str(folder), *changes]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [str(folder / "results.json"), str(folder / "context.png")]
    assert json.loads((folder / "results.json").read_text()) == json.loads(json.dumps(before))
    assert (folder / "context.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_documents(done, tmp_path):
    folder, _ = done
    write_tokens(load_recipe("ablation-context", SMALL), tmp_path, "again")
    for name in ("short", "long"):
        assert TokenShard(tmp_path / "train" / name).header == TokenShard(folder / "tokens" / "train" / name).header


def test_another_plan_than_two_stages_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="two stages of one source each"):
        ablate_context(load_recipe("ablation-data"), tmp_path, (1,))
