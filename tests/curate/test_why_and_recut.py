"""`smollab curate why` and `smollab curate recut`, as a user meets them."""

import pytest

from smollab.cli import main

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
    assert "kept in its place: smollab curate why http://a/2" in capsys.readouterr().out


def test_why_of_an_unknown_document_names_the_nearest(run, capsys):
    assert main(["curate", "why", "a/shor", "--run", str(run[1])]) == 1
    assert "nearest: http://a/short" in capsys.readouterr().err


def test_why_without_a_ledger_says_what_to_do(tmp_path, capsys):
    assert main(["curate", "why", "x", "--run", str(tmp_path)]) == 1
    assert "no ledger here; curate first" in capsys.readouterr().err


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


def test_recut_does_not_overwrite_other_folders(run, tmp_path, capsys):
    recipe, folder = run
    for target in (folder / "curate", tmp_path / "web"):
        assert main(["curate", "recut", str(recipe), "--run", str(folder), "--to", str(target)]) == 1
        assert "--to must name a new folder" in capsys.readouterr().err
