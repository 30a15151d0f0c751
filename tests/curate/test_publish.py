"""A finished corpus goes where it is wanted: folders and fsspec's stores, whole or not at all."""

import json

import fsspec
import pytest

from smollab.cli import main
from smollab.curate import CurationError
from smollab.curate.publish import check_place, publish
from smollab.curate.storage import find_remote_files

from .making import prose


@pytest.fixture
def corpus(tmp_path):
    rows = [{"url": f"http://a/{i}", "text": prose(i)} for i in range(3)]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [
        "curate",
        "laptop",
        "--source",
        f"jsonl:{path}",
        "--run",
        str(tmp_path / "run"),
        "--set",
        "curate.workers=1",
    ]


def test_to_a_store_and_back(corpus, tmp_path, capsys):
    place = f"memory://corpora/{tmp_path.name}"
    assert main([*corpus, "--to", place]) == 0
    assert f"{place}: 3 files" in capsys.readouterr().out
    store = fsspec.filesystem("memory")
    (kept,) = (tmp_path / "run" / "curate" / "kept").iterdir()
    assert store.cat(f"/corpora/{tmp_path.name}/kept/{kept.name}") == kept.read_bytes()
    assert find_remote_files(f"{place}/kept", (".parquet",)) == [f"memory:///corpora/{tmp_path.name}/kept/{kept.name}"]
    again = ["curate", "laptop", "--source", f"parquet:{place}/kept", "--run", str(tmp_path / "again")]
    assert main([*again, "--set", "curate.workers=1"]) == 0
    assert "kept 3 of 3 documents" in capsys.readouterr().out


def test_to_a_folder_that_must_be_new(corpus, tmp_path, capsys):
    assert main([*corpus, "--to", str(tmp_path / "new")]) == 0
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["funnel.json", "kept", "statistics.json"]
    assert main([*corpus, "--to", str(tmp_path / "new")]) == 1
    assert "holds something already" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["sftp://host/corpus", "http://example.org/corpus"])
def test_other_protocols_are_refused(place, tmp_path):
    with pytest.raises(CurationError):
        check_place(place)


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "out" / "kept").mkdir(parents=True)
    (tmp_path / "out" / "funnel.json").write_text("{}")
    with pytest.raises(CurationError, match="check the address and your access"):
        publish(tmp_path / "out", str(tmp_path / "file" / "below"))
