"""Write datatrove_verdicts.json.gz: what datatrove's filters say about texts of the sample pages.

Run in an environment with `pip install "datatrove" "xxhash<4" spacy nltk tldextract ftfy fasteners`:

    python tests/curate/golden/make_datatrove_verdicts.py
"""

import gzip
import hashlib
import importlib.metadata
import json
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from plain_text import read_texts

LANGUAGES = {"en": "eng", "noise": "eng", "fr": "fra", "de": "deu", "es": "spa", "it": "ita", "pt": "por"}


def judge(filter_, text: str) -> str:
    """Return the reason of the drop, or an empty string."""
    result = filter_.filter(Document(text=text, id="x"))
    return result[1] if isinstance(result, tuple) else ("" if result else "dropped")


def main() -> None:
    """Judge the texts with each filter by itself."""
    verdicts: dict[str, list[str]] = {}
    for name, language in LANGUAGES.items():
        filters = (
            GopherRepetitionFilter(language=language),
            GopherQualityFilter(language=language, min_stop_words=2 if name in ("en", "noise") else 0),
            C4QualityFilter(filter_no_terminal_punct=False, language=language),
            FineWebQualityFilter(language=language),
        )
        for url, text in read_texts(name, every=1).items():
            if not text:
                continue  # datatrove divides by zero
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            verdicts[url] = [name, digest, *(judge(filter_, text) for filter_ in filters)]
    version = importlib.metadata.version("datatrove")
    origin = f"datatrove {version} with spacy {importlib.metadata.version('spacy')}, made by {Path(__file__).name}"
    steps = ["gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality"]
    report = {"origin": origin, "columns": ["file", "sha256", *steps], "verdicts": verdicts}
    path = Path(__file__).with_name("datatrove_verdicts.json.gz")
    lines = json.dumps(report, ensure_ascii=False, indent=0).encode()
    path.write_bytes(gzip.compress(lines, mtime=0))
    print(len(verdicts), "texts")


if __name__ == "__main__":
    main()
