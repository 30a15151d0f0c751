"""Real near-duplicates: sample pages that resemble one another, edited copies, and how alike any two really are."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from smollab.curate.dedup import Shards, minhash_dedup
from smollab.curate.dedup.minhash import sign
from smollab.curate.dedup.shingles import hash_shingles, normalize
from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.warc import read_warc
from smollab.documents import Document, Drop, write_documents
from smollab.recipe import MinHash, resolve_place

__all__ = ["Collection", "deduplicate", "edit", "load_near_duplicates", "shingle_sets", "similarity_matrix"]

SAMPLES = "data_samples/web"
MINIMUM_CHARACTERS = 400
MAXIMUM_CHARACTERS = 30_000
COMMON = 40
"""A shingle of more pages than this is a menu or a license, and makes no page a candidate."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Collection:
    """Texts of which some resemble others.

    What panels ask for again and again is kept: the sets of shingles and the minima of each n.
    """

    names: tuple[str, ...]
    """URL of each page; edited copies add how much was exchanged."""
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def __hash__(self) -> int:
        return hash(self.names)

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All pairs, as two columns of places."""
        return np.triu_indices(len(self), 1)

    @lru_cache(maxsize=12)  # noqa: B019 - there are few collections, and each is asked for the same few n
    def similarities(self, n: int) -> NDArray[np.float64]:
        """Return the exact Jaccard similarity of every pair, for shingles of n words."""
        return similarity_matrix(shingle_sets(self.texts, n))[self.pairs]

    @lru_cache(maxsize=12)  # noqa: B019
    def minima(self, n: int, count: int, seed: int = 1) -> NDArray[np.uint32]:
        """Return `count` minima of every text."""
        return sign(self.texts, MinHash(n_gram=n, buckets=count, hashes_per_bucket=1, seed=seed))

    def agreeing_buckets(self, settings: MinHash, most: int = 0) -> NDArray[np.int64]:
        """Return for every pair in how many buckets all minima agree.

        Args:
            settings: n-gram, buckets, hashes per bucket, seed.
            most: minima to compute and keep for later questions with more of them.
        """
        count = settings.buckets * settings.hashes_per_bucket
        minima = self.minima(settings.n_gram, max(count, most), settings.seed)[:, :count]
        rows = minima.reshape(len(self), settings.buckets, settings.hashes_per_bucket)
        first, second = self.pairs
        agreeing = np.zeros(len(first), dtype=np.int64)
        for bucket in range(settings.buckets):
            _, number = np.unique(rows[:, bucket], axis=0, return_inverse=True)
            number = number.reshape(-1)
            agreeing += number[first] == number[second]
        return agreeing


def load_near_duplicates(
    files: Sequence[str] = ("en", "noise", "vi"), pages: int = 110, edited: int = 25, seed: int = 0
) -> Collection:
    """Load sample pages that resemble other pages, and edited copies of some.

    The pages are near-duplicates as they come: a mirror, manuals whose translation is unfinished, help pages of one
    program that were made from those of another. The copies have sentences exchanged for those of other pages, from
    none to most, so that every degree of similarity is there.

    Args:
        files: names of shards in `data_samples/web`.
        pages: at most so many.
        edited: copies.
        seed: of the edits.
    """
    names, texts = _read_pages(files)
    alike = _alike(shingle_sets(texts, 5))
    chosen: list[int] = []
    for _, a, b in alike:
        chosen += [place for place in (a, b) if place not in chosen]
        if len(chosen) >= pages:
            break
    rng = random.Random(seed)
    rest = [place for place in range(len(texts)) if place not in set(chosen) and len(texts[place]) > 2000]
    foreign = [sentence for place in rng.sample(rest, min(60, len(rest))) for sentence in _sentences(texts[place])]
    for number, place in enumerate(rng.sample(rest, min(edited, len(rest)))):
        share = 0.5 * number / max(edited - 1, 1)
        names.append(f"{names[place]} ({share:.0%} exchanged)")
        texts.append(edit(texts[place], share, foreign, rng))
        chosen += [place, len(texts) - 1]
    return Collection(tuple(names[place] for place in chosen), tuple(texts[place] for place in chosen))


def edit(text: str, share: float, foreign: Sequence[str], rng: random.Random) -> str:
    """Return a text with a share of its sentences exchanged for foreign ones."""
    sentences = _sentences(text)
    for place in rng.sample(range(len(sentences)), round(share * len(sentences))):
        sentences[place] = rng.choice(foreign)
    return " ".join(sentences)


def deduplicate(documents: Sequence[Document], settings: MinHash) -> list[Document | Drop]:
    """Run the pipeline's own step over a few documents: for each, itself or its drop."""
    step = minhash_dedup(settings)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shards = Shards((folder / "keys",), ((folder / "documents",),), (folder / "verdicts",), folder)
        write_documents(folder / "documents", documents)
        step.describe(documents, folder / "keys")
        step.compare(shards)
        return [after for _, after in step.carry_out(folder / "verdicts", documents)]


def shingle_sets(texts: Sequence[str], n: int) -> list[NDArray[np.uint64]]:
    """Return the set of shingles of each text, as sorted hashes."""
    return [np.unique(hash_shingles(normalize(text), n)) for text in texts]


def similarity_matrix(sets: Sequence[NDArray[np.uint64]]) -> NDArray[np.float64]:
    """Return the exact Jaccard similarity of each set with each: N x N numbers, for a few hundred sets."""
    sizes = np.array([len(s) for s in sets])
    members = np.repeat(np.arange(len(sets)), sizes)
    _, numbers = np.unique(np.concatenate(sets), return_inverse=True)
    both = np.zeros((len(sets), len(sets)))
    step = 20_000  # shingles at a time: the whole table of who has which would be large
    for start in range(0, int(numbers.max(initial=-1)) + 1, step):
        here = (numbers >= start) & (numbers < start + step)
        table = np.zeros((len(sets), step), dtype=np.float32)
        table[members[here], numbers[here] - start] = 1
        both += table @ table.T
    either = sizes[:, None] + sizes[None, :] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _alike(sets: Sequence[NDArray[np.uint64]], minimum: float = 0.15) -> list[tuple[float, int, int]]:
    """Return pairs of sets that resemble each other, the most similar first, among sets too many for a matrix."""
    members = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    everything = np.concatenate(sets)
    order = np.argsort(everything, kind="stable")
    values, members = everything[order], members[order]
    borders = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    common: Counter[tuple[int, int]] = Counter()
    for start, end in pairwise(borders):
        if 1 < end - start <= COMMON:
            common.update(combinations(members[start:end].tolist(), 2))
    pairs = []
    for (a, b), count in common.items():
        if count >= minimum * max(len(sets[a]), len(sets[b])) * 0.5:
            both = len(np.intersect1d(sets[a], sets[b], assume_unique=True))
            pairs.append((both / (len(sets[a]) + len(sets[b]) - both), a, b))
    return sorted((pair for pair in pairs if pair[0] >= minimum), key=lambda pair: (-pair[0], pair[1:]))


def _read_pages(files: Sequence[str]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    texts: list[str] = []
    for file in files:
        with resolve_place(f"{SAMPLES}/{file}.warc.gz").open("rb") as stream:
            for record in read_warc(stream, Counter()):
                if "html" not in record.content_type:
                    continue
                text = extract_main_text(decode_html(record.body, record.charset))
                if MINIMUM_CHARACTERS <= len(text) <= MAXIMUM_CHARACTERS:
                    names.append(record.url)
                    texts.append(text)
    return names, texts


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence]
