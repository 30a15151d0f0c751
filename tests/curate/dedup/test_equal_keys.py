import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.dedup import equal_keys
from smollab.curate.dedup.clusters import Clusters
from smollab.curate.dedup.equal_keys import find_equal, sort_keys
from smollab.curate.dedup.whole import cluster_rows


def blocks_of(keys, size):
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def first_rows(keys):
    """For each row the first with the same key, or itself; by a dictionary."""
    seen = {}
    return [row if not any(key) else seen.setdefault(tuple(key), row) for row, key in enumerate(keys.tolist())]


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize(("distinct", "size"), [(3, 7), (50, 64), (2**60, 10), (1, 5)])
def test_rows_with_equal_keys_are_joined_across_blocks_and_partitions(tmp_path, monkeypatch, columns, distinct, size):
    monkeypatch.setattr(equal_keys, "PARTITION_ROWS", 16)  # many partitions
    rng = np.random.default_rng(distinct)
    keys = rng.integers(0, distinct, (300, columns), dtype=np.uint64) * np.uint64(2**64 // max(distinct, 2))
    clusters = Clusters(tmp_path / "clusters", len(keys))
    cluster_rows(blocks_of(keys, size), len(keys), tmp_path, clusters)
    assert clusters.find(np.arange(len(keys))).tolist() == first_rows(keys)
    assert [p.name for p in tmp_path.iterdir()] == ["clusters"]  # partitions are removed


def test_every_row_but_the_first_comes_once_as_the_second_of_a_pair(tmp_path):
    keys = np.array([5, 0, 5, 9, 5, 0, 9, 5], dtype=np.uint64)[:, None]
    pairs = list(find_equal(blocks_of(keys, 3), len(keys), tmp_path))
    seconds = np.concatenate([second for _, second in pairs])
    assert sorted(seconds.tolist()) == [2, 4, 6, 7]
    assert all((first < second).all() for first, second in pairs)


def test_keys_come_sorted(tmp_path, monkeypatch):
    monkeypatch.setattr(equal_keys, "PARTITION_ROWS", 100)
    keys = np.random.default_rng(0).integers(1, 2**64, (1000, 1), dtype=np.uint64)
    parts = list(sort_keys(blocks_of(keys, 90), 1000, tmp_path))
    assert len(parts) == 16
    rows = np.concatenate([rows for _, rows in parts])
    assert (np.concatenate([k for k, _ in parts]) == np.sort(keys, axis=0)).all()
    assert (keys[rows] == np.sort(keys, axis=0)).all()


@given(st.integers(1, 25), st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=40), st.integers(1, 9))
def test_clusters_against_flooding(tmp_path_factory, size, pairs, batch):
    pairs = [(a % size, b % size) for a, b in pairs]
    label = list(range(size))
    for _ in range(size):  # flood the smallest label along all pairs
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    for order in (pairs, pairs[::-1]):
        clusters = Clusters(tmp_path_factory.getbasetemp() / "clusters", size)
        columns = np.array(order, dtype=np.int64).reshape(-1, 2)
        for start in range(0, len(order), batch):
            clusters.join(columns[start : start + batch, 0], columns[start : start + batch, 1])
        assert clusters.find(np.arange(size)).tolist() == label


@pytest.mark.parametrize("shape", ["chain", "star", "comb"])
def test_long_clusters_take_few_rounds(tmp_path, shape):
    """A chain of 100,000 would take 100,000 steps if a round moved each item by one."""
    n = 100_000
    items = np.arange(n)
    first, second = {
        "chain": (items[:-1], items[1:]),
        "star": (np.full(n - 1, n - 1), items[:-1]),
        "comb": (items[:-2], items[2:]),
    }[shape]
    clusters = Clusters(tmp_path / "clusters", n)
    rounds = 0
    real = clusters.find

    def count(which):
        nonlocal rounds
        rounds += 1
        return real(which)

    clusters.find = count
    clusters.join(first, second)
    assert rounds <= 2 * 17
    expected = items % 2 if shape == "comb" else items * 0
    assert (real(items) == expected).all()
