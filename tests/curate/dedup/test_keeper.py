import numpy as np
import pytest

from smollab.curate.dedup import minhash_dedup
from smollab.curate.dedup.clusters import Clusters
from smollab.curate.dedup.keeper import choose_keepers, preference
from smollab.curate.dedup.whole import CLUSTER_SIZE
from smollab.documents import Document, Drop
from smollab.recipe import MinHash

from ..making import prose
from .comparing import outcomes


def near(seed, extra, **metadata):
    return Document(f"{seed}-{extra}", prose(seed, 40) + " More." * extra, "web", "en", metadata)


@pytest.mark.parametrize(
    ("keep", "stays"),
    [("first", "1-0"), ("longest", "1-2"), ("newest", "1-1"), ("best", "1-2")],
)
def test_the_preferred_document_of_a_cluster_stays(tmp_path, keep, stays):
    documents = [
        near(1, 0, date="2019-05-01T00:00:00Z", quality_score=1.0),
        near(2, 0),
        near(1, 1, date="2024-05-01", quality_score=2.5),
        near(1, 2, date="2021-05-01T00:00:00+02:00", quality_score=3),
    ]
    results = outcomes(minhash_dedup(MinHash(keep=keep)), tmp_path, documents)
    kept = {after.id: after for _, after in results if isinstance(after, Document)}
    assert set(kept) == {stays, "2-0"}
    assert kept[stays].metadata[CLUSTER_SIZE] == 3
    assert CLUSTER_SIZE not in kept["2-0"].metadata
    assert {after.detail for _, after in results if isinstance(after, Drop)} == {f"of {stays}"}


@pytest.mark.parametrize("keep", ["newest", "best"])
def test_documents_without_date_or_score_come_last_and_among_equals_the_first_stays(tmp_path, keep):
    odd = {"date": "yesterday", "quality_score": float("nan")}
    documents = [near(1, 0, **odd), near(1, 1), near(1, 2, date="1999-01-01", quality_score=-5), near(1, 3, **odd)]
    results = outcomes(minhash_dedup(MinHash(keep=keep)), tmp_path / "one", documents)
    assert [after.id for _, after in results if isinstance(after, Document)] == ["1-2"]
    results = outcomes(minhash_dedup(MinHash(keep=keep)), tmp_path / "two", documents[:2])
    assert [after.id for _, after in results if isinstance(after, Document)] == ["1-0"]


def test_dates_with_and_without_zone_are_compared_as_moments():
    dates = ["2024-05-01T01:30:00+02:00", "2024-04-30T23:45:00", "2024-05-01T00:00:00Z", "2024-05-01"]
    seconds = [preference(Document("", "", "", "", {"date": date}), "newest") for date in dates]
    assert seconds[0] < seconds[1] < seconds[2] == seconds[3]


def test_keepers_against_a_loop_whatever_the_blocks(tmp_path):
    rng = np.random.default_rng(0)
    wishes = rng.integers(0, 4, 500).astype(np.float64)
    wishes[rng.random(500) < 0.2] = -np.inf
    clusters = Clusters(tmp_path / "clusters", 500)
    clusters.join(rng.integers(0, 500, 400), rng.integers(0, 500, 400))
    roots = clusters.find(np.arange(500))
    for size in (500, 7, 64):
        blocks = [wishes[start : start + size] for start in range(0, 500, size)]
        keepers = choose_keepers(clusters, blocks, tmp_path)
        for root in np.unique(roots):
            members = np.flatnonzero(roots == root)
            assert keepers.row[root] == max(members, key=lambda row: (wishes[row], -row))
            assert keepers.size[root] == len(members)
