"""`smollab curate why` and `smollab curate recut`, as a user meets them."""

import json
import shutil

import pytest

from smollab.cli import main
from smollab.recipe import load_recipe

from .making import prose, write_warc

N_GRAMS = ("top_n_grams={}", "duplicate_n_grams={}")
RELAXED = ["--set", "curate.workers=1", *(a for n in N_GRAMS for a in ("--set", f"curate.gopher_repetition.{n}"))]


@pytest.fixture
def run(tmp_path):
    texts = {f"http://a/{i}": prose(i) for i in range(4)}
    texts |= {"http://a/short": "Only a few of the words stand here, and that is all.", "http://a/copy": prose(2)}
    write_warc(tmp_path / "web" / "0.warc.gz", texts)
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        f'name = "mine"\ndescription = "A test."\n[data.sources.web]\naddress = "warc:{tmp_path / "web"}"\n'
    )
    assert main(["curate", str(recipe), "--run", str(tmp_path / "run"), *RELAXED]) == 0
    return recipe, tmp_path / "run"


def test_why_shows_every_value_against_its_threshold(run, capsys):
    assert main(["curate", "why", "http://a/short", "--run", str(run[1])]) == 0
    shown = capsys.readouterr().out
    assert "web/0/4: dropped by gopher_quality: too few words 12 < 50" in shown
    (line,) = (line for line in shown.splitlines() if "gopher_quality" in line and ">= 50 " in line)
    assert line.split() == ["gopher_quality", "words", "12", ">=", "50", "x"]
    assert "(x)" in shown, "values behind the drop are shown too"
    assert "as extracted: Only a few of the" in shown


def test_why_names_the_document_that_was_kept_instead(run, capsys):
    assert main(["curate", "why", "web/0/5", "--run", str(run[1])]) == 0
    assert f"kept in its place: smollab curate why http://a/2 --run {run[1]}" in capsys.readouterr().out


def test_why_of_an_unknown_document_names_the_nearest(run, capsys):
    assert main(["curate", "why", "a/shor", "--run", str(run[1])]) == 1
    assert "nearest: http://a/short" in capsys.readouterr().err


def test_why_without_a_ledger_says_what_to_do(tmp_path, capsys):
    assert main(["curate", "why", "x", "--run", str(tmp_path)]) == 1
    assert "no ledger here; curate first" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["about.json", "web-00000.parquet"])
def test_a_broken_ledger_is_named_with_a_way_out_that_works(run, capsys, file):
    recipe, folder = run
    broken = folder / "curate" / "ledger" / file
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    assert main(["curate", "why", "http://a/short", "--run", str(folder)]) == 1
    message = capsys.readouterr().err
    assert str(broken) in message and "broken" in message and "curate again" in message
    assert len(message.splitlines()) == 1
    shutil.rmtree(folder / "curate")
    assert main(["curate", str(recipe), "--run", str(folder), *RELAXED]) == 0
    assert broken.read_bytes() == whole


def test_a_run_with_other_thresholds_does_not_rely_on_a_broken_note(run):
    recipe, folder = run
    (folder / "curate" / "ledger" / "about.json").write_text("{")
    loose = ["--set", "curate.gopher_quality.minimum_words=5", "--set", "curate.c4_quality.minimum_sentences=1"]
    assert main(["curate", str(recipe), "--run", str(folder), *RELAXED, *loose]) == 0
    assert json.loads((folder / "curate" / "ledger" / "about.json").read_text())["settings"]["ledger"]


def test_recut_shows_what_enters_and_leaves_and_leaves_the_run_alone(run, capsys):
    recipe, folder = run
    before = {p: p.stat().st_mtime_ns for p in (folder / "curate").rglob("*") if p.is_file()}
    loose = ["--set", "curate.gopher_quality.minimum_words=5", "--set", "curate.c4_quality.minimum_sentences=1"]
    assert main(["curate", "recut", str(recipe), "--run", str(folder), *RELAXED, *loose]) == 0
    shown = capsys.readouterr().out
    assert "6 documents: 4 kept before, 5 now; 1 enter, 0 leave" in shown
    assert "1 enter, dropped before by gopher_quality: too few words" in shown
    assert "http://a/short (12 < 50)" in shown and "Only a few of the words" in shown
    assert {p: p.stat().st_mtime_ns for p in (folder / "curate").rglob("*") if p.is_file()} == before
    strict = ["--set", "curate.gopher_quality.minimum_words=100000"]
    assert main(["curate", "recut", str(recipe), "--run", str(folder), *RELAXED, *strict]) == 0
    assert "0 enter, 4 leave" in capsys.readouterr().out
    assert (folder / "recut" / "statistics.json").is_file()


def test_recut_refuses_a_negative_number_of_examples(run, capsys):
    assert main(["curate", "recut", str(run[0]), "--run", str(run[1]), *RELAXED, "--examples", "-1"]) == 1
    assert "--examples -1" in capsys.readouterr().err


def test_recut_does_not_overwrite_other_folders(run, tmp_path, capsys):
    recipe, folder = run
    for target in (folder / "curate", tmp_path / "web"):
        assert main(["curate", "recut", str(recipe), "--run", str(folder), "--to", str(target)]) == 1
        assert "--to must name a new folder" in capsys.readouterr().err


def test_why_finds_documents_by_their_url(tmp_path, capsys):
    rows = [{"id": f"row {i}", "url": f"http://a/{i}", "text": prose(i)} for i in range(2)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = ["--source", f"jsonl:{tmp_path / 'x.jsonl'}", "--run", str(tmp_path / "run")]
    assert main(["curate", "laptop", *source, "--set", "curate.workers=1"]) == 0
    assert main(["curate", "why", "http://a/1", "--run", str(tmp_path / "run")]) == 0
    assert "row 1\n  jsonl/0/1: kept" in capsys.readouterr().out


def test_recut_refuses_what_is_not_the_runs(run, capsys):
    recipe, folder = run
    assert main(["curate", "recut", "laptop", "--run", str(folder)]) == 1
    assert "was made of the sources web, the recipe has web, pdf" in capsys.readouterr().err
    other = ["--set", "data.sources.web.address=warc:data_samples/web"]
    assert main(["curate", "recut", str(recipe), "--run", str(folder), *other]) == 1
    assert "data.sources.web: its files" in capsys.readouterr().err
    assert main(["curate", "recut", str(recipe), "--run", str(folder), "--set", "curate.ledger=false"]) == 1
    assert "curate.ledger is false" in capsys.readouterr().err
    assert not (folder / "recut").exists()


def test_another_source_keeps_the_recipes_steps(run, tmp_path, capsys):
    (tmp_path / "web" / "0.warc.gz").rename(tmp_path / "0.warc.gz")
    source = ["--source", f"warc:{tmp_path / '0.warc.gz'}", "--run", str(tmp_path / "fineweb")]
    main(["curate", "fineweb-2024", *source, "--set", "curate.workers=1", "--set", "curate.language.languages=['fr']"])
    written = load_recipe(str(tmp_path / "fineweb" / "recipe.toml"))
    assert written.data.sources["warc"].steps == load_recipe("fineweb-2024").data.sources["web"].steps
    assert written.curate.language.languages == ("fr",)
