"""Deduplication beside datatrove: MinHash signatures and buckets of the same texts, documents per CPU-second.

    pip install -e ".[bench]"
    python benchmarks/deduplication.py            # about 2 minutes on two cores
    python benchmarks/deduplication.py --pages 40 --rounds 3

Both get the same extracted texts in memory and compute FineWeb's 14 x 8 minima of 5-grams from them, words and all.
Then both compare the same number of documents: datatrove's second and third step (sorted signatures, merged, then
clustered) and our `compare`, each reading and writing its files.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import compare, print_table, save_json

from smollab.curate.dedup import Shards, minhash_dedup
from smollab.curate.dedup.minhash import sign
from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.warc import read_warc
from smollab.documents import Document, write_documents
from smollab.recipe import MinHash

SAMPLES = Path(__file__).parents[1] / "data_samples" / "web"


def read_texts(count: int) -> list[str]:
    """Return texts of English sample pages, evenly drawn."""
    with (SAMPLES / "en.warc.gz").open("rb") as stream:
        pages = [decode_html(r.body, r.charset) for r in read_warc(stream, Counter()) if "html" in r.content_type]
    step = max(1, len(pages) // count)
    return [text for page in pages[::step][:count] if (text := extract_main_text(page))]


class Datatrove:
    """datatrove's side of each comparison; building it imports datatrove."""

    def __init__(self) -> None:
        from datatrove.data import Document as TheirDocument
        from datatrove.pipeline.dedup.minhash import (
            MinhashConfig,
            MinhashDedupBuckets,
            MinhashDedupCluster,
            MinhashDedupSignature,
        )
        from datatrove.utils.hashing import HashConfig

        self.document = TheirDocument
        self.steps = (MinhashDedupSignature, MinhashDedupBuckets, MinhashDedupCluster)
        self.configs = {name: MinhashConfig(hash_config=HashConfig(hash_fc=name)) for name in ("sha1", "xxhash")}
        self.signers = {
            name: MinhashDedupSignature(tempfile.gettempdir(), config) for name, config in self.configs.items()
        }

    def sign(self, texts: list[str], name: str) -> list[Any]:
        """Compute MinHash signatures."""
        signer = self.signers[name]
        shingles = [signer.get_shingles(text) for text in texts]
        return [signer.get_signature(s) for s in shingles if len(s)]

    def write_signatures(self, texts: list[str], folder: Path) -> None:
        """Write the signatures of texts as the first step does."""
        signature, _, _ = self.steps
        with _quiet():
            documents = (self.document(text=text, id=str(number)) for number, text in enumerate(texts))
            signature(str(folder / "signatures"), self.configs["xxhash"]).run(documents)

    def compare(self, folder: Path) -> None:
        """Find equal buckets and cluster them: the second and third step."""
        _, buckets, cluster = self.steps
        config = self.configs["xxhash"]
        with _quiet():
            for bucket in range(14):
                step = buckets(str(folder / "signatures"), str(folder / "buckets"), config=config)
                step.run(rank=bucket, world_size=14)
            cluster(str(folder / "buckets"), str(folder / "removed"), config).run()


def describe(texts: list[str], folder: Path) -> Shards:
    """Write our keys of the texts."""
    documents = [Document(str(number), text, "web", "en") for number, text in enumerate(texts)]
    write_documents(folder / "documents.parquet", documents)
    minhash_dedup(MinHash()).describe(documents, folder / "keys.parquet")
    (folder / "work").mkdir()
    return Shards(
        (folder / "keys.parquet",), ((folder / "documents.parquet",),), (folder / "verdicts",), folder / "work"
    )


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep datatrove's log and progress bars off the screen."""
    from loguru import logger

    logger.disable("datatrove")
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def main() -> int:
    """Run the comparisons, print tables, write benchmarks/results/deduplication.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=80, help="texts per round of signatures")
    parser.add_argument("--compared", type=int, default=8000, help="documents per round of comparisons")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    options = parser.parse_args()
    try:
        peer = Datatrove()
    except ImportError as error:
        print(f"{error}: the peer of this benchmark is missing: pip install smollab[bench]", file=sys.stderr)
        return 2
    texts = read_texts(options.pages)
    signatures: dict[str, Callable[[], Any]] = {
        "datatrove (sha1)": lambda: peer.sign(texts, "sha1"),
        "datatrove (xxhash)": lambda: peer.sign(texts, "xxhash"),
        "smollab": lambda: sign(texts, MinHash()),
    }
    rows = compare(signatures, rounds=options.rounds, unit="docs", amount=len(texts))
    print_table("MinHash signatures", rows)
    with tempfile.TemporaryDirectory() as temporary:
        theirs, ours = Path(temporary) / "datatrove", Path(temporary) / "smollab"
        ours.mkdir()
        # Short texts of the pages' own sentences: what is compared does not depend on their length.
        sentences = [sentence for text in texts for sentence in text.split(". ") if len(sentence.split()) > 12]
        short = [f"{a}. {b}" for a in sentences for b in sentences[:40]][: options.compared]
        peer.write_signatures(short, theirs)
        shards = describe(short, ours)
        step = minhash_dedup(MinHash(pairs=0))
        comparisons = {"datatrove": lambda: peer.compare(theirs), "smollab": lambda: step.compare(shards)}
        compared = compare(comparisons, rounds=options.rounds, unit="docs", amount=len(short))
        print_table("comparison of signatures", compared)
    names = [*(f"signatures: {row.name}" for row in rows), *(f"comparison: {row.name}" for row in compared)]
    size = sum(map(len, texts)) / len(texts)
    print(save_json("deduplication", [*rows, *compared], comparisons=names, characters_per_text=size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
