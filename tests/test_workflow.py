"""The workflow on a recipe of seconds: what is reused, what runs again and why, and that killing it changes nothing."""

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from smollab import cli
from smollab.curate.funnel import Funnel
from smollab.steps import load_run
from smollab.train.metrics import read_metrics

STEPS = ["curate", "tokenize", "pretrain", "evaluate", "export", "report"]

RECIPE = """
name = "tiny"
description = "Seconds only."
data.held_out = 0.2
data.sources.web = {{ address = "text:{folder}/web", steps = ["exact_dedup"], language = "vi" }}
data.sources.code = {{ address = "code:{folder}/code", language = "code" }}
curate.workers = 1
tokenizer.vocab_size = 300
model.hidden_size = 32
model.intermediate_size = 64
model.num_hidden_layers = 2
model.num_attention_heads = 4
model.num_key_value_heads = 2
stages = [
    {{ name = "first", steps = 8, mixture = {{ web = 0.7, code = 0.3 }} }},
    {{ name = "second", steps = 8, mixture = {{ code = 1.0 }} }},
]
optimizer.learning_rate = 0.01
schedule = {{ warmup_steps = 2, decay_steps = 4 }}
train = {{ sequence_length = 32, batch_sequences = 4, micro_batch_sequences = 2, checkpoint_every = 3 }}
evaluate = {{ maximum_tokens = 500, prompts = ["ba ne <b>"] }}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, texts) -> Path:
    """The tiny recipe and its texts, among them a duplicate."""
    folder = tmp_path_factory.mktemp("workflow")
    for i, text in enumerate([*texts[:50], texts[0]]):
        (folder / "web").mkdir(exist_ok=True)
        (folder / "web" / f"{i:02d}.txt").write_text(text, encoding="utf-8")
    for i, text in enumerate(texts[50:]):
        (folder / "code").mkdir(exist_ok=True)
        (folder / "code" / f"{i:02d}.py").write_text(f"def f{i}():\n    return {text!r}\n", encoding="utf-8")
    (folder / "tiny.toml").write_text(RECIPE.format(folder=folder), encoding="utf-8")
    return folder / "tiny.toml"


@pytest.fixture(scope="module")
def folder(recipe) -> Path:
    """The run that the tests of this module share; whatever one changes, the next brings back."""
    return recipe.parent / "run"


@pytest.fixture
def no_figures(monkeypatch) -> None:
    """Drawing takes longer than all the rest; most tests need no report that is worth reading."""
    monkeypatch.setattr("smollab.report.write_report", lambda recipe, folder, path: path.write_text("no figures"))


@pytest.fixture
def run(recipe, folder, capsys, no_figures) -> Callable[..., dict[str, str]]:
    """Runs the recipe and tells of each step whether it ran or was reused."""

    def run(*arguments: str, verb: str = "run", into: Path = folder) -> dict[str, str]:
        capsys.readouterr()
        status = cli.main([verb, str(recipe), "--run", str(into), *arguments])
        output, errors = capsys.readouterr()
        assert status == 0, errors
        steps = re.findall(rf"^({'|'.join(STEPS)})(: reused.*)?$", output, re.MULTILINE)
        return {name: "reused" if reused else "ran" for name, reused in steps}

    return run


def outcome(folder: Path) -> dict[str, str]:
    """Checksums of everything a run made, timings aside."""
    folders = [folder / name for name in ("curate", "tokenize", "pretrain", "evaluate", "export")]
    timings = ("metrics.jsonl", "status.json")
    files = [f for place in folders for f in place.rglob("*") if f.is_file() and f.name not in timings]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def ran(steps: dict[str, str]) -> list[str]:
    return [name for name, state in steps.items() if state == "ran"]


def test_the_first_run_runs_all_steps_and_the_second_none(run, folder):
    shutil.rmtree(folder, ignore_errors=True)
    assert run() == dict.fromkeys(STEPS, "ran")
    before = outcome(folder)
    assert run() == dict.fromkeys(STEPS, "reused")
    assert outcome(folder) == before


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("evaluate.maximum_tokens=200", ["evaluate", "report"]),
        ("model.hidden_size=16", ["pretrain", "evaluate", "export", "report"]),
        ("tokenizer.vocab_size=290", ["tokenize", "pretrain", "evaluate", "export", "report"]),
        ("data.sources.web.limit=45", STEPS),
        ("curate.workers=2", ["report"]),  # which shows the recipe
        ("description=new", ["report"]),
    ],
)
def test_a_change_runs_again_what_depends_on_it(run, folder, change, again):
    run()
    before = outcome(folder)
    steps = run("--set", change)
    assert ran(steps) == again
    assert list(steps) == STEPS
    run()
    assert outcome(folder) == before  # and back


def test_why_a_step_runs_again_is_said_with_key_and_values(run, recipe, folder, capsys):
    run()
    cli.main(["run", str(recipe), "--run", str(folder), "--set", "evaluate.maximum_tokens=200"])
    assert "again, because of evaluate.maximum_tokens: 500 before, 200 now" in capsys.readouterr().out


def test_the_trainings_of_other_models_are_kept_in_the_archive(run, folder, monkeypatch):
    run()
    monkeypatch.setattr("time.strftime", lambda form: "pretrain-now")  # several within a second
    shutil.rmtree(folder / "archive", ignore_errors=True)
    weights = folder / "pretrain" / "checkpoints" / "step-00000016" / "model.safetensors"
    trained = []
    for size in (24, 16, 32):
        trained.append(weights.read_bytes())
        run("--set", f"model.hidden_size={size}")
    kept = [path.read_bytes() for path in folder.glob("archive/*/checkpoints/step-00000016/model.safetensors")]
    assert sorted(kept) == sorted(trained)
    assert len(set(kept)) == 3


@pytest.mark.parametrize(
    ("artefact", "step"),
    [
        ("curate/kept/*.parquet", "curate"),
        ("curate/funnel.json", "curate"),
        ("tokenize/tokens/train/*/tokens.bin", "tokenize"),
        ("tokenize/tokenizer/tokenizer.json", "tokenize"),
        ("pretrain/checkpoints/step-00000016/model.safetensors", "pretrain"),
        ("pretrain", "pretrain"),
        ("evaluate/results.json", "evaluate"),
        ("export/config.json", "export"),
        ("report.html", "report"),
    ],
)
def test_a_deleted_artefact_is_made_again_and_nothing_after_it_that_is_the_same(run, folder, artefact, step):
    run()
    before = outcome(folder)
    for path in folder.glob(artefact):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert ran(run()) == [step]
    assert outcome(folder) == before


def test_a_changed_input_runs_everything_again(run, recipe):
    run()
    path = recipe.parent / "code" / "00.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert ran(run()) == []  # touched, not changed
    path.write_text(text + "# new\n", encoding="utf-8")
    assert ran(run()) == STEPS
    path.write_text(text, encoding="utf-8")
    run()


def test_a_verb_runs_what_it_needs_and_no_more(run, tmp_path):
    assert list(run(verb="tokenize", into=tmp_path)) == ["curate", "tokenize"]
    assert run(verb="export", into=tmp_path) == {
        "curate": "reused",
        "tokenize": "reused",
        "pretrain": "ran",
        "export": "ran",
    }
    assert not (tmp_path / "evaluate").exists() and not (tmp_path / "report.html").exists()


def test_a_step_that_fails_leaves_the_steps_before_it_done(run, recipe, tmp_path, capsys):
    arguments = [str(recipe), "--run", str(tmp_path)]
    assert cli.main(["run", *arguments, "--set", "tokenizer.vocab_size=100000"]) == 1
    assert "tokenizer.vocab_size" in capsys.readouterr().err
    assert run(into=tmp_path)["curate"] == "reused"


def test_torn_notes_of_what_was_done_only_run_that_step_again(run, folder):
    run()
    before = outcome(folder)
    path = folder / ".workflow" / "tokenize.json"
    path.write_bytes(path.read_bytes()[:100])
    assert ran(run()) == ["tokenize"]
    assert outcome(folder) == before


def test_changed_training_code_trains_anew(run, folder, monkeypatch):
    run()
    before = outcome(folder)
    monkeypatch.setattr("smollab.train.configuration.code_fingerprint", lambda: "another")
    (folder / "pretrain" / "checkpoints" / "step-00000015" / "state.json").unlink()  # makes the step run again
    shutil.rmtree(folder / "archive", ignore_errors=True)
    run()
    assert list((folder / "archive").iterdir())
    monkeypatch.undo()
    shutil.rmtree(folder / "pretrain")
    run()
    assert outcome(folder) == before


KILL_AFTER = {
    "curate": lambda folder, output: "curate\n" in output,
    "tokenize": lambda folder, output: "tokenize\n" in output,
    "pretrain": lambda folder, output: len(read_metrics(folder / "pretrain" / "metrics.jsonl")) >= 7,
}


@pytest.mark.parametrize("phase", KILL_AFTER)
def test_a_process_killed_in_any_step_is_continued_to_the_same_bits(run, recipe, folder, tmp_path, phase):
    run()
    killed = tmp_path / "killed"
    command = [sys.executable, "-u", "-m", "smollab.cli", "run", recipe, "--run", killed]
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ)
    while not KILL_AFTER[phase](killed, (tmp_path / "output").read_text()):
        assert process.poll() is None, (tmp_path / "output").read_text()
    process.kill()
    process.wait()
    assert not (killed / "report.html").exists()
    steps = run(into=killed)
    assert steps[phase] == "ran"
    assert all(steps[name] == "reused" for name in STEPS[: STEPS.index(phase)])
    assert outcome(killed) == outcome(folder)
    losses = [[row["loss"] for row in read_metrics(f / "pretrain" / "metrics.jsonl")] for f in (killed, folder)]
    assert losses[0] == losses[1] and len(losses[0]) == 16


def test_the_report_stands_alone_and_tells_what_happened(run, folder, monkeypatch):
    run()
    monkeypatch.undo()  # this one with figures
    (folder / "report.html").unlink()
    assert ran(run()) == ["report"]
    page = (folder / "report.html").read_bytes().decode()
    addresses = re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)", page)
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"@import|url\(|<script[^>]*src|<link", page)
    assert page.count('src="data:image/') >= 4
    web = Funnel.load(folder / "curate").sources["web"]
    assert (web.documents_read, web.documents_kept) == (51, 50)
    sample = json.loads((folder / "evaluate" / "results.json").read_text(encoding="utf-8"))["samples"][0]
    text = html.unescape(page)
    for words in ("51 documents read, 50 kept", "exact_dedup", "bits per byte", "hidden_size = 32", sample["text"]):
        assert words in text, words
    assert "ba ne &lt;b&gt;" in page and "ba ne <b>" not in page
    example = web.steps[-1].drops or next(step.drops for step in web.steps if step.drops)
    id_ = next(iter(example.values())).examples[0]["id"]
    (command,) = set(re.findall(rf"smollab curate why {re.escape(id_)} --run (\S+?)<", page))
    assert command == str(folder)
    anchors = re.findall(r'href="#(drop-[^"]+)"', page)
    assert anchors and all(page.count(f'id="{anchor}"') == 1 for anchor in anchors)


def test_the_export_loads_in_transformers_and_generates(run, folder):
    run()
    theirs = AutoModelForCausalLM.from_pretrained(folder / "export")
    tokenizer = AutoTokenizer.from_pretrained(folder / "export")
    ours, our_tokenizer = load_run(folder)
    ids = tokenizer("ba ne ti", return_tensors="pt").input_ids
    assert ids[0].tolist() == our_tokenizer.encode("ba ne ti").ids
    torch.testing.assert_close(theirs(ids).logits, ours.logits(ours(ids)), rtol=1e-4, atol=1e-4)
    assert tokenizer.decode(theirs.generate(ids, max_new_tokens=10)[0])


def test_a_run_describes_its_own_model_whatever_was_asked_for_later(run, recipe, folder, capsys):
    run()
    arguments = ["tokenize", str(recipe), "--run", str(folder), "--set", "model.hidden_size=64"]
    assert cli.main(arguments) == 0
    assert load_run(folder)[0].config.hidden_size == 32
