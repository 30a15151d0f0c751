"""The transfer experiment: what it trains, what it keeps, and what it reads off its curves."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from smollab.cli import main
from smollab.experiments.transfer import best_rates, curves, shift, sweep_rates, transfer_loss, transfer_table
from smollab.plots.style import to_png
from smollab.plots.transfer import plot_coordinates, plot_rates
from smollab.recipe import load_recipe
from smollab.tokens.shards import write_shard
from smollab.tokens.tokenizer import save_tokenizer, train_tokenizer


def made_up(best: dict[str, tuple[int, ...]]) -> dict:
    """Curves that are parabolas around chosen rates, two seeds, lower for wider models."""
    rates = [-8, -7, -6, -5]
    score = lambda width, peak, rate, seed: 3 - 0.1 * width + 0.02 * (rate - peak) ** 2 + 0.01 * seed
    bits = {
        kind: [[[score(w, peak, rate, seed) for seed in (0, 1)] for rate in rates] for w, peak in enumerate(peaks)]
        for kind, peaks in best.items()
    }
    return {"bits_per_byte": bits, "widths": [32, 64], "rates": rates, "seeds": [1, 2], "steps": 9, "tokens": 99}


def test_best_rates_their_shift_and_what_a_transfer_costs():
    results = made_up({"standard": (-5, -7), "mup": (-5, -5)})
    assert best_rates(results, "standard").tolist() == [-5, -7]
    assert best_rates(results, "mup").tolist() == [-5, -5]
    assert (shift(results, "standard").mean, shift(results, "mup").mean) == (-2, 0)
    assert transfer_loss(results, "standard").mean == pytest.approx(0.02 * 2**2)
    assert transfer_loss(results, "mup").mean == 0
    assert len(transfer_table(results).columns) == 5
    pictures = plot_rates({k: curves(results, k) for k in ("standard", "mup")}, [32, 64], results["rates"])
    assert len(to_png(pictures)) > 5000


def test_a_picture_of_changes():
    parts = {"logits": np.array([[1.0, 2.0, 4.0]]), "mlp": np.array([[1.0, 1.1, 0.9]])}
    assert len(to_png(plot_coordinates({"standard": parts, "muP": parts}, [64, 128, 256]))) > 5000


@pytest.fixture
def tokens(tmp_path, texts):
    """Shards of the session's texts, with their tokenizer."""
    tokenizer = train_tokenizer(texts, 300)
    save_tokenizer(tokenizer, tmp_path / "tokenizer", 64)
    ids = [(tokenizer.encode(text).ids, len(text.encode())) for text in texts]
    for part, documents in (("train", ids), ("held_out", ids[:3])):
        write_shard(tmp_path / "tokens" / part / "web-en", documents, 300, "test")
    return tmp_path


def test_a_sweep_is_resumed_and_started_anew_when_the_recipe_is_another(tokens):
    recipe = load_recipe("transfer")
    recipe = replace(
        recipe,
        stages=(replace(recipe.stages[0], steps=4),),
        schedule=replace(recipe.schedule, warmup_steps=1, decay_steps=1),
        train=replace(recipe.train, sequence_length=16, batch_sequences=2, micro_batch_sequences=2),
    )
    told = []
    sweep = lambda recipe: sweep_rates(
        recipe, tokens / "tokens", tokens / "tokenizer", tokens / "out", (1,), (32, 64), (-7, -5), 1,
        lambda done, runs: told.append((done, runs)),
    )  # fmt: skip
    results = sweep(recipe)
    assert told[-1] == (8, 8)
    bits = {kind: curves(results, kind) for kind in ("standard", "mup")}
    assert bits["mup"].shape == (2, 2, 1)
    np.testing.assert_array_equal(bits["mup"][0], bits["standard"][0])  # at the base they are one
    assert (bits["mup"][1] != bits["standard"][1]).all()
    runs = sorted((tokens / "out" / "runs").rglob("*.json"))
    assert len(runs) == 8
    runs[0].unlink()
    for run in runs[1:]:
        os.utime(run, (1, 1))
    assert sweep(recipe) == results
    assert [run.stat().st_mtime == 1 for run in runs] == [False] + [True] * 7
    sweep(replace(recipe, stages=(replace(recipe.stages[0], steps=5),)))
    assert not any(run.stat().st_mtime == 1 for run in runs)
    assert json.loads((tokens / "out" / "results.json").read_text())["steps"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--widths", "32,x"], "--widths 32,x: expected whole numbers, such as 32,64,128,256"),
        (["--rates=-5"], "--rates -5: at least two are needed to compare"),
        (["--seeds", "0"], "--seeds 0: at least 1"),
    ],
)
def test_bad_options(words, message, capsys):
    assert main(["scale", "mup", *words]) == 1
    assert message in capsys.readouterr().err
