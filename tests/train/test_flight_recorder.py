"""The flight recorder and replay: real runs with events, and what a recording says of them."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenizer import save_tokenizer
from smollab.train.flight_recorder import BATCHES, FLIGHT, list_flights
from smollab.train.replay import ReplayError, replay
from tests.train.test_monitor import QUICK, events, poisoned  # noqa: F401


@pytest.fixture
def again(tokens, tokenizer):
    """Replays a step of a run."""
    return lambda recipe, output, step=None: replay(recipe, tokens, output, tokenizer.get_vocab_size(), step)


@pytest.mark.parametrize("policy", ["warn", "lower_rate"])
def test_a_spike_of_the_data_is_replayed_bit_for_bit(train, make_recipe, again, tmp_path, policy):
    changes = {
        "monitor.loss_spike": policy,
        "monitor.spike_deviations": 1.0,
        "monitor.maximum_skips": 9,
        "train.keep_checkpoints": 9,
    }
    recipe, output = make_recipe(QUICK | changes | {"train.precision": "float32", "train.detail_every": 3}), tmp_path
    train(recipe, output)
    assert list_flights(output)
    before = sorted(path.name for path in output.rglob("*"))
    for flight in list_flights(output)[-3:]:
        result = again(recipe, output, int(flight.name[-8:]))
        assert result.same, str(result)
        assert "the same bit for bit" in str(result) and 0 <= result.step - result.begin <= 6
        assert sum(d["loss"] * d["targets"] for d in result.documents) / sum(
            d["targets"] for d in result.documents
        ) == pytest.approx(result.recorded[0], abs=1e-4)
    assert sorted(path.name for path in output.rglob("*")) == before


def test_a_fault_that_is_not_in_the_data_is_told(train, make_recipe, again, poisoned, tmp_path):  # noqa: F811
    recipe = make_recipe(
        QUICK | {"monitor.non_finite": "skip", "train.precision": "float32", "train.keep_checkpoints": 9}
    )
    poisoned({17: math.nan})
    train(recipe, tmp_path)
    poisoned({})
    result = again(recipe, tmp_path)
    assert (result.step, result.begin) == (17, 12) and math.isnan(result.recorded[0])
    assert math.isfinite(result.computed[0]) and not result.same and "not the same" in str(result)


def test_after_a_roll_back_the_new_data_is_replayed(train, make_recipe, again, poisoned, tmp_path):  # noqa: F811
    changes = {"monitor.non_finite": "roll_back", "train.precision": "float32", "train.keep_checkpoints": 9}
    recipe = make_recipe(QUICK | changes)
    poisoned({17: math.nan, 20: math.nan})  # the 20th draw is step 15 after the run went back to step 12
    train(recipe, tmp_path)
    poisoned({})
    for step in (17, 15):  # would be refused if other data were drawn
        result = again(recipe, tmp_path, step)
        assert (result.step, result.begin) == (step, 12) and math.isfinite(result.computed[0])


def test_a_recording_names_the_documents(train, make_recipe, poisoned, tokens, tokenizer, tmp_path):  # noqa: F811
    save_tokenizer(tokenizer, tokens.parent / "tokenizer", 32)
    poisoned({17: 50.0})
    train(make_recipe(QUICK | {"monitor.loss_spike": "skip"}), tmp_path / "run")
    (flight,) = list_flights(tmp_path / "run")
    content, batches = json.loads((flight / FLIGHT).read_text()), load_file(flight / BATCHES)
    assert content["event"] == events(tmp_path / "run")[0]
    assert [kept["step"] for kept in content["steps"]] == [14, 15, 16, 17]
    gradient = math.hypot(*(norms["gradient"] for norms in content["norms"].values()))
    assert gradient == pytest.approx(content["steps"][-1]["grad_norm"], rel=1e-4)
    assert {d["source"] for d in content["documents"]} <= {"web", "code"}
    for document in content["documents"]:
        shard = TokenShard(tokens / "train" / document["shard"])
        whole = torch.from_numpy(shard.document(document["document"]).astype("int64"))
        mine = batches["17/tokens"][document["row"]][batches["17/document_ids"][document["row"]] == document["id"]]
        assert any(torch.equal(whole[i : i + len(mine)], mine) for i in range(len(whole) - len(mine) + 1))
        assert tokenizer.decode(mine.tolist()).startswith(document["text"])


def test_what_cannot_be_replayed_is_refused(train, make_recipe, again, poisoned, tmp_path):  # noqa: F811
    recipe = make_recipe(QUICK | {"monitor.loss_spike": "skip", "train.precision": "float32"})
    poisoned({17: 50.0})
    train(recipe, tmp_path)
    with pytest.raises(ReplayError, match="step 5 was not recorded; recorded steps: 17"):
        again(recipe, tmp_path, 5)
    with pytest.raises(ReplayError, match="this run had several"):
        again(replace(recipe, parallel=replace(recipe.parallel, shard=2)), tmp_path)
    (flight,) = list_flights(tmp_path)
    (flight / BATCHES).write_bytes(b"torn")
    with pytest.raises(ReplayError, match="damaged"):
        again(recipe, tmp_path)
    shutil.rmtree(flight)
    with pytest.raises(ReplayError, match="recorded steps: none"):
        again(recipe, tmp_path)
