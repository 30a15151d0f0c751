"""OCR of scanned pages: Tesseract (ours, `smollab[ocr]`) and RapidOCR (models in its wheel), by word F1 and CPU time.

    python benchmarks/ocr.py

A page in each of seven languages; needs tesserocr with its language data, and rapidocr. Each page is a real one,
rendered, turned, blurred and made noisy (`scripts/samples/made_scans.py`); its embedded text is the gold. Both see the
same picture of 200 dpi, one thread each, and Tesseract is told the language.
"""

import argparse
import io
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_THREAD_LIMIT", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "scripts"))
DPI = 200
PAGES = {language: (f"project-history.{language}", 10) for language in ("en", "fr", "es", "de", "it", "pt")}
PAGES["vi"] = ("install.vi", 10)


def main() -> None:
    import numpy as np
    import pymupdf
    from samples import made_scans

    from smollab.curate.pdf.ocr import missing

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    try:
        rapid = _rapidocr()
    except ImportError as error:
        sys.exit(f"{error}: a peer of this benchmark is missing: pip install smollab[bench]")
    if problem := missing(tuple(PAGES)):
        print(f"not measured: {problem}")
        return
    scores: dict[str, list[float]] = {"tesseract": [], "rapidocr": []}
    ratios = []
    print("| language | Tesseract F1 | RapidOCR F1 | CPU, RapidOCR / Tesseract |\n|---|---|---|---|")
    for k, (language, (name, number)) in enumerate(PAGES.items()):
        with pymupdf.open(REPOSITORY / "data_samples" / "pdf" / f"{name}.pdf") as document:
            page = document[number - 1]
            gold = page.get_text()
            image = made_scans.photograph(page, np.random.default_rng(k), DPI)
        found, seconds = {}, {}
        for reader, read in (("tesseract", lambda im, lang=language: _tesseract(im, lang)), ("rapidocr", rapid)):
            start = time.process_time()
            found[reader] = read(image)
            seconds[reader] = time.process_time() - start
            scores[reader].append(word_f1(found[reader], gold))
        ratios.append(seconds["rapidocr"] / seconds["tesseract"])
        print(
            f"| {language} | {scores['tesseract'][-1]:.3f} | {scores['rapidocr'][-1]:.3f} | {ratios[-1]:.1f} |",
            flush=True,
        )
    means = {reader: statistics.mean(values) for reader, values in scores.items()}
    print(
        f"| mean; median ratio | {means['tesseract']:.3f} | {means['rapidocr']:.3f} | {statistics.median(ratios):.1f} |"
    )


def word_f1(text: str, gold: str) -> float:
    """F1 over the bag of lower-case words."""
    found, wanted = (Counter(re.findall(r"\w+", part.lower())) for part in (text, gold))
    return 2 * (found & wanted).total() / max(found.total() + wanted.total(), 1)


def _tesseract(image, language: str) -> str:
    from smollab.curate.pdf.ocr import Ocr
    from smollab.curate.pdf.page import Page

    buffer = io.BytesIO()
    image.save(buffer, "PNG")

    class File:
        def draw(self, number: int, pixels_per_point: float) -> bytes:
            return buffer.getvalue()

    page = Page(1, image.width * 72 / DPI, image.height * 72 / DPI)
    return "\n".join(line.text for line in Ocr((language,)).read(page, File()))


def _rapidocr() -> Callable:
    import numpy as np
    from rapidocr import RapidOCR

    read = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1, "Global.log_level": "error"})
    return lambda image: "\n".join(read(np.asarray(image.convert("RGB"))).txts or ())


if __name__ == "__main__":
    main()
