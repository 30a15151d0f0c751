import numpy as np
import pyarrow.parquet as pq
import pytest

from smollab.curate.dedup import minhash_dedup
from smollab.curate.dedup.pairs import PairSample, estimate_similarity
from smollab.curate.dedup.shingles import jaccard
from smollab.documents import Document
from smollab.recipe import MinHash

from ..making import prose
from .comparing import compare


def near(seed, extra):
    return Document(f"{seed}-{extra}", prose(seed, 40) + " More of it." * extra, "web", "en")


def test_pairs_are_written_with_agreement_estimate_and_exact_similarity(tmp_path):
    shards = [[near(1, 0), near(2, 0)], [near(3, 0), near(1, 1)], [near(2, 2)]]
    compare(minhash_dedup(MinHash()), tmp_path, *shards)
    rows = pq.read_table(tmp_path / "work" / "pairs.parquet").to_pylist()
    assert {(row["first"], row["second"]) for row in rows} == {("1-0", "1-1"), ("2-0", "2-2")}
    texts = {document.id: document.text for shard in shards for document in shard}
    for row in rows:
        assert row["exact"] == jaccard(texts[row["first"]], texts[row["second"]], 5)
        assert 1 <= row["agreeing_buckets"] <= 14
        assert row["estimated"] == pytest.approx((row["agreeing_buckets"] / 14) ** (1 / 8))
        assert abs(row["estimated"] - row["exact"]) < 0.15


def test_no_pairs_no_file(tmp_path):
    compare(minhash_dedup(MinHash()), tmp_path / "different", [near(1, 0), near(2, 0)])
    compare(minhash_dedup(MinHash(pairs=0)), tmp_path / "unwanted", [near(1, 0), near(1, 1)])
    assert not list(tmp_path.rglob("pairs.parquet"))


def test_the_sample_does_not_depend_on_order_or_repetition():
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, 500, (3000, 2)), axis=0)
    one = PairSample(100)
    one.add(pairs[:, 0], pairs[:, 1])
    shuffled = rng.permutation(np.concatenate([pairs, pairs, pairs[:50]]))
    many = PairSample(100)
    for start in range(0, len(shuffled), 37):
        many.add(shuffled[start : start + 37, 0], shuffled[start : start + 37, 1])
    assert len(one.pairs) == 100
    assert (one.pairs == many.pairs).all()
    small = PairSample(10)
    small.add(pairs[:, 0], pairs[:, 1])
    assert (small.pairs == one.pairs[:10]).all()  # the beginning of a sample is one too


def test_the_sample_is_fair():
    """Pairs of a range are drawn in proportion: 2,000 of 20,000, a quarter of them below 5,000."""
    first = np.arange(20_000)
    sample = PairSample(2000)
    sample.add(first, first + 1)
    share = (sample.pairs[:, 0] < 5000).mean()
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5


def test_estimate_inverts_the_probability_of_a_bucket():
    assert estimate_similarity(np.array([14, 7]), MinHash()).tolist() == pytest.approx([1.0, 0.5 ** (1 / 8)])
