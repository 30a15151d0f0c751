import re

import pymupdf
import pytest

from smollab.curate.pdf.truncation import CERTAIN, CUTS, find_truncation, is_pdf
from smollab.curate.pipeline import curate
from smollab.curate.readers import list_shards, read_shard
from smollab.curate.shards import Report
from smollab.recipe import Curate, Data, RecipeError, Source

from ..making import SAMPLES, pack, page, prose, record


def make_pdf(seed=1, pages=2, **options):
    document = pymupdf.open()
    for number in range(pages):
        document.new_page().insert_textbox((72, 72, 500, 700), prose(seed + number))
    return document.tobytes(**options)


SOUND = [*sorted(SAMPLES.glob("pdf/*.pdf")), SAMPLES / "broken" / "encrypted.pdf"]


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.name)
def test_whole_files_are_whole_and_every_cut_shows(path):
    whole = path.read_bytes()
    assert find_truncation(whole) == ()
    assert find_truncation(whole + b"\r\n\0\0" * 600) == ()
    if whole[: whole.rindex(b"%%EOF")].rstrip().endswith(b"%%EOF"):
        pytest.skip("an appended revision: cut before it, the file is whole")
    for share in (0.1, 0.5, 0.9, 0.999):
        assert find_truncation(whole[: int(len(whole) * share)])
    for missing in (3, 30, 100):
        assert find_truncation(whole[:-missing])


def test_leading_junk_moves_the_offsets():
    whole = make_pdf()
    assert find_truncation(b"junk\n" * 9 + whole) == ()


def test_streams_of_references_and_linearized_files():
    assert find_truncation(make_pdf(use_objstms=1)) == ()
    linearized = b"%PDF-1.7\n1 0 obj\n<</Linearized 1/L 5000/H[1 2]/N 1>>\nendobj\n"
    body = linearized + b"xref\n0 1\ntrailer <<>>\nstartxref\n0\n%%EOF\n"
    ending = b"startxref\n%d\n%%%%EOF\n" % body.index(b"xref")
    whole = body + b"%" * (5000 - len(body) - len(ending)) + ending
    assert find_truncation(whole) == ()
    assert find_truncation(whole[:1500]) == ("shorter than its linearization says", "no %%EOF", "no xref")
    assert find_truncation(body) == ("shorter than its linearization says", "no xref")  # cut just behind an %%EOF


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pdf: pdf.replace(b"%%EOF", b""), "no %%EOF"),
        (lambda pdf: pdf.replace(b"startxref", b"start"), "no startxref"),
        (lambda pdf: re.sub(rb"startxref\s+\d+", b"startxref\n12", pdf), "no xref"),
        (lambda pdf: re.sub(rb"startxref\s+\d+", b"startxref\n999999", pdf), "no xref"),
    ],
)
def test_each_sign_is_named(change, reason):
    assert find_truncation(change(make_pdf())) == (reason,)


@pytest.mark.parametrize("limit", sorted(CUTS))
def test_the_limits_of_commoncrawl(limit):
    pdf = make_pdf(pages=1) + b"%" * (limit + 10)
    assert find_truncation(pdf[:limit])[0] == f"cut at {limit >> 20} MiB"
    assert find_truncation(pdf[: limit - 1])[0] == "no %%EOF"
    whole = b"%PDF-1.7\n%" + b"x" * limit
    whole = whole[: limit - 60] + make_pdf(pages=1)[-60:]
    assert not any(reason.startswith("cut at") for reason in find_truncation(whole))


def test_what_the_record_and_the_server_said_comes_first():
    whole = make_pdf()
    assert find_truncation(whole, "length") == ("declared: length",)
    assert find_truncation(whole, "", len(whole) + 1) == ("shorter than Content-Length",)
    assert find_truncation(whole, "", len(whole)) == find_truncation(whole, "", 10) == ()
    assert all(reason.startswith(CERTAIN) for reason in ("declared: length", "shorter than Content-Length"))


@pytest.mark.parametrize(
    ("body", "url", "types", "answer"),
    [
        (b"%PDF-1.4", "http://a/x", ("text/html",), True),
        (b"junk" * 200 + b"%PDF-1.4", "http://a/x", (), True),
        (b"<html>", "http://a/x.pdf", ("text/html",), False),
        (b"", "http://a/X.PDF?download=1", ("application/octet-stream",), True),
        (b"", "http://a/x?file=y.pdf", ("text/plain",), False),
        (b"<html>", "http://a/x", ("application/pdf",), True),
        (b"<html>", "http://a/x", ("application/octet-stream", "application/pdf"), True),
        (b"", "http://[a/x.pdf", (), False),
    ],
)
def test_what_is_a_pdf(body, url, types, answer):
    assert is_pdf(body, url, *types) is answer


def crawl(tmp_path):
    whole, other = make_pdf(seed=1), make_pdf(seed=50)
    cut = record("http://a/cut.pdf", other[:700], content_type="application/pdf")
    records = [
        record("http://a/page", page(prose(9, 40))),
        record("http://a/whole", whole, content_type="application/octet-stream"),
        cut.replace(b"WARC-Date", b"WARC-Truncated: length\r\nWARC-Date"),
        record("http://a/gone.pdf", b"<html>gone</html>"),
        record("http://a/none.pdf", b"nothing", content_type="application/pdf"),
        record("http://a/missing.pdf", whole, status="404 Not Found"),
        record("http://a/image", b"GIF89a", content_type="image/gif"),
    ]
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(pack(records))
    return path


@pytest.mark.parametrize(
    ("steps", "ids", "skipped"),
    [
        (("extract_html",), ["page", "gone.pdf"], {"content type application/pdf": 3}),
        (("extract_pdf",), ["whole", "cut.pdf", "none.pdf"], {"content type text/html": 2}),
        (("extract_html", "extract_pdf"), ["page", "whole", "cut.pdf", "gone.pdf", "none.pdf"], {}),
    ],
)
def test_a_source_takes_from_a_crawl_what_its_steps_extract(tmp_path, steps, ids, skipped):
    (shard,) = list_shards("crawl", Source(address=f"warc:{crawl(tmp_path)}", steps=steps))
    report = Report()
    assert [d.id.removeprefix("http://a/") for d in read_shard(shard, report)] == ids
    assert report.skipped == skipped | {"HTTP status 404": 1, "content type image/gif": 1}


@pytest.mark.parametrize("steps", [("extract_html", "extract_pdf"), ("extract_pdf", "extract_html")])
def test_pages_and_pdfs_of_one_crawl_are_extracted_and_truncated_ones_counted(tmp_path, steps):
    data = Data(sources={"crawl": Source(address=f"warc:{crawl(tmp_path)}", steps=steps)})
    funnel = curate(data, Curate(workers=1), tmp_path / "out").sources["crawl"]
    drops = {reason: count.documents for step in funnel.steps for reason, count in step.drops.items()}
    assert drops["extract_pdf: truncated by the crawler"] == 1 and drops["extract_pdf: not a PDF"] == 1
    assert funnel.documents_kept == 2  # "gone" is no text


@pytest.mark.parametrize("workers", [1, 2])
def test_files_of_equal_bytes_are_removed_before_any_work(tmp_path, workers):
    one, other = make_pdf(seed=1), make_pdf(seed=50)
    for name, data in {"a/x": one, "a/y": other, "b/z": one, "b/none": b"nothing", "c/none": b"nothing"}.items():
        path = tmp_path / f"{name}.pdf"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    steps = ("byte_dedup", "extract_pdf")
    data = Data(sources={name: Source(address=f"pdf:{tmp_path / name}", steps=steps) for name in "abc"})
    sources = curate(data, Curate(workers=workers), tmp_path / "out").sources
    assert [source.documents_kept for source in sources.values()] == [2, 0, 0]
    first, second = sources["b"].steps
    assert first.name == "byte_dedup" and first.documents_in == 2 and second.documents_in == 1
    (example,) = first.drops["byte_dedup: equal bytes"].examples
    assert (example["id"], example["detail"]) == ("z.pdf", "of x.pdf")
    again = curate(data, Curate(workers=workers), tmp_path / "out").sources  # from the ledger
    assert again == sources


def test_bytes_are_compared_first_or_not_at_all(tmp_path):
    (tmp_path / "x.pdf").write_bytes(make_pdf())
    for steps in (("url", "byte_dedup", "extract_pdf"), ("extract_pdf", "byte_dedup")):
        data = Data(sources={"pdf": Source(address=f"pdf:{tmp_path}", steps=steps)})
        with pytest.raises(RecipeError, match="list it first"):
            curate(data, Curate(workers=1), tmp_path / "out")
