"""The panel, the checks and the collection of notebook 1.5."""

import random

import numpy as np
import pytest

from smollab.documents import Document, Drop
from smollab.lab.checks import deduplication
from smollab.lab.near_duplicates import Collection, deduplicate, edit, load_near_duplicates
from smollab.lab.panels import DeduplicationPanel
from smollab.recipe import MinHash

VOCABULARY = "the a old new boat house captain river mountain letter carried forgot painted slowly early late"
WORDS = VOCABULARY.split()


def make_text(seed, length=160):
    return ". ".join(" ".join(random.Random(f"{seed}{i}").choices(WORDS, k=8)) for i in range(length // 8))


@pytest.fixture(scope="module")
def pages():
    """Six texts, and of each a copy with more and more exchanged."""
    texts = [make_text(seed) for seed in range(6)]
    foreign = [make_text(seed, 8) for seed in range(100, 140)]
    shares = (0, 0.05, 0.1, 0.2, 0.4, 0.8)
    copies = [edit(text, share, foreign, random.Random(0)) for text, share in zip(texts, shares, strict=True)]
    return Collection(tuple(f"https://site/{i}" for i in range(12)), (*texts, *copies))


@pytest.mark.parametrize(("control", "value"), [("buckets", 1), ("hashes", 1), ("n_gram", 1), ("threshold", 0.3)])
def test_every_control_changes_readout_and_picture(pages, control, value):
    panel = DeduplicationPanel(pages)
    readout, picture = panel.readout, panel.picture
    slider = getattr(panel, control)
    before, slider.value = slider.value, value
    assert panel.readout != readout
    assert panel.picture != picture
    slider.value = before
    assert (panel.readout, panel.picture) == (readout, picture)


def test_the_readout_counts_what_sets_count(pages):
    """Recall and precision against sets of words, for one hash per bucket: no band, every pair is caught."""
    panel = DeduplicationPanel(pages)
    panel.hashes.value, panel.buckets.value, panel.n_gram.value, panel.threshold.value = 1, 40, 2, 0.5
    sets = []
    for text in pages.texts:
        words = text.replace(".", " ").split()
        sets.append({tuple(words[i : i + 2]) for i in range(len(words) - 1)})
    alike = sum(len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.5 for a in range(12) for b in range(a + 1, 12))
    assert panel.readout.startswith(
        f"{alike} of 66 pairs have a similarity of 0.50 or more; {alike} of them are caught"
    )
    assert "recall 1.000" in panel.readout and "False alarm: " in panel.readout


def test_a_setting_that_catches_nothing_says_so(pages):
    panel = DeduplicationPanel(Collection(pages.names[:3], pages.texts[:3]))
    assert panel.readout.startswith("0 of 3 pairs")
    assert "recall without meaning" in panel.readout and "precision without meaning" in panel.readout


def test_agreeing_buckets_against_a_loop(pages):
    settings = MinHash(buckets=5, hashes_per_bucket=2)
    agreeing = pages.agreeing_buckets(settings, most=40)
    rows = pages.minima(5, 40)[:, :10].reshape(12, 5, 2)
    first, second = pages.pairs
    expected = [sum((rows[a, k] == rows[b, k]).all() for k in range(5)) for a, b in zip(first, second, strict=True)]
    assert agreeing.tolist() == expected
    assert (agreeing == pages.agreeing_buckets(settings)).all()  # more hashes do not change the first


def test_the_step_of_the_pipeline_runs_on_a_few_documents(pages):
    documents = [Document(name, text, "web") for name, text in zip(pages.names, pages.texts, strict=True)]
    results = deduplicate(documents, MinHash())
    assert isinstance(results[6], Drop) and results[6].detail == "of https://site/0"
    assert isinstance(results[11], Document)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_edit_exchanges_the_share_it_says(share):
    text = ". ".join(f"Sentence {i}" for i in range(20)) + "."
    edited = edit(text, share, ["Foreign."], random.Random(0))
    assert edited.count("Foreign.") == 20 * share
    assert edited.count("Sentence") == 20 * (1 - share)


def test_sample_pages_resemble_each_other_in_every_degree():
    pages = load_near_duplicates(("noise",), pages=40, edited=10)
    similarities = pages.similarities(5)
    assert (similarities > 0.9).sum() >= 3 and ((similarities > 0.3) & (similarities < 0.8)).sum() >= 10
    assert len(set(pages.names)) == len(pages)


# --- checks


def minhash(shingles, multipliers):
    return [min(multiplier * shingle % 2**32 for shingle in shingles) for multiplier in multipliers]


def choose_bands(hashes, similarity):
    shapes = [(hashes // rows, rows) for rows in range(1, hashes + 1) if hashes % rows == 0]
    return min(shapes, key=lambda shape: abs((1 / shape[0]) ** (1 / shape[1]) - similarity))


def clusters(count, pairs):
    parent = list(range(count))

    def find(item):
        while parent[item] != item:
            item = parent[item]
        return item

    for a, b in pairs:
        a, b = find(a), find(b)
        parent[max(a, b)] = min(a, b)
    return [find(item) for item in range(count)]


def least_similar_caught(similarities, agreeing):
    caught = [i for i in range(len(agreeing)) if agreeing[i] > 0]
    return min(caught, key=lambda i: similarities[i])


def one_pass(count, pairs):
    label = list(range(count))
    for a, b in pairs:
        label[max(a, b)] = label[min(a, b)]
    return label


def without_roots(count, pairs):
    parent = list(range(count))
    for a, b in pairs:
        parent[max(a, b)] = min(a, b)
    found = []
    for item in range(count):
        while parent[item] != item:
            item = parent[item]
        found.append(item)
    return found


REFERENCES = {
    "1.5.1": (deduplication.check_1_5_1, minhash),
    "1.5.2": (deduplication.check_1_5_2, choose_bands),
    "1.5.3": (deduplication.check_1_5_3, clusters),
    "1.5.4": (deduplication.check_1_5_4, least_similar_caught),
}
MISTAKES = {
    "no modulus": (deduplication.check_1_5_1, lambda s, m: [min(a * x for x in s) for a in m], "modulo 2**32"),
    "one minimum": (deduplication.check_1_5_1, lambda s, m: [min(minhash(s, m))], "one each"),
    "maximum": (deduplication.check_1_5_1, lambda s, m: [max(a * x % 2**32 for x in s) for a in m], "largest product"),
    "minimum first": (deduplication.check_1_5_1, lambda s, m: [a * min(s) % 2**32 for a in m], "has the minima"),
    "counts": (
        deduplication.check_1_5_1,
        lambda s, m: [x + len(s) - 3 for x in minhash(s, m)],
        "a document is a set",
    ),
    "swapped": (deduplication.check_1_5_2, lambda h, s: choose_bands(h, s)[::-1], "wrong way around"),
    "fewer hashes": (deduplication.check_1_5_2, lambda h, s: (9, 7), "use all"),
    "always FineWeb": (deduplication.check_1_5_2, lambda h, s: (14, 8), "are nearest"),
    "another shape": (deduplication.check_1_5_2, lambda h, s: (16, 7), "FineWeb's 14 buckets of 8"),
    "one pass": (deduplication.check_1_5_3, one_pass, "Follow the pointers"),
    "largest name": (
        deduplication.check_1_5_3,
        lambda n, pairs: [n - 1 - x for x in clusters(n, [(n - 1 - a, n - 1 - b) for a, b in pairs])][::-1],
        "smallest",
    ),
    "joins documents, not clusters": (deduplication.check_1_5_3, without_roots, "their roots"),
    "not caught": (deduplication.check_1_5_4, lambda s, a: s.index(min(s)), "it was not caught"),
    "the similarity": (
        deduplication.check_1_5_4,
        lambda s, a: s[least_similar_caught(s, a)],
        "*where* it is",
    ),
    "most similar": (
        deduplication.check_1_5_4,
        lambda s, a: max(range(len(s)), key=lambda i: s[i]),
        "2 is the least similar",
    ),
}


def test_the_estimate_of_the_panel_is_the_pipelines():
    """The notebook's minima are those that the step compares."""
    from smollab.curate.dedup.minhash import bucket_keys

    texts = [make_text(1), make_text(1) + " and more", make_text(2)]
    pages = Collection(("a", "b", "c"), tuple(texts))
    keys = bucket_keys([Document(str(i), text, "web") for i, text in enumerate(texts)], MinHash())
    agreeing = [int(np.count_nonzero(keys[a] == keys[b])) for a, b in zip(*pages.pairs, strict=True)]
    assert pages.agreeing_buckets(MinHash()).tolist() == agreeing
