"""Runs where datatrove is installed, which is the environment of the benchmarks (`make bench`)."""

import gzip
import json

import pytest

from smollab.curate.errors import CurationError
from smollab.recipe import Curate, GopherQuality

from .making import page, prose

pytest.importorskip("datatrove")

STEPS = ("url", "extract_html", "language", "gopher_quality")


def pages():
    texts = {f"http://a.example/{number}": prose(number, 20) for number in range(30)}
    texts |= {"http://a.example/short": "Only a few words.", "http://xvideos.com/1": prose(99, 20)}
    return {url: page(text) for url, text in texts.items()}


def write_pages(folder):
    """Write pages as datatrove's readers give them on: the text is HTML."""
    folder.mkdir()
    rows = [{"id": url, "text": html.decode(), "metadata": {"url": url}} for url, html in pages().items()]
    for number in range(2):
        lines = "".join(json.dumps(row) + "\n" for row in rows[number::2])
        (folder / f"{number}.jsonl").write_text(lines)


def run(folder, steps, settings=None, tasks=1):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    from smollab.curate.datatrove_adapter import SmollabSteps

    write_pages(folder / "in")
    executor = LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(folder / "in")),
            SmollabSteps(steps, settings, exclusion_writer=JsonlWriter(str(folder / "dropped"))),
            JsonlWriter(str(folder / "kept")),
        ],
        tasks=tasks,
        logging_dir=str(folder / "logs"),
    )
    stats = executor.run()
    rows = {}
    for name in ("kept", "dropped"):
        lines = [gzip.decompress(file.read_bytes()).splitlines() for file in sorted((folder / name).glob("*.gz"))]
        rows[name] = [json.loads(line) for group in lines for line in group]
    return rows["kept"], rows["dropped"], json.loads(stats.to_json())


def test_the_same_verdicts_as_in_a_run_of_ours(tmp_path):
    from smollab.curate.steps import make_step
    from smollab.documents import Document, Drop

    kept, dropped, stats = run(tmp_path, STEPS)
    ours_kept, ours_dropped = {}, {}
    for url, html in pages().items():
        document = Document(url, "", "web", metadata={"url": url}, raw=html)
        for name in STEPS:
            document = make_step(name, Curate())(document)
            if isinstance(document, Drop):
                ours_dropped[url] = (document.reason, document.detail)
                break
        else:
            ours_kept[url] = (document.text, document.language)
    assert {r["metadata"]["url"]: (r["text"], r["metadata"]["language"]) for r in kept} == ours_kept
    got = {r["metadata"]["url"]: (r["metadata"]["filter_reason"], r["metadata"]["filter_detail"]) for r in dropped}
    assert got == ours_dropped and len(got) == 2
    ours = next(block["stats"] for block in stats if "smollab" in block["name"])
    counts = {label: value if isinstance(value, int) else value["total"] for label, value in ours.items()}
    assert (counts["total"], counts["forwarded"], counts["dropped"]) == (32, 30, 2)
    assert counts["dropped_url: blocked domain"] == 1
    assert sum(count for label, count in counts.items() if label.startswith("dropped_")) == 2


def test_settings_are_ours_and_steps_on_text_need_no_html(tmp_path):
    kept, dropped, _ = run(tmp_path, ["gopher_quality"], Curate(gopher_quality=GopherQuality(minimum_words=10**6)))
    assert kept == [] and {row["metadata"]["filter_reason"] for row in dropped} == {"gopher_quality: too few words"}


def test_an_odd_document_ends_nothing():
    from datatrove.data import Document

    from smollab.curate.datatrove_adapter import SmollabSteps

    odd = [Document("", "a"), Document("\ud800", "b"), Document("x" * 10**6, "c", metadata={"url": 7})]
    step = SmollabSteps(["url", "extract_html", "language"])
    assert list(step.run(odd)) == []
    assert sum(stat.total for name, stat in step.stats.stats.items() if name.startswith("dropped_")) == 3


def test_global_steps_are_refused():
    from smollab.curate.datatrove_adapter import SmollabSteps

    with pytest.raises(CurationError, match="'minhash_dedup' is no local step"):
        SmollabSteps(["minhash_dedup"])


def test_it_travels_to_other_processes(tmp_path):
    kept, dropped, _ = run(tmp_path, STEPS, tasks=2)
    assert (len(kept), len(dropped)) == (30, 2)
