"""Global steps within whole runs: grains together, an index over snapshots, interruptions."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

import smollab.curate.pipeline as pipeline
from smollab.curate import CurationError, curate
from smollab.curate.dedup.whole import CLUSTER_SIZE
from smollab.documents import read_documents, read_drops
from smollab.recipe import Curate, Data, MinHash, RecipeError, RepeatedPieces, Source

from ..making import prose


def write_texts(folder, texts):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "texts.jsonl").open("w") as file:
        for id_, (text, *url) in texts.items():
            file.write(
                json.dumps({"id": id_, "text": text, "language": "en"} | ({"url": url[0]} if url else {})) + "\n"
            )
    return f"jsonl:{folder}"


def run(tmp_path, output, address, steps, settings):
    data = Data(sources={"web": Source(address=address, steps=steps)})
    curate(data, settings, tmp_path / output)
    kept = {d.id: d for d in read_documents(*sorted((tmp_path / output / "kept").glob("*.parquet")))}
    files = sorted((tmp_path / output / "dropped").glob("*.parquet"))
    dropped = {document.id: (step, drop.detail) for document, step, drop in read_drops(*files)}
    return kept, dropped


def snapshot(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


ALL = ("url_dedup", "exact_dedup", "minhash_dedup", "paragraph_dedup", "line_dedup")


def test_all_grains_in_one_run(tmp_path):
    banner = "We value your privacy and so do all of our partners."
    texts = {
        "a": (prose(1) + "\n\n" + banner, "http://site/a"),
        "a again": (prose(9), "https://www.site/a/"),
        "a copied": ((prose(1) + "\n\n" + banner).upper(), "http://site/b"),
        "a changed": (prose(1) + "\n\n" + banner + " And more.", "http://site/c"),
        "d": (prose(2) + "\n\n" + banner, "http://site/d"),
        "e": (prose(3) + "\n" + banner + "\n" + prose(4), "http://site/e"),
        "f": (banner, "http://site/f"),
    }
    settings = Curate(workers=1, line_dedup=RepeatedPieces(minimum_words=20))
    kept, dropped = run(tmp_path, "out", write_texts(tmp_path / "in", texts), ALL, settings)
    assert dropped == {
        "a again": ("url_dedup", "of a"),
        "a copied": ("exact_dedup", "of a"),
        "a changed": ("minhash_dedup", "of a"),
        "f": ("paragraph_dedup", "0 words < 50; 1 of 1 paragraphs seen before"),
    }
    assert kept["a"].text == texts["a"][0] and kept["a"].metadata[CLUSTER_SIZE] == 2
    assert kept["d"].text == prose(2)
    assert kept["e"].text == prose(3) + "\n" + prose(4)
    pairs = pq.read_table(tmp_path / "out" / "pairs" / "minhash_dedup.parquet").to_pylist()
    assert [(pair["first"], pair["second"]) for pair in pairs] == [("a", "a changed")]


def test_the_output_is_the_same_for_any_number_of_workers(tmp_path):
    for part in range(4):
        texts = {f"{part}-{i}": (prose((part + i) % 17, 30) + "\n\nThe end of it.",) for i in range(12)}
        write_texts(tmp_path / "in" / str(part), texts)
    data = Data(sources={"web": Source(address=f"jsonl:{tmp_path / 'in'}", steps=ALL[1:])})
    for workers in (1, 3):
        curate(data, Curate(workers=workers), tmp_path / str(workers))
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "3")


def near(seed, extra=0):
    return (prose(seed, 30) + " Indeed so." * extra,)


def test_snapshots_one_after_the_other_with_an_index(tmp_path):
    def add(name, texts):
        settings = Curate(workers=1, minhash_dedup=MinHash(index=str(tmp_path / "index"), snapshot=name))
        address = write_texts(tmp_path / name, texts)
        return run(tmp_path, f"out-{name}", address, ("minhash_dedup",), settings)

    kept, dropped = add("one", {"a": near(1), "b": near(2), "c": near(1, 1)})
    assert set(kept) == {"a", "b"} and dropped == {"c": ("minhash_dedup", "of a")}
    kept, dropped = add("two", {"d": near(2, 1), "e": near(3)})
    assert set(kept) == {"e"} and dropped == {"d": ("minhash_dedup", "of b (snapshot one)")}
    before = snapshot(tmp_path / "index")
    again, _ = add("two", {"d": near(2, 1), "e": near(3)})
    assert set(again) == {"e"} and snapshot(tmp_path / "index") == before


def test_a_run_that_ended_before_its_end_goes_on_and_then_adds_to_the_index(tmp_path, monkeypatch):
    address = write_texts(tmp_path / "in", {"a": near(1), "b": near(1, 1)})
    settings = Curate(workers=1, minhash_dedup=MinHash(index=str(tmp_path / "index"), snapshot="one"))

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device", "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "deliver", fail)
        with pytest.raises(CurationError, match="No space left"):
            run(tmp_path, "out", address, ("minhash_dedup", "language"), settings)
    assert not (tmp_path / "index").exists()
    kept, _ = run(tmp_path, "out", address, ("minhash_dedup", "language"), settings)
    assert set(kept) == {"a"}
    parts = json.loads((tmp_path / "index" / "index.json").read_text())["parts"]
    assert [(part["snapshot"], part["keys"]) for part in parts] == [("one", 1)]


def test_an_index_that_does_not_fit_is_refused_before_anything_is_read(tmp_path):
    address = write_texts(tmp_path / "in", {"a": near(1)})
    index = str(tmp_path / "index")
    run(
        tmp_path,
        "out",
        address,
        ("minhash_dedup",),
        Curate(workers=1, minhash_dedup=MinHash(index=index, snapshot="1")),
    )
    with pytest.raises(RecipeError, match="snapshot: an index needs a name"):
        run(tmp_path, "new", address, ("minhash_dedup",), Curate(minhash_dedup=MinHash(index=index)))
    with pytest.raises(CurationError, match="made with n_gram = 5, not 4"):
        run(
            tmp_path,
            "new",
            address,
            ("minhash_dedup",),
            Curate(minhash_dedup=MinHash(index=index, snapshot="2", n_gram=4)),
        )
    assert not (tmp_path / "new").exists()
    # A recipe that does not look for near-duplicates does not care.
    run(tmp_path, "new", address, ("exact_dedup",), Curate(workers=1, minhash_dedup=MinHash(index=index, n_gram=4)))
