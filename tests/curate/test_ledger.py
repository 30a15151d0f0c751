"""The ledger holds every value of every document, and another cut from it equals a run from scratch."""

import hashlib
import json
import subprocess
import sys
import time

import pytest

import smollab.curate.dedup.minhash as minhash
import smollab.curate.local as local
from smollab.curate import curate
from smollab.curate.ledger import read_ledger, signatures
from smollab.curate.steps import LOCAL_STEPS
from smollab.documents import read_documents, replace
from smollab.recipe import (
    C4Quality,
    Curate,
    Data,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
    Language,
    MinHash,
    Source,
)

from .making import SAMPLES, page, prose, write_warc

BASE = Curate(workers=1, gopher_repetition=GopherRepetition(top_n_grams={"2": 0.2}, duplicate_n_grams={}))
"""The prose made for tests has few words, which repeat in its 5-grams."""
SHORT = "Only a few words stand here, and nothing else."


@pytest.fixture
def data(tmp_path):
    web = tmp_path / "web"
    texts = {f"http://a/{i}": prose(i) for i in range(5)} | {"http://a/short": SHORT, "http://a/copy": prose(2)}
    write_warc(web / "0.warc.gz", texts | {"http://a/porn": prose(9), "http://a/empty": ""})
    write_warc(web / "1.warc.gz", {"http://b/near": prose(3, 12) + " And that was all.", "http://a/1": prose(40)})
    return Data(sources={"web": Source(address=f"warc:{web}")})


def snapshot(output):
    files = sorted(p for p in output.rglob("*") if p.is_file())
    return {str(p.relative_to(output)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows_of(output):
    return {row.record: row for row in read_ledger(*sorted((output / "ledger").glob("*.parquet")))}


def test_one_row_for_every_document_read_with_its_fate(data, tmp_path):
    funnel = curate(data, BASE, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert len(rows) == funnel.documents_read == 11
    fates = {row.id: (row.step, row.detail) for row in rows.values() if row.step}
    assert fates["http://a/porn"] == ("url", "porn")
    assert fates["http://a/short"] == ("gopher_quality", "9 < 50")
    assert fates["http://a/copy"] == ("exact_dedup", "of http://a/2")
    assert fates["http://b/near"] == ("minhash_dedup", "of http://a/3")
    assert [row.record for row in rows.values() if row.id == "http://a/1"] == ["web/0/1", "web/1/1"]
    kept = list(read_documents(*sorted((tmp_path / "out" / "kept").iterdir())))
    assert sorted(d.metadata["record"] for d in kept) == sorted(r.record for r in rows.values() if not r.step)


def test_a_document_that_failed_goes_on_being_measured(data, tmp_path):
    curate(data, BASE, tmp_path / "out")
    short = rows_of(tmp_path / "out")["web/0/5"]
    assert short.values["gopher_quality.words"] == 9.0
    assert short.values["gopher_quality.alphabetic_words"] < 1
    assert short.values["fineweb_quality.punctuated_lines"] == 1.0
    assert short.characters == len(SHORT) and short.language == "en"


CUTS = {
    "fewer words": replace(BASE, gopher_quality=GopherQuality(minimum_words=5)),
    "no rule on repetition": replace(BASE, gopher_quality=GopherQuality(minimum_words=200)),
    "surer of the language": replace(BASE, language=Language(minimum_score=0.9999)),
    "another language": replace(BASE, language=Language(languages=("fr",))),
    "lines edited otherwise": replace(BASE, c4_quality=C4Quality(minimum_words_per_line=30)),
    "other buckets": replace(BASE, minhash_dedup=MinHash(buckets=1, hashes_per_bucket=64)),
    "by language": replace(BASE, by_language={"en": {"fineweb_quality.maximum_newlines_per_word": 0.0001}}),
    "several": replace(
        BASE,
        gopher_quality=GopherQuality(minimum_stop_words=3),
        fineweb_quality=FineWebQuality(maximum_short_lines=0.1),
    ),
}


@pytest.mark.parametrize("name", CUTS)
def test_another_cut_equals_a_run_from_scratch(name, data, tmp_path, monkeypatch):
    curate(data, BASE, tmp_path / "first")
    fresh = curate(data, CUTS[name], tmp_path / "fresh")
    monkeypatch.setattr(local, "read_shard", lambda *a: pytest.fail("a source was read again"))
    recut = curate(data, CUTS[name], tmp_path / "recut", recorded=tmp_path / "first")
    assert recut == fresh
    assert snapshot(tmp_path / "recut") == snapshot(tmp_path / "fresh")
    in_place = curate(data, CUTS[name], tmp_path / "first")
    assert in_place == fresh and snapshot(tmp_path / "first") == snapshot(tmp_path / "fresh")


def test_real_pages_cut_anew_equal_a_run_from_scratch(tmp_path, monkeypatch):
    sources = {
        "web": Source(address=f"warc:{SAMPLES / 'web' / 'noise.warc.gz'}", limit=60),
        "text": Source(address=f"text:{SAMPLES / 'text'}", limit=20, language="en"),
    }
    strict = Curate(workers=1, gopher_quality=GopherQuality(minimum_words=150, minimum_alphabetic_words=0.85))
    loose = Curate(workers=1, gopher_quality=GopherQuality(minimum_words=10))
    curate(Data(sources=sources), strict, tmp_path / "strict")
    fresh = curate(Data(sources=sources), loose, tmp_path / "fresh")
    monkeypatch.setattr(local, "read_shard", lambda *a: pytest.fail("a source was read again"))
    recut = curate(Data(sources=sources), loose, tmp_path / "recut", recorded=tmp_path / "strict")
    assert recut == fresh and fresh.documents_kept > 0
    assert snapshot(tmp_path / "recut") == snapshot(tmp_path / "fresh")


def test_nothing_is_measured_again_for_other_thresholds(data, tmp_path, monkeypatch):
    curate(data, BASE, tmp_path / "first")
    for module in ("gopher", "fineweb"):
        monkeypatch.setattr(f"smollab.curate.filters.{module}.words_of", lambda text: pytest.fail("measured again"))
    monkeypatch.setattr("smollab.curate.language.detect", lambda text, model: pytest.fail("detected again"))
    real, signed = minhash.bucket_keys, []
    monkeypatch.setattr(minhash, "bucket_keys", lambda docs, s: (signed.extend(d.id for d in docs), real(docs, s))[1])
    loose = GopherQuality(minimum_words=5, minimum_stop_words=0)
    settings = replace(BASE, gopher_quality=loose, c4_quality=C4Quality(minimum_sentences=1))
    curate(data, settings, tmp_path / "recut", recorded=tmp_path / "first")
    assert signed == ["http://a/short"], "only what was not compared before gets keys"


def test_changed_inputs_are_read_again(data, tmp_path):
    curate(data, BASE, tmp_path / "out")
    write_warc(tmp_path / "web" / "2.warc.gz", {"http://c/": prose(99)})
    funnel = curate(data, BASE, tmp_path / "out")
    assert funnel.documents_read == 12


def test_signatures_follow_what_changes_a_text():
    steps = ("language", "gopher_quality", "c4_quality", "fineweb_quality", "minhash_dedup", "pii")
    before = signatures(steps, Curate())
    thresholds = signatures(steps, Curate(gopher_quality=GopherQuality(minimum_words=1), language=Language()))
    assert before == thresholds
    steps_behind_c4 = ["c4_quality", "fineweb_quality", "minhash_dedup", "pii"]
    lines = signatures(steps, Curate(c4_quality=C4Quality(minimum_words_per_line=1)))
    assert [name for name in steps if lines[name] != before[name]] == steps_behind_c4
    other_keys = signatures(steps, Curate(minhash_dedup=MinHash(buckets=20)))
    assert [name for name in steps if other_keys[name] != before[name]] == ["minhash_dedup"]
    assert before == signatures(steps, Curate(minhash_dedup=MinHash(keep="longest")))


def test_without_a_ledger_the_corpus_is_the_same(data, tmp_path):
    with_, without = tmp_path / "with", tmp_path / "without"
    assert curate(data, BASE, with_) == curate(data, replace(BASE, ledger=False), without)
    assert {p.name for p in with_.iterdir()} - {p.name for p in without.iterdir()} == {"ledger", "extracted", "keys"}
    for name in ("kept", "dropped"):
        assert snapshot(with_ / name) == snapshot(without / name)


def test_a_document_has_so_much_cpu_time(data, tmp_path, monkeypatch):
    def slow(document):
        while document.id == "http://a/3":
            pass
        return document

    monkeypatch.setitem(LOCAL_STEPS, "pii", lambda settings: slow)
    start = time.process_time()
    funnel = curate(data, replace(BASE, cpu_seconds=0.3), tmp_path / "out")
    assert time.process_time() - start < 20
    (pii,) = (step for step in funnel.sources["web"].steps if step.name == "pii")
    assert {reason: count.documents for reason, count in pii.drops.items()} == {"pii: CPU time": 1}
    assert pii.drops["pii: CPU time"].examples[0]["detail"] == "> 0.3 s of CPU time"


def test_documents_that_are_done_are_not_done_again(data, tmp_path, monkeypatch):
    """A kill in the middle of a shard costs the documents since the last part, here two."""
    monkeypatch.setattr("smollab.curate.parts.PART_DOCUMENTS", 2)
    curate(data, BASE, tmp_path / "whole")
    real, seen = LOCAL_STEPS["extract_html"](Curate()), []

    def killed_at_six(document):
        seen.append(document.id)
        if len(seen) == 6:
            raise KeyboardInterrupt
        return real(document)

    with monkeypatch.context() as patch:
        patch.setitem(LOCAL_STEPS, "extract_html", lambda settings: killed_at_six)
        with pytest.raises(KeyboardInterrupt):
            curate(data, BASE, tmp_path / "cut")
        progress = json.loads((tmp_path / "cut" / "work" / "web" / "1" / "00000.progress.json").read_text())
        assert progress["documents"] == 4
        curate(data, BASE, tmp_path / "cut")
    assert seen[6:8] == seen[4:6]  # the fifth and sixth again, none of the first four
    assert len(seen) == 6 + 6 - 1 + 1  # 10 pages pass the URL filter: 4 before, 6 after, and two twice
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")


def test_pages_without_text_are_in_the_ledger_too(tmp_path):
    write_warc(tmp_path / "x.warc.gz", {"http://a/": ""})
    assert b"<p></p>" in page("")
    curate(Data(sources={"w": Source(address=f"warc:{tmp_path}")}), Curate(workers=1), tmp_path / "out")
    (row,) = rows_of(tmp_path / "out").values()
    assert row.step and row.bytes > 0


KILLED_OFTEN = """
import sys
from pathlib import Path
import smollab.curate.parts as parts
from smollab.curate import curate
from smollab.recipe import Curate, Data, Source
parts.PART_DOCUMENTS = 16
source = Source(address="warc:" + sys.argv[1])
curate(Data(sources={"web": source}), Curate(workers=1), Path(sys.argv[2]))
"""


def test_killed_again_and_again_in_the_middle_of_one_shard(tmp_path):
    write_warc(tmp_path / "web" / "0.warc.gz", {f"http://a/{i}": prose(i, 60) for i in range(200)})
    command = [sys.executable, "-c", KILLED_OFTEN, str(tmp_path / "web")]
    progress = tmp_path / "out" / "work" / "web" / "1" / "00000.progress.json"
    done = [0]
    for _ in range(3):
        process = subprocess.Popen([*command, str(tmp_path / "out")])
        while process.poll() is None:
            documents = json.loads(progress.read_text())["documents"] if progress.exists() else 0
            if documents > done[-1]:
                process.kill()
                done.append(documents)
                break
            time.sleep(0.005)
        process.wait()
    assert len(done) == 4 and done == sorted(set(done)), "the machine was too fast to be interrupted"
    subprocess.run([*command, str(tmp_path / "out")], check=True)
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")
