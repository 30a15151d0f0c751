"""Write datatrove_verdicts.json: what datatrove's filters say about texts of the sample pages.

Run in an environment with `pip install "datatrove" "xxhash<4" spacy nltk tldextract ftfy fasteners`:

    python tests/curate/golden/make_datatrove_verdicts.py
"""

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

LANGUAGES = {"en": "eng", "fr": "fra", "de": "deu", "es": "spa", "it": "ita", "pt": "por"}


def judge(filter_, text: str) -> str:
    """Return the reason of the drop, or an empty string."""
    result = filter_.filter(Document(text=text, id="x"))
    return result[1] if isinstance(result, tuple) else ("" if result else "dropped")


def main() -> None:
    """Judge the texts with each filter by itself."""
    verdicts = {}
    for name, language in LANGUAGES.items():
        filters = {
            "gopher_repetition": GopherRepetitionFilter(language=language),
            "gopher_quality": GopherQualityFilter(language=language, min_stop_words=2 if name == "en" else 0),
            "c4_quality": C4QualityFilter(filter_no_terminal_punct=False, language=language),
            "fineweb_quality": FineWebQualityFilter(language=language),
        }
        texts = read_texts(name, every=8 if name == "en" else 12)
        for url, text in texts.items():
            row = {step: judge(filter_, text) for step, filter_ in filters.items()}
            verdicts[url] = {"language": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), **row}
    version = importlib.metadata.version("datatrove")
    origin = f"datatrove {version} with spacy {importlib.metadata.version('spacy')}, made by {Path(__file__).name}"
    report = {"origin": origin, "verdicts": verdicts}
    path = Path(__file__).with_name("datatrove_verdicts.json")
    path.write_text(json.dumps(report, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(len(verdicts), "texts")


if __name__ == "__main__":
    main()
