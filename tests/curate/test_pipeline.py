import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import smollab.curate.parts as parts
from smollab.curate import CurationError, Funnel, curate
from smollab.documents import read_documents, read_drops
from smollab.recipe import Curate, Data, RecipeError, Source

from .making import SAMPLES, pack, page, prose, record, write_warc

LIGHT = ("extract_html", "language", "exact_dedup", "minhash_dedup", "pii")


@pytest.fixture
def corpus(tmp_path):
    """Two WARC files and a folder of texts, with duplicates within and between them."""
    web = tmp_path / "web"
    write_warc(web / "0.warc.gz", {f"http://a/{i}": prose(i) for i in range(6)} | {"http://a/copy": prose(2)})
    near = prose(3, 12) + " And that was all."
    write_warc(web / "1.warc.gz", {"http://b/near": near, "http://b/mail": prose(50) + " Write to me@site.org."})
    books = tmp_path / "books"
    books.mkdir()
    (books / "one.txt").write_text(prose(1))
    (books / "two.txt").write_text(prose(77))
    return {
        "web": Source(address=f"warc:{web}", steps=LIGHT),
        "books": Source(address=f"text:{books}", steps=("language", "exact_dedup", "minhash_dedup")),
    }


def snapshot(output):
    files = sorted(p for p in output.rglob("*") if p.is_file())
    return {str(p.relative_to(output)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_end_to_end(corpus, tmp_path):
    updates = []
    funnel = curate(Data(sources=corpus), Curate(workers=1), tmp_path / "out", updates.append)
    kept = {d.id: d for d in read_documents(*sorted((tmp_path / "out" / "kept").iterdir()))}
    assert sorted(kept) == [*(f"http://a/{i}" for i in range(6)), "http://b/mail", "two.txt"]
    assert kept["http://b/mail"].text.endswith("Write to email@example.com.")
    assert kept["http://a/1"].language == "en" and kept["http://a/1"].source == "web"
    drops = {d.id: (step, drop) for d, step, drop in read_drops(*sorted((tmp_path / "out" / "dropped").iterdir()))}
    assert {id_: (step, drop.detail) for id_, (step, drop) in drops.items()} == {
        "http://a/copy": ("exact_dedup", "of http://a/2"),
        "http://b/near": ("minhash_dedup", "of http://a/3"),
        "one.txt": ("exact_dedup", "of http://a/1"),
    }
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["dropped", "extracted", "funnel.json", "kept", "keys", "ledger", "pairs"]
    assert Funnel.load(tmp_path / "out") == funnel
    assert updates[0].phase == "reading and filtering" and updates[-1].phase == "after minhash_dedup"


def test_the_funnel_adds_up(corpus, tmp_path):
    funnel = curate(Data(sources=corpus), Curate(workers=1), tmp_path / "out")
    assert (funnel.documents_read, funnel.documents_kept) == (11, 8)
    for source in funnel.sources.values():
        for step, following in zip(source.steps, source.steps[1:], strict=False):
            assert step.documents_out == following.documents_in
            assert step.characters_out == following.characters_in
        for step in source.steps:
            assert step.documents_in - step.documents_out == sum(r.documents for r in step.drops.values())
            assert all(0 < len(r.examples) <= 3 for r in step.drops.values())
        assert source.documents_kept == source.steps[-1].documents_out
    web = funnel.sources["web"]
    assert [step.name for step in web.steps] == list(LIGHT)
    (example,) = web.steps[2].drops["exact_dedup: duplicate"].examples
    assert example["id"] == "http://a/copy" and example["text"] == prose(2)[:300]
    kept = read_documents(*sorted((tmp_path / "out" / "kept").glob("web-*")))
    assert web.characters_kept == sum(len(d.text) for d in kept)


def test_the_output_is_the_same_for_any_number_of_workers(corpus, tmp_path):
    for workers in (1, 2):
        curate(Data(sources=corpus), Curate(workers=workers), tmp_path / str(workers))
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2")


def test_the_output_is_the_same_for_any_size_of_parts(corpus, tmp_path, monkeypatch):
    curate(Data(sources=corpus), Curate(workers=1), tmp_path / "large")
    monkeypatch.setattr(parts, "PART_CHARACTERS", 2000)
    monkeypatch.setattr(parts, "PART_DOCUMENTS", 2)
    curate(Data(sources=corpus), Curate(workers=1), tmp_path / "small")
    extracted = [list(read_documents(*sorted((tmp_path / n / "extracted").iterdir()))) for n in ("large", "small")]
    assert extracted[0] == extracted[1]
    for name in ("large", "small"):
        shutil.rmtree(tmp_path / name / "extracted")  # whose files are the parts
    assert snapshot(tmp_path / "large") == snapshot(tmp_path / "small")


def test_a_run_that_was_interrupted_goes_on(corpus, tmp_path, monkeypatch):
    curate(Data(sources=corpus), Curate(workers=1), tmp_path / "whole")
    done = []
    real = parts.write_json

    def fail_once(path, values):
        if path.name == "00001.json" and not done:
            done.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        real(path, values)

    monkeypatch.setattr(parts, "write_json", fail_once)
    with pytest.raises(CurationError, match=r"00001\.json: No space left on device.*run again") as error:
        curate(Data(sources=corpus), Curate(workers=1), tmp_path / "cut")
    assert "\n" not in str(error.value)
    first = tmp_path / "cut" / "work" / "web" / "1" / "00000.json"
    stamp = first.stat().st_mtime_ns
    monkeypatch.setattr(parts, "write_json", lambda path, values: (_check(first, stamp), real(path, values))[1])
    curate(Data(sources=corpus), Curate(workers=1), tmp_path / "cut")
    assert snapshot(tmp_path / "whole") == snapshot(tmp_path / "cut")


def _check(path, stamp):
    assert path.stat().st_mtime_ns == stamp  # the finished shard was not done again


def test_another_recipe_does_not_go_on_with_old_work(corpus, tmp_path):
    marker = tmp_path / "out" / "work" / "fingerprint"
    marker.parent.mkdir(parents=True)
    marker.write_text("another")
    stale = marker.parent / "web" / "1" / "00000.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    assert curate(Data(sources=corpus), Curate(workers=1), tmp_path / "out").documents_kept == 8


KILLED = """
from pathlib import Path
from smollab.curate import curate
from smollab.recipe import Curate, Data, Source
source = Source(address="warc:{web}", steps=("extract_html", "language", "gopher_repetition", "minhash_dedup"))
curate(Data(sources={{"web": source}}), Curate(workers=2), Path({output!r}))
"""


def test_kill_minus_9_and_run_again(tmp_path):
    for shard in range(6):
        texts = {f"http://{shard}/{i}": prose(shard * 1000 + i, 40) for i in range(30)}
        write_warc(tmp_path / "web" / f"{shard}.warc.gz", texts)
    script = KILLED.format(web=tmp_path / "web", output=str(tmp_path / "out"))
    process = subprocess.Popen([sys.executable, "-c", script])
    work = tmp_path / "out" / "work" / "web" / "1"
    for _ in range(600):
        if work.exists() and list(work.glob("*.json")):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)
    done = {p.name: p.stat().st_mtime_ns for p in work.glob("*.json")}
    assert 0 < len(done) < 6, "killed too late to test anything"
    assert not (tmp_path / "out" / "funnel.json").exists()
    subprocess.run([sys.executable, "-c", script], check=True)
    whole = KILLED.format(web=tmp_path / "web", output=str(tmp_path / "whole"))
    subprocess.run([sys.executable, "-c", whole], check=True)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_broken_files_are_reported_and_the_rest_is_kept(tmp_path):
    web = tmp_path / "web"
    write_warc(web / "good.warc.gz", {"http://a/": prose(1)})
    for path in (SAMPLES / "broken").glob("*.warc.gz"):
        (web / path.name).write_bytes(path.read_bytes())
    pdfs = Source(address=f"pdf:{SAMPLES / 'broken'}", steps=("extract_pdf",))
    data = Data(sources={"web": Source(address=f"warc:{web}", steps=LIGHT), "pdf": pdfs})
    funnel = curate(data, Curate(workers=1), tmp_path / "out")
    problems = funnel.sources["web"].problems
    assert problems["zero-bytes.warc.gz"] == {"empty file": 1}
    assert problems["truncated.warc.gz"] == {"truncated file": 1}
    assert problems["corrupt-member.warc.gz"]["corrupt gzip member"] == 1
    assert problems["not-a-warc.warc.gz"] == {"not a WARC file": 1}
    assert funnel.sources["web"].documents_kept >= 1
    assert funnel.sources["pdf"].problems["zero-bytes.pdf"] == {"empty file": 1}
    reasons = set(funnel.sources["pdf"].steps[0].drops)
    assert {"extract_pdf: encrypted", "extract_pdf: not a PDF"} <= reasons


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        ({}, CurationError, "data.sources is empty"),
        ({"web": Source(address="warc:nowhere")}, CurationError, "does not exist"),
        ({"web": Source(address="warc:x", steps=("url", "langage"))}, RecipeError, "did you mean 'language'"),
        ({"web": Source(address="warc:x", steps=("language",))}, RecipeError, "needs 'extract_html'"),
        (
            {"web": Source(address="warc:x", steps=("url", "url_dedup", "extract_html"))},
            RecipeError,
            "'url_dedup' stands before 'extract_html', where there is no text yet",
        ),
    ],
)
def test_recipes_that_cannot_work(sources, error, message, tmp_path):
    with pytest.raises(error, match=message):
        curate(Data(sources=sources), Curate(), tmp_path / "out")


def test_nothing_readable_at_all(tmp_path):
    (tmp_path / "empty.warc.gz").write_bytes(b"")
    with pytest.raises(CurationError, match=r"no document could be read \(empty\.warc\.gz: empty file"):
        curate(Data(sources={"web": Source(address=f"warc:{tmp_path}")}), Curate(workers=1), tmp_path / "out")


def test_one_odd_document_does_not_end_the_run(corpus, tmp_path, monkeypatch):
    from smollab.curate.steps import LOCAL_STEPS

    def odd(document):
        if document.id == "http://a/3":
            raise RuntimeError("never seen before")
        return document

    monkeypatch.setitem(LOCAL_STEPS, "language", lambda settings: odd)
    funnel = curate(Data(sources=corpus), Curate(workers=1), tmp_path / "out")
    (reason,) = funnel.sources["web"].steps[1].drops
    assert reason == "language: error"
    detail = funnel.sources["web"].steps[1].drops[reason].examples[0]["detail"]
    assert detail == "RuntimeError: never seen before"


def test_global_steps_in_different_orders_do_not_lock(corpus, tmp_path):
    sources = {
        "web": corpus["web"],
        "books": Source(address=corpus["books"].address, steps=("minhash_dedup", "language", "exact_dedup")),
    }
    funnel = curate(Data(sources=sources), Curate(workers=1), tmp_path / "out")
    assert [step.name for step in funnel.sources["books"].steps] == ["minhash_dedup", "language", "exact_dedup"]


def test_invalid_bytes_become_text_or_a_reason(tmp_path):
    (tmp_path / "x.warc.gz").write_bytes(
        pack([record("http://a/", page(prose(1)) + b"\xff\xfe\x80"), record("http://b/", b"\x00\xff" * 50)])
    )
    source = Source(address=f"warc:{tmp_path}", steps=LIGHT)
    funnel = curate(Data(sources={"web": source}), Curate(workers=1), tmp_path / "out")
    assert funnel.documents_read == 2 and funnel.documents_kept == 1
    assert json.loads((tmp_path / "out" / "funnel.json").read_text())
