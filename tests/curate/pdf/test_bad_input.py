"""Broken and hostile PDF files, against both engines: each gives text or a reason, and costs no other file anything."""

import socket
import subprocess
import sys
import time
from collections import Counter

import pypdfium2
import pytest

from smollab.curate.budget import CpuTimeExceeded
from smollab.curate.pdf import extract_pdf, watchdog
from smollab.curate.pdf import reader as reader_module
from smollab.curate.pdf.reader import PdfReader, reader
from smollab.curate.pdf.watchdog import Watchdog
from smollab.curate.pipeline import curate
from smollab.documents import Document, Drop
from smollab.recipe import Curate, Data, ExtractPdf, Source

from ..making import SAMPLES
from .bad_pdfs import BOMBS, HARMLESS, HOSTILE, SOUND, many_pages, with_catalog

ENGINES = ("pymupdf", "pypdfium2")
REASONS = {"corrupt", "truncated", "not a PDF", "encrypted", "no pages", "needs OCR"}
REASONS |= {"out of memory", "took too long", "crashed"}
TEXT = "The gardener described the broken clock"


def settings_of(engine, **more):
    return ExtractPdf(**{"engine": engine, "cpu_seconds": 8, "memory_mb": 1500, **more})


def extract(raw, settings):
    return extract_pdf(Document("x.pdf", "", "pdf", raw=raw), settings)


@pytest.fixture(autouse=True, scope="module")
def end_readers():
    yield
    for engine in ENGINES:
        reader(settings_of(engine)).close()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_none_of_our_business_does_no_harm(engine):
    without_text = []
    for name, make in HARMLESS.items():
        result = extract(make(), settings_of(engine))
        if isinstance(result, Drop) or not result.text.startswith(TEXT):
            without_text.append(name)
        if isinstance(result, Document):
            assert "secret" not in result.text and "alert" not in result.text
    # A font that cannot be read leaves letters without a width, and engines differ in what they make of them.
    assert all("font" in name or "Type" in name or "CFF" in name for name in without_text), without_text


@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_files_give_text_or_a_reason_and_the_next_file_is_read(engine):
    settings = settings_of(engine)
    reasons = {}
    for name, make in HOSTILE.items():
        result = extract(make(), settings)
        if isinstance(result, Drop):
            reasons[name] = result.reason.removeprefix("extract_pdf: ")
        next_ = extract(SOUND, settings)
        assert isinstance(next_, Document) and next_.text.startswith(TEXT), name
    assert set(reasons.values()) <= REASONS, reasons
    assert not [name for name, reason in reasons.items() if reason == "crashed"]
    assert reasons["noise"] == reasons["header only"] == reasons["zeros"] == "truncated"
    assert reasons["catalog missing"] in ("no pages", "corrupt")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_at_the_limits(engine, name):
    settings = settings_of(engine, cpu_seconds=1, memory_mb=700)
    one = PdfReader(settings)
    try:
        problem = one.ask(BOMBS[name]()).get("problem", "")
        assert problem.partition(":")[0] in ("took too long", "out of memory", "crashed", "corrupt", "no pages"), (
            problem
        )
        assert one.ask(SOUND)["text"].startswith(TEXT)
    finally:
        one.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_too_many_pages_and_too_much_text(engine):
    raw = many_pages(10_000)
    drop = extract(raw, settings_of(engine, maximum_pages=9_999))
    assert drop == Drop("extract_pdf: too many pages", "10000 > 9999")
    drop = extract(SOUND, settings_of(engine, maximum_characters=100))
    assert drop == Drop("extract_pdf: too much text", "more than 100 characters")


@pytest.mark.parametrize("engine", ENGINES)
def test_files_cut_at_many_points(engine):
    whole = (SAMPLES / "pdf" / "refcard.en.pdf").read_bytes()
    settings = settings_of(engine)
    results = [extract(whole[: len(whole) * part // 16], settings) for part in range(17)]
    assert isinstance(results[16], Document)
    reasons = {r.reason.removeprefix("extract_pdf: ") for r in results if isinstance(r, Drop)}
    assert reasons <= REASONS - {"crashed"}, reasons


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_run_and_nobody_is_called(engine, tmp_path):
    marker = tmp_path / "launched"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        script = f"(app.launchURL\\('{address}'\\); this.submitForm\\('{address}'\\);)"
        for action in (
            f"<< /S /Launch /F (/usr/bin/touch) /Win << /F (/usr/bin/touch) /P ({marker}) >> >>",
            f"<< /S /URI /URI ({address}) >>",
            f"<< /S /SubmitForm /F << /FS /URL /F ({address}) >> /Fields [] >>",
            f"<< /S /ImportData /F << /FS /URL /F ({address}) >> >>",
            f"<< /S /JavaScript /JS {script} >>",
        ):
            raw = with_catalog(f"/OpenAction {action} /AA << /WC {action} >>".encode())
            assert extract(raw, settings_of(engine)).text.startswith(TEXT)
        with pytest.raises(TimeoutError):
            server.accept()
    assert not marker.exists()
    assert "V8" not in pypdfium2.PDFIUM_INFO.flags


def test_the_reason_does_not_depend_on_the_file_before():
    one = PdfReader(settings_of("pypdfium2"))
    encrypted = (SAMPLES / "broken" / "encrypted.pdf").read_bytes()
    alone = one.ask(HOSTILE["tree exploding"]())
    assert one.ask(encrypted) == {"problem": "encrypted"}
    again = one.ask(HOSTILE["tree exploding"]())
    one.close()
    assert alone["problem"].partition(":")[0] == again["problem"].partition(":")[0] == "corrupt"


MISBEHAVIOR = """
import ctypes, os, signal, struct, sys, time, types
engine = types.ModuleType("smollab.curate.pdf.pymupdf_engine")
def answer(data):
    for fd in range(3, 20):  # whichever the answers go to
        try:
            os.write(fd, data)
        except OSError:
            pass
asked = []
def open_pdf(pdf):
    asked.append(pdf)
    word = pdf[5:].decode()
    if word == "exit": os._exit(3)
    if word == "abort": os.abort()
    if word == "fault": ctypes.string_at(0)
    if word == "killed": os.kill(os.getpid(), signal.SIGKILL)
    if word == "quit": sys.exit(0)
    if word == "memory": raise MemoryError
    if word == "endless":
        while True: pass
    if word == "hang": time.sleep(10**6)
    if word == "half": answer(struct.pack(">Q", 1000) + b"{"); os._exit(0)
    if word == "nonsense": answer(struct.pack(">Q", 9) + b"[[[[[[[[["); time.sleep(10**6)
    if word == "huge": answer(struct.pack(">Q", 2**60)); time.sleep(10**6)
    if word == "deep": raise RecursionError
    if word == "second" and len(asked) > 1: os.abort()
    raise ValueError("fine")
engine.open_pdf = open_pdf
sys.modules["smollab.curate.pdf.pymupdf_engine"] = engine
# What is not needed here would be loaded again by each new child.
sys.modules["smollab.curate.pdf.read"] = types.ModuleType("read")
sys.modules["smollab.curate.pdf.read"].read_document = None
"""


@pytest.fixture
def misbehaving(tmp_path, monkeypatch):
    """A reader whose child does what the file says."""
    (tmp_path / "sitecustomize.py").write_text(MISBEHAVIOR)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    one = PdfReader(ExtractPdf(cpu_seconds=1))
    yield one
    one.close(wait_s=0)


ENDS = {
    "exit": "crashed: the reader ended with status 3",
    "abort": "crashed: the reader ended with signal SIGABRT",
    "fault": "crashed: the reader ended with signal SIGSEGV",
    "killed": "crashed: the reader ended with signal SIGKILL",
    "quit": "crashed: the reader ended with status 0",
    "endless": "took too long: more than 1 CPU seconds",
    "half": "crashed: the reader ended with status 0",
    "huge": "crashed: the reader ended with signal SIGKILL",
    "memory": "out of memory",
    "deep": "internal error: RecursionError",
    "nonsense": "crashed: the reader answered nonsense",
    "fine": "internal error: ValueError",
}
"""What a file makes of the child -> how the parent tells it."""


def test_the_parent_outlives_its_child(misbehaving, monkeypatch):
    monkeypatch.setattr(reader_module, "END_S", 5.0)
    problems = {word: misbehaving.ask(b"%PDF-" + word.encode())["problem"] for word in ENDS}
    assert {word: problem.partition(" at ")[0] for word, problem in problems.items()} == ENDS
    assert problems["fine"].endswith(": fine; please report this file")


def test_a_hang_that_burns_no_cpu_ends(misbehaving, monkeypatch):
    monkeypatch.setattr(watchdog, "STILL_S", 0.5)
    misbehaving.ask(b"%PDF-fine")
    hung = misbehaving.ask(b"%PDF-hang")
    assert hung == {"problem": "took too long: it hung, without using any CPU time"}


def test_who_gets_cpu_time_now_and_then_is_left_alone(monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(watchdog, "cpu_ticks_of", lambda pid: next(ticks))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    try:
        with Watchdog(child, still_s=0.1) as dog:
            time.sleep(1.0)
        assert not dog.bit and child.poll() is None
        monkeypatch.setattr(watchdog, "cpu_ticks_of", lambda pid: 7)
        with Watchdog(child, still_s=0.1) as dog:
            child.wait(60)
        assert dog.bit
    finally:
        child.kill()
        child.wait()


def test_a_crash_is_not_blamed_on_the_neighbor_of_its_cause(misbehaving):
    first, second = (misbehaving.ask(b"%PDF-" + word)["problem"] for word in (b"fine", b"second"))
    assert first == second and first.startswith("internal error: ValueError")  # the second in a child of its own


def test_a_limit_that_strikes_while_the_child_works_leaves_no_answer_behind(misbehaving, monkeypatch):
    read = reader_module.read_message

    def strike(*arguments):
        monkeypatch.setattr(reader_module, "read_message", read)
        raise CpuTimeExceeded("now")

    monkeypatch.setattr(reader_module, "read_message", strike)
    with pytest.raises(CpuTimeExceeded):
        misbehaving.ask(b"%PDF-fine")
    assert misbehaving._child is None
    assert misbehaving.ask(b"%PDF-memory") == {"problem": "out of memory"}


def test_a_shard_of_bad_files_ends_with_every_one_counted(tmp_path):
    folder = tmp_path / "pdfs"
    folder.mkdir()
    names = ("noise", "no pages", "catalog missing", "box 1e9", "tree its own kid", "claims -5 pages", "box NaN")
    for number, name in enumerate(names):
        (folder / f"{number}.pdf").write_bytes(HOSTILE[name]())
    (folder / "page.pdf").write_bytes(b"<html>wrong extension</html>")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "sound.pdf").write_bytes(SOUND)
    data = Data(sources={"pdf": Source(address=f"pdf:{folder}", steps=("extract_pdf",))})
    source = curate(data, Curate(workers=1), tmp_path / "out").sources["pdf"]
    drops = Counter({reason: count.documents for reason, count in source.steps[0].drops.items()})
    assert source.documents_kept + drops.total() + sum(sum(p.values()) for p in source.problems.values()) == 10
    assert drops["extract_pdf: not a PDF"] == 1 and source.problems == {"empty.pdf": {"empty file": 1}}
    assert source.documents_kept >= 2
