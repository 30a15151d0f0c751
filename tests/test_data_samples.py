"""The samples are what their manifest says, readable by the tools, and broken where they should be."""

import gzip
import hashlib
import html
import json
import re
import zlib
from collections import Counter
from pathlib import Path

import pymupdf
import pytest

from smollab.recipe import load_recipe

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples"
LANGUAGES = {"en", "fr", "es", "de", "it", "pt", "vi"}
RECIPES = SAMPLES.parent / "smollab" / "recipes"
MAXIMUM_BYTES = 30_000_000
UNLISTED = {"manifest.json", "README.md"}


def manifest() -> dict[str, dict]:
    rows = json.loads((SAMPLES / "manifest.json").read_text(encoding="utf-8"))["files"]
    return {row["path"]: row for row in rows}


FILES = manifest()
WARCS = [path for path in FILES if path.startswith("web/")]
PDFS = [path for path in FILES if path.startswith(("pdf/", "evaluation/")) and path.endswith(".pdf")]


def jsonl(path: str) -> list[dict]:
    return [json.loads(line) for line in (SAMPLES / path).read_text(encoding="utf-8").splitlines()]


def test_manifest_lists_every_file_and_no_other():
    found = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    found = {path for path in found if Path(path).name not in UNLISTED and "__pycache__" not in path}
    assert found == set(FILES)


def test_sizes_and_checksums():
    for path, row in FILES.items():
        data = (SAMPLES / path).read_bytes()
        assert len(data) == row["bytes"], path
        assert hashlib.sha256(data).hexdigest() == row["sha256"], path


def test_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) <= MAXIMUM_BYTES


def test_every_file_has_origin_and_license():
    licensed = {name for path, row in FILES.items() if path.startswith("licenses/") for name in row.get("packages", [])}
    for path, row in FILES.items():
        assert row["origin"] and row["license"], path
        assert set(row.get("packages", [])) <= licensed, f"{path}: a package without a file in licenses/"
        assert row.get("packages") or row["made_by_us"] or path.startswith("licenses/"), path


def test_all_languages_are_there():
    assert {f"web/{language}.warc.gz" for language in LANGUAGES} < set(FILES)
    assert {language for path in PDFS for language in FILES[path]["languages"]} == LANGUAGES


@pytest.mark.parametrize("path", WARCS)
def test_warc_has_the_records_of_the_manifest(path):
    from fastwarc.warc import ArchiveIterator as FastwarcIterator
    from warcio.archiveiterator import ArchiveIterator as WarcioIterator

    expected = [(record["type"], record["uri"]) for record in FILES[path]["records"]]
    assert len(expected) == FILES[path]["record_count"]
    with (SAMPLES / path).open("rb") as stream:
        records = [
            (r.rec_type, r.rec_headers["WARC-Target-URI"] or r.rec_headers["WARC-Filename"])
            for r in WarcioIterator(stream)
        ]
    assert records == expected
    with (SAMPLES / path).open("rb") as stream:
        records = [
            (r.headers["WARC-Type"], r.headers.get("WARC-Target-URI") or r.headers.get("WARC-Filename"))
            for r in FastwarcIterator(stream, parse_http=False)
        ]
    assert records == expected


def test_addresses_are_unique():
    addresses = Counter(record["uri"] for path in WARCS for record in FILES[path]["records"])
    assert [uri for uri, count in addresses.items() if count > 1] == []


def test_duplicates_refer_to_pages_that_are_there():
    addresses = {record["uri"] for path in WARCS for record in FILES[path]["records"]}
    kinds = [record["kind"] for record in FILES["web/noise.warc.gz"]["records"]]
    originals = [kind.partition(" duplicate of ")[2] for kind in kinds if " duplicate of " in kind]
    assert len(originals) >= 20
    assert set(originals) <= addresses


def test_noise_holds_the_kinds_that_filters_need():
    kinds = " ".join(record["kind"] for record in FILES["web/noise.warc.gz"]["records"])
    for kind in ("exact duplicate", "near duplicate", "wrong language", "mixed language", "spam", "soft 404"):
        assert kind in kinds
    made = [record for record in FILES["web/noise.warc.gz"]["records"] if record["kind"].startswith("made by us")]
    assert len(made) >= 40


@pytest.mark.parametrize("path", PDFS)
def test_pdf_opens_and_has_its_pages(path):
    with pymupdf.open(SAMPLES / path) as document:
        assert len(document) == FILES[path]["record_count"]
        text = "".join(page.get_text() for page in document)
    if "scan" in path:
        assert text == ""
        assert (SAMPLES / "pdf" / "gold" / Path(path).with_suffix(".txt").name).stat().st_size > 1000
    else:
        assert len(text) > (500 if path.startswith("evaluation/") else 1000)


def test_text_documents_are_plain_paragraphs():
    for path in (path for path in FILES if path.startswith("text/")):
        text = (SAMPLES / path).read_text(encoding="utf-8")
        assert 2_000 < len(text) < 30_000, path
        assert "\n    " not in text, f"{path}: still wrapped and indented"


def test_code_compiles():
    for path in (path for path in FILES if path.startswith("code/")):
        compile((SAMPLES / path).read_bytes(), path, "exec")


def test_minimal_pairs():
    pairs = jsonl("evaluation/minimal_pairs.jsonl")
    assert all(set(pair) == {"id", "language", "phenomenon", "good", "bad"} for pair in pairs)
    assert all(60 <= count <= 90 for count in Counter(pair["language"] for pair in pairs).values())
    assert {pair["language"] for pair in pairs} == LANGUAGES
    for key in ("id", "good"):
        assert max(Counter(pair[key] for pair in pairs).values()) == 1
    for pair in pairs:
        good, bad = pair["good"], pair["bad"]
        assert good != bad and abs(len(good) - len(bad)) <= 4, pair["id"]
        assert good[-1] == "." == bad[-1] and good[0].isupper() and bad[0].isupper(), pair["id"]
        assert not set("{}[]<>|") & set(good + bad), pair["id"]


def test_extraction_gold_belongs_to_pages():
    pages = {record["uri"] for record in FILES["web/noise.warc.gz"]["records"]}
    for row in jsonl("evaluation/extraction_gold.jsonl"):
        assert row["uri"] in pages
        assert row["language"] in LANGUAGES and len(row["text"]) > 200


def test_quality_scores_are_judgments_of_single_excerpts():
    rows = jsonl("quality/educational_scores.jsonl")
    assert max(Counter(row["id"] for row in rows).values()) == 1
    assert max(Counter(row["text"] for row in rows).values()) == 1
    for row in rows:
        assert row["score"] in range(6) and row.get("second_score", 0) in range(6), row["id"]
        assert row["language"] in LANGUAGES and 10 < len(row["text"]) <= 650, row["id"]
        assert row["license"], row["id"]
        assert row["package"] or "made by us" in row["site"] or row["site"] == "licenses", row["id"]
    card = (SAMPLES / "quality" / "README.md").read_text(encoding="utf-8")
    assert f"{len(rows)} excerpts" in card
    assert "| excerpts | " + " | ".join(str(sum(row["score"] == s for row in rows)) for s in range(6)) in card


def broken(name: str) -> Path:
    return SAMPLES / "broken" / name


@pytest.mark.parametrize("name", ["truncated.warc.gz", "corrupt-member.warc.gz", "not-a-warc.warc.gz"])
def test_broken_warcs_do_not_unpack(name):
    with pytest.raises((EOFError, OSError, zlib.error)):
        gzip.decompress(broken(name).read_bytes())


def test_corrupt_member_lies_between_good_ones():
    data = broken("corrupt-member.warc.gz").read_bytes()
    starts = [start for start in range(len(data)) if data.startswith(b"\x1f\x8b\x08", start)]
    readable = []
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        try:
            readable.append(gzip.decompress(data[start:end]).startswith(b"WARC/1.1"))
        except (EOFError, OSError, zlib.error):
            readable.append(False)
    assert readable == [True, True, False, True]


def test_broken_pdfs():
    with pymupdf.open(broken("encrypted.pdf")) as document:
        assert document.needs_pass
        assert document.authenticate("smollab")
    assert not broken("not-a-pdf.pdf").read_bytes().startswith(b"%PDF")
    assert b"%%EOF" not in broken("truncated.pdf").read_bytes()
    for name in ("zero-bytes.pdf", "zero-bytes.warc.gz"):
        assert broken(name).read_bytes() == b""


@pytest.mark.parametrize("name", ["invalid-utf8.txt", "invalid-utf8.html"])
def test_invalid_utf8_is_invalid(name):
    with pytest.raises(UnicodeDecodeError):
        broken(name).read_text(encoding="utf-8")


def test_extraction_pages_are_halved_and_hold_their_gold_texts():
    rows = jsonl("evaluation/extraction_pages.jsonl")
    assert len(rows) >= 40 and len({(row["kind"], row["name"]) for row in rows}) == len(rows)
    assert Counter(row["split"] for row in rows).most_common() == [("development", 24), ("held-out", 22)]
    for row in rows:
        assert len(row["text"]) > 150 and " *>" not in row["html"], row["name"]
        markup = " ".join(html.unescape(re.sub(r"<[^>]*>|\\n", " ", row["html"])).split())
        words = row["text"].replace("|", " ").split()
        assert sum(word in markup for word in words) > 0.98 * len(words), row["name"]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_no_recipe_trains_on_what_evaluations_read(path):
    for name, source in load_recipe(path).data.sources.items():
        place = (SAMPLES.parent / source.address.partition(":")[2]).resolve()
        assert not (SAMPLES / "evaluation").is_relative_to(place), f"{name}: {source.address} holds the evaluation's"
        assert not place.is_relative_to(SAMPLES / "evaluation"), f"{name}: {source.address}"
