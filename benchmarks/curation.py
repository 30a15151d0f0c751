"""Curation beside datatrove: the same work on the same pages, documents per CPU-second.

    pip install -e ".[bench]"
    python benchmarks/curation.py            # about 5 minutes on two cores
    python benchmarks/curation.py --texts 40 --rounds 3

Each comparison gives both contenders the same texts in memory; `extraction.py` measures what makes
them. The rules are FineWeb's four filters in a chain that stops at the first failing one; ours are also run as
the pipeline runs them, with every rule measured for the ledger whatever fails. The longer chain is all that
FineWeb does to one document after extraction. Every round has other texts, the same for all contenders: both sides
remember words, and a corpus brings known and unknown ones.
"""

import argparse
import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from harness import Row, compare, print_table, save_json

from smollab.curate.dedup.minhash import bucket_keys
from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.language import lid_176_file
from smollab.curate.pii import mask_pii
from smollab.curate.rules import Filter
from smollab.curate.steps import make_step
from smollab.curate.warc import read_warc
from smollab.documents import Document, Drop
from smollab.recipe import Curate, Language, MinHash

SAMPLES = Path(__file__).parents[1] / "data_samples" / "web"


def read_pages() -> list[str]:
    """Return the English sample pages, in an order without meaning."""
    with (SAMPLES / "en.warc.gz").open("rb") as stream:
        pages = [decode_html(r.body, r.charset) for r in read_warc(stream, Counter()) if "html" in r.content_type]
    random.Random(1).shuffle(pages)
    return pages


class Smollab:
    """Our side: the steps as the pipeline builds them."""

    def __init__(self) -> None:
        settings = Curate(language=Language(languages=("en",)))
        names = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
        self.filters = [cast(Filter, make_step(name, settings)) for name in names]
        self.chain_filters = [cast(Filter, make_step("language", settings)), *self.filters]

    def rules(self, texts: list[str]) -> list[bool]:
        """Judge texts by the four filters, stopping at the first rule that fails; True for kept."""
        return [self._pass(Document("id", text, "web", "en"), self.filters) is not None for text in texts]

    def ledger(self, texts: list[str]) -> list[bool]:
        """Measure every rule of the four filters on every text, then judge; True for kept."""
        return [self._measure(Document("id", text, "web", "en"), self.filters) is not None for text in texts]

    def chain(self, texts: list[str]) -> int:
        """Pass texts through all that follows extraction, with every rule measured; return how many stay."""
        documents = (self._measure(Document("id", text, "web"), self.chain_filters) for text in texts)
        kept = [document for document in documents if document is not None]
        bucket_keys(kept, MinHash())
        return len([mask_pii(document) for document in kept])

    def mask(self, texts: list[str]) -> list[Document]:
        """Mask personal data."""
        return [mask_pii(Document("id", text, "web", "en")) for text in texts]

    def _pass(self, document: Document, filters: list[Filter]) -> Document | None:
        for filter_ in filters:
            result = filter_(document)
            if isinstance(result, Drop):
                return None
            document = result
        return document

    def _measure(self, document: Document, filters: list[Filter]) -> Document | None:
        kept = True
        for filter_ in filters:
            document, values = filter_.measure(document)
            kept = kept and filter_.judge(values, document.language) is None
        return document if kept else None


class Datatrove:
    """datatrove's side of each comparison; building it imports datatrove."""

    def __init__(self) -> None:
        import fasttext
        from datatrove.data import Document as TheirDocument
        from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
        from datatrove.pipeline.filters import (
            C4QualityFilter,
            FineWebQualityFilter,
            GopherQualityFilter,
            GopherRepetitionFilter,
        )
        from datatrove.pipeline.formatters import PIIFormatter

        self.document = TheirDocument
        self.filters = [
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
        ]
        # Theirs would be downloaded; this is the same model, compressed, as on our side.
        self.language = fasttext.load_model(str(lid_176_file()))
        self.signature = MinhashDedupSignature(tempfile.gettempdir(), MinhashConfig())
        self.pii = PIIFormatter()

    def rules(self, texts: list[str]) -> list[bool]:
        """Judge texts by datatrove's filters; True for kept."""
        return [self._pass(self.document(text=text, id="id"), self.filters) for text in texts]

    def chain(self, texts: list[str]) -> int:
        """Pass texts through all that follows extraction; return how many stay."""
        documents = [self.document(text=text, id="id") for text in texts]
        kept = [d for d in documents if self._is_english(d.text) and self._pass(d, self.filters)]
        for document in kept:
            shingles = self.signature.get_shingles(document.text)
            if len(shingles):
                self.signature.get_signature(shingles)
        return len([self.pii.format(document.text) for document in kept])

    def mask(self, texts: list[str]) -> list[str]:
        """Mask personal data."""
        return [self.pii.format(text) for text in texts]

    def _is_english(self, text: str) -> bool:
        """As its LanguageFilter does: all labels of the whole text."""
        labels, scores = self.language.predict(text.replace("\n", " "), k=-1)
        return dict(zip(labels, scores, strict=True)).get("__label__en", 0.0) > 0.65

    def _pass(self, document: Any, filters: list[Any]) -> bool:
        return all(filter_.filter(document) is True for filter_ in filters)


def main() -> int:
    """Run all comparisons, print tables, write benchmarks/results/curation.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=80, help="texts per round")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    options = parser.parse_args()
    try:
        peer = Datatrove()
    except ImportError as error:
        print(f"{error}: the peer of this benchmark is missing: pip install smollab[bench]", file=sys.stderr)
        return 2
    texts = [text for page in read_pages() if (text := extract_main_text(page))]
    batches = [texts[start : start + options.texts] for start in range(0, len(texts), options.texts)]
    batches = [batch for batch in batches if len(batch) == options.texts]
    if not batches:
        print(f"--texts {options.texts}: there are only {len(texts)}", file=sys.stderr)
        return 2

    def in_turn(work: Callable[[list[str]], Any]) -> Callable[[], Any]:
        """Give a contender the batches one after the other."""
        turn = itertools.cycle(batches)
        return lambda: work(next(turn))

    ours = Smollab()
    comparisons: dict[str, tuple[float, dict[str, Callable[[], Any]]]] = {
        "rules": (
            options.texts,
            {
                "datatrove": in_turn(peer.rules),
                "smollab": in_turn(ours.rules),
                "smollab, every rule measured": in_turn(ours.ledger),
            },
        ),
        "language, rules, signatures, personal data": (
            options.texts,
            {"datatrove": in_turn(peer.chain), "smollab, every rule measured": in_turn(ours.chain)},
        ),
        "personal data": (options.texts, {"datatrove": in_turn(peer.mask), "smollab": in_turn(ours.mask)}),
    }
    rows: dict[str, list[Row]] = {}
    for name, (amount, contenders) in comparisons.items():
        rows[name] = compare(contenders, rounds=options.rounds, unit="docs", amount=amount)
        print_table(name, rows[name])
    mine, theirs = ours.rules(texts), peer.rules(texts)
    same = sum(a == b for a, b in zip(mine, theirs, strict=True))
    print(f"rules: {same} of {len(texts)} verdicts are the same ({sum(mine)} kept by us, {sum(theirs)} by datatrove)")
    size = {"characters_per_text": sum(map(len, texts)) / len(texts)}
    everything = [row for name in rows for row in rows[name]]
    names = [f"{name}: {row.name}" for name in rows for row in rows[name]]
    print(save_json("curation", everything, comparisons=names, same_verdicts=same, texts=len(texts), **size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
