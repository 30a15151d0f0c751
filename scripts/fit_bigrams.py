"""Count the pairs of letters by which garbled PDF pages are told: smollab/curate/pdf/bigrams.npz.

    python scripts/fit_bigrams.py

From data_samples/: the web pages of all languages as the extractor reads them, equally many characters of each, and
the Jargon File. Vietnamese counts without its diacritics, as everywhere in the model.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.pdf.garbled import MODEL, fit_bigrams
from smollab.curate.warc import read_warc

SAMPLES = Path(__file__).parents[1] / "data_samples"
LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "vi")
CHARACTERS = 400_000
"""Of each language."""


def main() -> None:
    """Fit and save the model."""
    texts = [text for language in LANGUAGES for text in read_language(language)]
    np.savez_compressed(MODEL, log_probability=fit_bigrams(texts))
    print(f"{sum(map(len, texts))} characters -> {MODEL.name}")


def read_language(language: str) -> Iterator[str]:
    """Yield main texts of a language until there are enough."""
    total = 0
    with (SAMPLES / "web" / f"{language}.warc.gz").open("rb") as stream:
        for record in read_warc(stream, Counter()):
            if "html" in record.content_type and total < CHARACTERS:
                text = extract_main_text(decode_html(record.body, record.charset))
                total += len(text)
                yield text


if __name__ == "__main__":
    main()
