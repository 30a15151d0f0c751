"""The command line: it teaches, it works end to end, and what a user can mend ends in one line."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from smollab import cli
from smollab.train.metrics import read_metrics

REPOSITORY = Path(__file__).parents[1]
VERBS = [
    "curate",
    "tokenize",
    "pretrain",
    "evaluate",
    "export",
    "run",
    "cost",
    "generate",
    "recipe",
    "info",
    "watch",
    "merge",
    "replay",
]

TINY = """
name = "tiny"
data.sources.web = {{ address = "text:{folder}/texts", steps = [], language = "vi" }}
tokenizer.vocab_size = 300
model.hidden_size = 16
model.intermediate_size = 32
model.num_hidden_layers = 2
model.num_attention_heads = 2
model.num_key_value_heads = 2
stages = [{{ name = "only", steps = 4, mixture = {{ web = 1 }} }}]
schedule = {{ warmup_steps = 1, decay_steps = 1 }}
train = {{ sequence_length = 32, batch_sequences = 2, micro_batch_sequences = 2, checkpoint_every = 2 }}
curate.workers = 1
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "smollab.cli", *map(str, arguments)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, texts) -> Path:
    """A recipe of seconds."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "texts").mkdir()
    for i, text in enumerate(texts):
        (folder / "texts" / f"{i}.txt").write_text(text, encoding="utf-8")
    (folder / "tiny.toml").write_text(TINY.format(folder=folder), encoding="utf-8")
    return folder / "tiny.toml"


@pytest.fixture(scope="module")
def trained(tiny) -> Path:
    """A run that was trained and exported."""
    assert cli.main(["export", str(tiny), "--run", str(tiny.parent / "trained")]) == 0
    return tiny.parent / "trained"


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch) -> Callable[..., str]:
    """Runs a command that must end in one line on stderr and status 1; returns the line."""

    def refused(*arguments: object) -> str:
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        assert cli.main([str(a) for a in arguments]) == 1
        errors = capsys.readouterr().err
        assert re.fullmatch(r"smollab: [^\n]+\n", errors), errors
        assert "Traceback" not in errors and "SMOLLAB_DEBUG" not in errors
        return errors

    return refused


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS)], ids=lambda verb: " ".join(verb) or "smollab")
def test_help_explains_with_examples(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*verb, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert not any(line.startswith("\b") for line in text.splitlines())
    if verb not in (["recipe"], ["info"]):
        assert text.count("  smollab ") >= 2  # examples
    for line in text.splitlines():
        assert len(line) <= 120, line


def test_help_lists_every_verb(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"^    {verb} ", text, re.MULTILINE) for verb in VERBS)


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert re.fullmatch(r"smollab \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_recipe_lists_prints_and_changes_recipes(capsys, tmp_path):
    assert cli.main(["recipe"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"laptop", "smoke", "smollm3-3b"} <= set(listed)
    assert cli.main(["recipe", "smoke", "--set", "model.hidden_size=8"]) == 0
    text = capsys.readouterr().out
    assert "hidden_size = 8" in text and "# Width of the residual stream." in text
    (tmp_path / "mine.toml").write_text(text)
    assert cli.main(["recipe", str(tmp_path / "mine.toml")]) == 0
    assert capsys.readouterr().out == text


def test_a_dry_run_tells_the_cost_and_makes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "smollm3-3b", "--dry-run"]) == 0
    text = capsys.readouterr().out
    for words in ("3.075", "4,762,000", "11.235", "384"):
        assert words in text
    assert list(tmp_path.iterdir()) == []


def test_the_cost_of_smollm3_is_told_without_running_it(capsys):
    assert cli.main(["cost", "smollm3-3b", "--set", "parallel.shard=8"]) == 0
    shown = capsys.readouterr().out
    for expected in ("3,075,098,624", "72.0 KiB a token", "192 data x 8 shard x 2 tensor parallel"):
        assert expected in " ".join(shown.replace("│", " ").split())


def test_a_file_where_the_run_should_be_is_refused_with_a_way_out(refused, tmp_path):
    (tmp_path / "run").write_text("mine")
    message = refused("curate", "smoke", "--run", str(tmp_path / "run"))
    assert str(tmp_path / "run") in message and "name another place" in message
    assert (tmp_path / "run").read_text() == "mine"


def test_a_run_for_many_devices_points_to_the_dry_run(refused):
    assert "--dry-run" in refused("run", "smollm3-3b")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "labtop"], "labtop"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["recipe", "labtop"], "laptop"),
        (["run", "smoke", "--set", "model.hiden_size=3"], "hidden_size"),
        (["run", "smoke", "--set", "model.hidden_size=big"], "model.hidden_size"),
        (["run", "smoke", "--set", "model.hidden_size"], "KEY=VALUE"),
        (["run", "smoke", "--set", "stages.9.steps=3"], "stages.9.steps"),
        (["run", "smoke", "--source", "web"], "KIND:PLACE"),
        (["run", "smoke", "--source", "web=text:/no/such/folder"], "/no/such/folder"),
        (["run", "smoke", "--source", "web=floppy:a"], "floppy"),
        (["curate", "--source", "text:/no/such/folder"], "/no/such/folder"),
        (["generate", "nothing-here"], "nothing-here"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_user_can_mend_ends_in_one_line(refused, arguments, named):
    assert named in refused(*arguments)


def test_an_empty_folder_as_a_source(refused, tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused("run", tiny, "--run", tmp_path / "run", "--source", f"web=text:{tmp_path / 'empty'}")


def test_texts_too_few_for_the_vocabulary(refused, tiny, tmp_path):
    line = refused("run", tiny, "--run", tmp_path / "run", "--set", "tokenizer.vocab_size=50000")
    assert "tokenizer.vocab_size" in line


def test_texts_too_few_for_one_sequence(refused, tiny, tmp_path):
    long = ["--set", "train.sequence_length=1000000", "--set", "model.max_position_embeddings=1000000"]
    line = refused("run", tiny, "--run", tmp_path / "run", *long)
    assert "web" in line and "1000000" in line


def test_a_folder_of_the_run_that_cannot_be_one(refused, tiny, tmp_path):
    (tmp_path / "file").touch()
    assert "file" in refused("run", tiny, "--run", tmp_path / "file")


def test_a_missing_tokenizer_folder(refused, tiny, tmp_path):
    assert "no/where" in refused("tokenize", tiny, "--run", tmp_path / "run", "--set", "tokenizer.path=no/where")


def test_a_missing_file_of_minimal_pairs(refused, tiny, tmp_path):
    line = refused("evaluate", tiny, "--run", tmp_path / "run", "--set", "evaluate.minimal_pairs=no.jsonl")
    assert "no.jsonl" in line


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_set_aside_and_the_run_goes_on(tiny, trained, tmp_path, file, capsys):
    shutil.copytree(trained, tmp_path / "run")
    latest = tmp_path / "run" / "pretrain" / "checkpoints" / "step-00000004"
    (latest / file).write_bytes((latest / file).read_bytes()[:50])
    assert cli.main(["pretrain", str(tiny), "--run", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert str(latest) in said and "set aside" in said and latest.with_suffix(".damaged").is_dir()
    whole = trained / "pretrain" / "checkpoints" / "step-00000004"
    assert (latest / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_generate_continues_a_prompt_from_a_run_and_from_an_export(trained, capsys):
    texts = []
    for place in (trained, trained / "export"):
        assert cli.main(["generate", str(place), "--prompt", "ba ne", "--max-new-tokens", "20", "--seed", "1"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[0].startswith("ba ne") and len(texts[0]) > 8


@pytest.mark.parametrize(
    ("option", "value"), [("--temperature", "-1"), ("--top-p", "0"), ("--top-p", "1.5"), ("--max-new-tokens", "-3")]
)
def test_generate_refuses_senseless_settings(refused, trained, option, value):
    assert value in refused("generate", trained, option, value)


def test_generate_ends_at_the_tokens_that_the_folder_names(trained, tmp_path, capsys):
    shutil.copytree(trained / "export", tmp_path / "export")
    path = tmp_path / "export" / "generation_config.json"
    values = json.loads(path.read_text())
    vocabulary = json.loads((tmp_path / "export" / "config.json").read_text())["vocab_size"]
    path.write_text(json.dumps(values | {"eos_token_id": list(range(vocabulary))}))
    assert cli.main(["generate", str(tmp_path / "export"), "--prompt", "ba ne"]) == 0
    assert capsys.readouterr().out == "ba ne\n"


def test_an_ablation_refuses_an_unknown_variant_before_it_makes_anything(refused, tmp_path):
    assert "mha" in refused("ablate", "architecture", "--only", "mha2", "--run", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_generate_from_a_damaged_export(refused, trained, tmp_path):
    shutil.copytree(trained / "export", tmp_path / "export")
    path = tmp_path / "export" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    assert "model.safetensors" in refused("generate", tmp_path / "export")


def test_export_copies_where_asked(tiny, trained, tmp_path, capsys):
    assert cli.main(["export", str(tiny), "--run", str(trained), "--to", str(tmp_path / "mine")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "mine")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {p.name for p in (tmp_path / "mine").iterdir()}


def test_ctrl_c_ends_with_130_one_line_and_a_checkpoint(tiny, tmp_path):
    long = ["--set", "stages.0.steps=5000", "--set", "train.checkpoint_every=10000"]
    process = subprocess.Popen(
        command("run", tiny, "--run", tmp_path / "run", *long), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while not read_metrics(tmp_path / "run" / "pretrain" / "metrics.jsonl"):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert errors.strip() == "smollab: stopped; the same command continues where this one ended"
    assert len(list((tmp_path / "run" / "pretrain" / "checkpoints").iterdir())) == 1


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system in memory of a given size, and a function that enlarges it."""
    folder.mkdir()
    mount = lambda options: subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True
    )
    if not shutil.which("mount") or mount(f"size={size}").returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield lambda new_size: mount(f"remount,size={new_size}")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("size", ["8k", "150k"], ids=["curating", "saving a checkpoint"])
def test_a_full_disk_ends_in_one_line_and_more_space_continues(refused, tiny, trained, tmp_path, size, capsys):
    with small_disk(tmp_path / "disk", size) as enlarge:
        line = refused("pretrain", tiny, "--run", tmp_path / "disk" / "run")
        assert "No space left" in line and "free some space" in line
        enlarge("20m")
        assert cli.main(["export", str(tiny), "--run", str(tmp_path / "disk" / "run")]) == 0
        ours, expected = (p / "export" / "model.safetensors" for p in (tmp_path / "disk" / "run", trained))
        assert ours.read_bytes() == expected.read_bytes()


def test_two_processes_do_not_work_in_the_same_folder(refused, tiny, tmp_path):
    import fcntl

    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process" in refused("curate", tiny, "--run", tmp_path / "run")
    assert cli.main(["curate", str(tiny), "--run", str(tmp_path / "run")]) == 0


def test_a_reader_that_has_seen_enough_is_no_error():
    shell = f"{sys.executable} -m smollab.cli recipe laptop | head -1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_an_unexpected_error_is_named_and_points_to_the_details(capsys, monkeypatch):
    monkeypatch.setattr("smollab.cli.recipes.load_recipe", lambda *arguments: 1 / 0)
    assert cli.main(["run", "smoke"]) == 1
    assert (
        capsys.readouterr().err
        == "smollab: ZeroDivisionError: division by zero (set SMOLLAB_DEBUG=1 for the details)\n"
    )
    monkeypatch.setenv("SMOLLAB_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["run", "smoke"])


def test_the_smoke_recipe_goes_from_pages_to_a_report_and_a_model(tmp_path):
    """In a process of its own, as a user runs it, on the data samples of the repository."""
    result = subprocess.run(
        command("run", "smoke", "--run", tmp_path / "run"),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for words in ("gopher", "minhash_dedup", "minimal pairs", "Le système", "data:image/png;base64"):
        assert words in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:|//|file:)", page)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "export")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run" / "export")
    ids = tokenizer("Le système", return_tensors="pt").input_ids
    assert model.generate(ids, max_new_tokens=8, min_new_tokens=8).shape[1] == ids.shape[1] + 8


def test_a_folder_with_other_things_is_not_taken_for_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    precious = tmp_path / "recipe.toml"
    precious.write_text("mine")
    assert cli.main(["curate", "smoke", "--run", str(tmp_path)]) == 1
    assert precious.read_text() == "mine"
    assert "name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--run", ""], ["--source", "text:"], ["--set", "tokenizer.vocab_size=200"]])
def test_empty_names_and_impossible_sizes_are_refused_before_any_work(arguments: list[str]) -> None:
    assert cli.main(["curate", "smoke", *arguments]) == 1


def test_curating_nothing_is_an_error_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.pdf").write_text("not a PDF")
    assert cli.main(["curate", "--source", f"pdf:{tmp_path}", "--run", str(tmp_path / "run")]) == 1
    assert "extract_pdf: not a PDF (1)" in capsys.readouterr().err


def test_an_export_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "smoke", "--to", str(tmp_path), "--run", str(tmp_path / "run")]) == 1
    assert "exists already" in capsys.readouterr().err
