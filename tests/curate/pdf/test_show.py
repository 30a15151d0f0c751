import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from smollab.cli import main
from smollab.curate.pdf.show import COLORS

from ..making import SAMPLES
from .made import Paper, sentences

CARD = str(SAMPLES / "pdf" / "refcard.en.pdf")


def test_the_text_of_a_file_and_of_some_of_its_pages(capsys):
    assert main(["curate", "pdf", CARD]) == 0
    whole = capsys.readouterr().out
    assert main(["curate", "pdf", CARD, "--pages", "2"]) == 0
    second = capsys.readouterr().out.strip()
    assert second in whole and 100 < len(second) < len(whole)


@pytest.mark.parametrize("pages", ["0", "3-1", "x", "99"])
def test_pages_that_are_not_there_are_named(pages, capsys):
    assert main(["curate", "pdf", CARD, "--pages", pages]) == 1
    assert f"--pages {pages}" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["pymupdf", "pypdfium2"])
def test_pages_are_drawn_with_their_blocks_and_their_text_beside_them(tmp_path, capsys, engine):
    paper = Paper()
    for number in (1, 2):
        paper.new_page()
        paper.text(60, 60, f"{number} Harbors & <b>boats</b>", size=18, font="hebo")
        paper.flow([" ".join(sentences(number, 4))], [(60, 100, 400, 400)])
    (tmp_path / "paper.pdf").write_bytes(paper.tobytes())
    folder = tmp_path / "shown"
    command = ["curate", "pdf", str(tmp_path / "paper.pdf"), "--show", "--to", str(folder), "--engine", engine]
    assert main([*command, "--pages", "2-2"]) == 0
    assert capsys.readouterr().out.strip().endswith("index.html")
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "page-0002.png"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "2 Harbors &amp; &lt;b&gt;boats&lt;/b&gt;" in page and "<b>boats" not in page  # text is never markup
    blocks = re.findall(r'<a data-block="(2-\d+)"', page)
    assert blocks == ["2-1", "2-2"] == re.findall(r'<div data-block="(2-\d+)"', page)
    pixels = np.asarray(Image.open(folder / "page-0002.png"))
    for kind in ("heading", "paragraph"):
        color = [int(COLORS[kind][k : k + 2], 16) for k in (1, 3, 5)]
        assert (np.abs(pixels.astype(int) - color).sum(axis=2) < 12).sum() > 300


def test_memory_does_not_grow_with_the_pages(tmp_path):
    """Both in a process of their own: 210 pages of a real manual cost little more than 60."""
    code = (
        "import resource, sys, pymupdf\n"
        "from smollab.curate.pdf.pymupdf_engine import open_pdf\n"
        "from smollab.curate.pdf.read import read_document\n"
        "raw = open(sys.argv[1], 'rb').read()\n"
        "read = read_document(open_pdf(raw))\n"
        "print(len(read.pages), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    import pymupdf

    peaks = []
    for pages in (60, 210):
        path = tmp_path / f"{pages}.pdf"
        with pymupdf.open() as made, pymupdf.open(SAMPLES / "pdf" / "debian-faq.en.pdf") as manual:
            while len(made) < pages:
                last = min(len(manual), pages - len(made)) - 1
                made.insert_pdf(manual, to_page=last, links=False, annots=False)
            made.save(path)
        run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        read, peak = run.stdout.split()
        assert int(read) == pages
        peaks.append(float(peak))
    per_page = (peaks[1] - peaks[0]) / 150
    assert per_page < 0.2  # MiB; 2,000 pages: less than 500 MiB with the 100 that the libraries take


def test_a_pipe_is_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.pdf")
    assert main(["curate", "pdf", str(tmp_path / "pipe.pdf")]) == 1
    assert "no regular file" in capsys.readouterr().err
